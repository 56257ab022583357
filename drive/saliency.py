"""What moves a model's steering: `python drive/saliency.py model.h5 RECORDING --sheet out.png`.

Prints the saliency by class of pixels (road, lines, kerbs and so on) beside the area of each class, and draws frames
with their saliency on top.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drive.model_argument import check_model, model_argument
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    from models.occlusion_saliency import SaliencyMap
    from simulator_bridge.messages import Frame
    from simulator_bridge.recording import Recording

EPILOG = """\
The table needs the class of each pixel, which the built-in simulator can record:
  python simulator_bridge/simulate.py --expert --record runs/labelled --labels
Without classes (a recording of Udacity's simulator) there is the picture only.

Exit code: 0 when all is done, 1 if it could not be, 2 for a wrong command line.
"""


@dataclass(frozen=True, kw_only=True)
class SaliencyConfig:
    """What to compute; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range.
    """

    model: Path = model_argument()
    recording: Path = argument("folder with driving_log.csv")
    frames: int = option(100, "how many, all along the recording", at_least=1)
    sheet: Path | None = option(
        None, "draw some of the frames in one picture", metavar="FILE.png", suffixes=(".png", ".jpg")
    )
    sheet_frames: int = option(16, "that many", at_least=1)
    json: Path | None = json_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        SaliencyConfig,
        run,
        argv,
        description="Show what moves a model's steering, and on which classes of pixels that lies.",
        epilog=EPILOG,
    )


def run(config: SaliencyConfig) -> int:
    """Compute the saliency, print the table, draw the sheet."""
    check_output("--sheet", config.sheet)
    check_output("--json", config.json)
    check_model(config.model)
    import numpy as np

    from drive.visualization.saliency_by_class import LABEL_FOLDER
    from simulator_bridge.recording import load_only_recording

    recording = load_only_recording(config.recording)
    has_labels = (recording.folder / LABEL_FOLDER).is_dir()
    if not has_labels and (config.sheet is None or config.json is not None):
        raise UserError(
            f"{recording.folder}: has no classes of pixels ({LABEL_FOLDER}/) for the table: record with "
            f"simulator_bridge/simulate.py --labels, or ask for the picture alone with --sheet FILE.png"
        )
    n_frames = config.frames if has_labels else config.sheet_frames
    rows = np.unique(np.linspace(0, len(recording) - 1, n_frames).astype(int)).tolist()
    maps = _compute(config.model, recording, rows)
    if has_labels:
        _print_by_class(config, recording, maps)
    if config.sheet is not None:
        _draw(config.sheet, config, maps)
    return 0


def _compute(model: Path, recording: Recording, rows: list[int]) -> dict[int, tuple[Frame, SaliencyMap]]:
    """Frame and saliency of each row."""
    from models.occlusion_saliency import load_saliency
    from simulator_bridge.cli.terminal import counted
    from simulator_bridge.recording import read_frame

    saliency = load_saliency(model)
    frames = {row: read_frame(recording.image_path("center", row)) for row in rows}
    return {row: (frame, saliency(frame)) for row, frame in counted(frames.items(), "saliency")}


def _print_by_class(config: SaliencyConfig, recording: Recording, maps: dict[int, tuple[Frame, SaliencyMap]]) -> None:
    from drive.visualization.saliency_by_class import load_labels, measure_by_class
    from drive.visualization.saliency_table import build_table, shares_to_json
    from models.occlusion_saliency import seen_rows

    labelled = ((frame, saliency, load_labels(recording, row)) for row, (frame, saliency) in maps.items())
    by_class = measure_by_class(labelled, seen_rows(config.model))
    print_result(build_table(by_class, len(maps)))
    if config.json is not None:
        content = {"model": str(config.model), "recording": str(recording.folder), "frames": len(maps)}
        write_json(config.json, {**content, "shares": shares_to_json(by_class)})


def _draw(sheet: Path, config: SaliencyConfig, maps: dict[int, tuple[Frame, SaliencyMap]]) -> None:
    from models.occlusion_saliency import overlay
    from simulator_bridge.simulator.run.contact_sheet import INK, Strip, draw, save

    pairs = list(maps.values())
    step = max(1, len(pairs) // config.sheet_frames)
    pictures = [overlay(frame, saliency) for frame, saliency in pairs[::step][: config.sheet_frames]]
    caption = f"{config.model.name}: what moves its steering, faint pink to strong yellow"
    save(draw([Strip([(caption, INK)], pictures)]), sheet)
    print_result(sheet)


if __name__ == "__main__":
    sys.exit(main())
