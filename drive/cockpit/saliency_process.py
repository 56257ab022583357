"""Computes what moves the steering, in a process of its own at the lowest niceness; started by the cockpit.

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
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from drive.model_argument import check_preprocessing, chosen_preprocessing, model_argument, preprocessing_option
from simulator_bridge.cli.command import run_command
from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    from models.occlusion_saliency import SaliencyMap

OK, FAILED = 0, 1
PNG_EFFORT = 1  # of 9


@dataclass(frozen=True, kw_only=True)
class SaliencyProcessConfig:
    """Settings of the process."""

    model: Path = model_argument()
    preprocessing: str | None = preprocessing_option()

    def __post_init__(self) -> None:
        check_preprocessing(self.preprocessing)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        SaliencyProcessConfig, run, argv, description="Compute saliency for the cockpit, which starts this."
    )


def run(config: SaliencyProcessConfig) -> int:
    """Answer frames until the input ends; why a model has no saliency is an answer, too."""
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


def serve(config: SaliencyProcessConfig, frames: BinaryIO, maps: BinaryIO) -> None:
    """Answer every frame with its map.

    Raises:
        UserError: If the model cannot be read or evaluated.
    """
    import cv2

    from models.occlusion_saliency import load_saliency
    from simulator_bridge.messages import decode_frame

    cv2.setNumThreads(1)
    saliency = load_saliency(config.model, chosen_preprocessing(config.model, config.preprocessing))
    step_back()
    while jpeg := read_block(frames):
        answer(maps, OK, to_png(saliency(decode_frame(jpeg))))


def to_png(saliency: SaliencyMap) -> bytes:
    """Draw a map as `models.occlusion_saliency.overlay` does, as a picture to be laid over the frame."""
    import cv2
    import numpy as np

    from models.occlusion_saliency import FADE, FAINT_RGB, OPACITY, STRONG_RGB

    strength = saliency[..., np.newaxis]
    colour = (1.0 - strength) * np.array(FAINT_RGB, np.float32) + strength * np.array(STRONG_RGB, np.float32)
    alpha = 255.0 * OPACITY * strength**FADE
    rgba = np.rint(np.concatenate([colour, alpha], axis=2)).astype(np.uint8)
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
