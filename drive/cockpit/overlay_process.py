"""Computes what is laid over the camera, in a process of its own at the lowest niceness; started by the cockpit.

Standard input: for each frame its length in 4 bytes (big-endian) and a JPEG. Standard output, for each: one byte (0: a
map, 1: it failed), a length, and a PNG with transparency or a text. Ends when its input ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/cockpit/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from drive.model_argument import check_preprocessing, chosen_preprocessing, model_argument, preprocessing_option
from drive.overlay import Overlay
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from simulator_bridge.messages import Frame

    FloatArray = npt.NDArray[np.float32]
    Painter = Callable[[Frame], tuple[FloatArray, FloatArray]]  # RGB in [0, 255], opacity in [0, 1]

OK, FAILED = 0, 1
PNG_EFFORT = 1  # of 9


@dataclass(frozen=True, kw_only=True)
class OverlayProcessConfig:
    """Settings of the process."""

    model: Path = model_argument()
    shows: Overlay = option("saliency", "what to compute")
    preprocessing: str | None = preprocessing_option()

    def __post_init__(self) -> None:
        check_options(self)
        check_preprocessing(self.preprocessing)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        OverlayProcessConfig,
        run,
        argv,
        description="Compute what the cockpit, which starts this, lays over the camera.",
    )


def run(config: OverlayProcessConfig) -> int:
    """Answer frames until the input ends; why a model has no such map is an answer, too."""
    try:
        serve(config, sys.stdin.buffer, sys.stdout.buffer)
    except UserError as error:
        answer(sys.stdout.buffer, FAILED, str(error).encode())
        return 1
    return 0


def step_back() -> None:
    """Lower our priority to the lowest; only once started, or on a busy processor the start would take very long.

    Not SCHED_IDLE: Linux takes a processor that runs only such work for a free one and wakes the answering thread
    there, which costs it more (1.0 to 2.0 times as long at p99) than work of lowest niceness does (0.99 to 1.31, half
    of 25 runs up to 1.16). A rest after each run of the model made it worse (1.15 to 1.34), one processor of its own no
    better (1.08 to 1.26).
    """
    if hasattr(os, "nice"):
        os.nice(19)


def serve(config: OverlayProcessConfig, frames: BinaryIO, maps: BinaryIO) -> None:
    """Answer every frame with its map.

    Raises:
        UserError: If the model cannot be read or evaluated.
    """
    import cv2

    from simulator_bridge.messages import decode_frame

    cv2.setNumThreads(1)
    painter = load_painter(config)
    step_back()
    while jpeg := read_block(frames):
        answer(maps, OK, to_png(*painter(decode_frame(jpeg))))


def load_painter(config: OverlayProcessConfig) -> Painter:
    """What makes a frame's colours and their opacity.

    Raises:
        UserError: If the model cannot be read, or has no such map.
    """
    if config.shows == "segmentation":
        from models import segmentation

        segmenter = segmentation.load_segmenter(config.model)
        return lambda frame: segmentation.in_colours(segmenter(frame))
    from models import occlusion_saliency

    preprocessing = chosen_preprocessing(config.model, config.preprocessing)
    saliency = occlusion_saliency.load_saliency(config.model, preprocessing)
    return lambda frame: occlusion_saliency.in_colours(saliency(frame))


def to_png(colours: FloatArray, opacity: FloatArray) -> bytes:
    """A picture to be laid over a frame: RGB (h, w, 3) in [0, 255], opacity (h, w, 1) in [0, 1]."""
    import cv2
    import numpy as np

    rgba = np.rint(np.concatenate([colours, 255.0 * opacity], axis=2)).astype(np.uint8)
    is_done, png = cv2.imencode(
        ".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_PNG_COMPRESSION, PNG_EFFORT]
    )
    if not is_done:
        raise UserError("the map could not be written as a PNG")
    return bytes(png)


def read_block(stream: BinaryIO) -> bytes:
    """Read a length and what follows; empty at the end."""
    head = stream.read(4)
    return stream.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""


def answer(stream: BinaryIO, status: int, block: bytes) -> None:
    """Write a status, a length and what follows."""
    stream.write(struct.pack(">BI", status, len(block)) + block)
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
