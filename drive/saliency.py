"""What moves a model's steering: `python drive/saliency.py model.h5 RECORDING --sheet out.png`.

Prints the share of the saliency on road, lines, kerbs and so on against their share of the picture, and draws the
frames with what moves the steering laid over them.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import exit_code
from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    from models.occlusion_saliency import SaliencyMap
    from simulator_bridge.messages import Frame
    from simulator_bridge.recording import Recording

SUFFIXES = (".png", ".jpg")
EPILOG = """\
The table needs the class of each pixel, which the built-in simulator knows:
  python simulator_bridge/simulate.py --expert --record runs/labelled --labels
Without classes (a recording of Udacity's simulator) there is the picture only.

Exit code: 0 when all is done, 1 if it could not be, 2 for a wrong command line.
"""


@dataclass(frozen=True)
class SaliencyConfig:
    """What to look at; `saliency.py --help` says what the fields mean.

    Raises:
        ValueError: If a value is out of range.
    """

    model: Path
    recording: Path
    frames: int = 100
    sheet: Path | None = None
    sheet_frames: int = 16
    json: Path | None = None
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.frames < 1 or self.sheet_frames < 1:
            raise ValueError("expected at least 1 frame")
        if self.sheet is not None and self.sheet.suffix.lower() not in SUFFIXES:
            raise ValueError(f"expected a picture that ends in {' or '.join(SUFFIXES)}, got {str(self.sheet)!r}")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    try:
        config = SaliencyConfig(**vars(parser.parse_args(argv)))
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: run(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    defaults = SaliencyConfig(Path(), Path())
    parser = argparse.ArgumentParser(
        description="Show what moves a model's steering, and on which classes of pixels that lies.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="model file, as train/clone.py writes it")
    parser.add_argument("recording", type=Path, help="folder with driving_log.csv")
    parser.add_argument(
        "--frames", type=int, default=defaults.frames, help="how many, all along the recording (default: %(default)s)"
    )
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="draw some of the frames in one picture")
    parser.add_argument(
        "--sheet-frames", type=int, default=defaults.sheet_frames, metavar="N", help="that many (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on standard error")
    return parser


def run(config: SaliencyConfig) -> int:
    """Look, print, draw."""
    for path in (config.sheet, config.json):
        if path is not None and not path.absolute().parent.is_dir():
            raise UserError(f"{path}: there is no folder {str(path.parent)!r} to write it into")
    import numpy as np

    from drive.visualization.saliency_by_class import LABEL_FOLDER
    from simulator_bridge.recording import load_only_recording

    recording = load_only_recording(config.recording)
    has_labels = (recording.folder / LABEL_FOLDER).is_dir()
    if not has_labels and (config.sheet is None or config.json is not None):
        raise UserError(
            f"{recording.folder}: has no classes of pixels ({LABEL_FOLDER}/) to print shares of: record with "
            f"simulator_bridge/simulate.py --labels, or ask for the picture alone with --sheet FILE.png"
        )
    n_frames = config.frames if has_labels else config.sheet_frames
    rows = np.unique(np.linspace(0, len(recording) - 1, n_frames).astype(int)).tolist()
    looked = _look(config, recording, rows)
    if has_labels:
        _print_shares(config, recording, looked)
    if config.sheet is not None:
        _draw(config, looked)
    return 0


def _look(config: SaliencyConfig, recording: Recording, rows: list[int]) -> dict[int, tuple[Frame, SaliencyMap]]:
    from rich.console import Console
    from rich.progress import track

    from models.occlusion_saliency import load_saliency
    from simulator_bridge.recording import read_frame

    saliency = load_saliency(config.model)
    console = Console(stderr=True)
    hidden = config.quiet or not console.is_terminal
    frames = {row: read_frame(recording.image_path("center", row)) for row in rows}
    shown = track(frames.items(), "looking", console=console, transient=True, disable=hidden)
    return {row: (frame, saliency(frame)) for row, frame in shown}


def _print_shares(config: SaliencyConfig, recording: Recording, looked: dict[int, tuple[Frame, SaliencyMap]]) -> None:
    from drive.visualization.saliency_by_class import load_labels, measure_shares
    from drive.visualization.saliency_table import build_table, shares_to_json
    from models.occlusion_saliency import seen_rows
    from simulator_bridge.cli.output_file import write_json

    looks = ((frame, saliency, load_labels(recording, row)) for row, (frame, saliency) in looked.items())
    shares = measure_shares(looks, seen_rows(config.model))
    print(build_table(shares, len(looked)))  # noqa: T201 - the command's result
    if config.json is not None:
        content = {"model": str(config.model), "recording": str(recording.folder), "frames": len(looked)}
        write_json(config.json, {**content, "shares": shares_to_json(shares)})


def _draw(config: SaliencyConfig, looked: dict[int, tuple[Frame, SaliencyMap]]) -> None:
    from models.occlusion_saliency import overlay
    from simulator_bridge.simulator.run.contact_sheet import INK, Strip, draw, save

    if config.sheet is None:
        return
    looks = list(looked.values())
    step = max(1, len(looks) // config.sheet_frames)
    pictures = [overlay(frame, saliency) for frame, saliency in looks[::step][: config.sheet_frames]]
    caption = f"{config.model.name}: what moves its steering, faint pink to strong yellow"
    save(draw([Strip([(caption, INK)], pictures)]), config.sheet)
    print(config.sheet)  # noqa: T201 - the command's result


if __name__ == "__main__":
    sys.exit(main())
