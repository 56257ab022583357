"""What a model sees on real frames: `python docs/segmentation_table.py MODEL SHEET.png RECORDING...`.

Each recording is placed on the lake or the jungle; the classes that are rendered from the same place are what its
frames should be told as. Beside it the same on the rendered frames. Draws 24 real frames as the model sees them.
"""

# ruff: noqa: T201 - it prints a table
from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import numpy as np

from models.segmentation import NOT_SEEN, Classes, load_segmenter, overlay
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import load_recordings, read_frame
from simulator_bridge.simulator.run.contact_sheet import INK, Strip, draw, save
from simulator_bridge.simulator.run.same_pose import render_pairs
from simulator_bridge.simulator.truth.classes import CLASSES
from simulator_bridge.simulator.truth.rendered_truth import class_of

N_PAIRS, N_SHOWN = 100, 24


def main(model: Path, sheet: Path, recordings: Sequence[Path]) -> None:
    """Print a table, draw the sheet."""
    segmenter, rows, shown = load_segmenter(model), [], []
    for recording in recordings:
        try:
            track, pairs = render_pairs(recording, N_PAIRS, 0, "tinydisplay", ("lake", "jungle"))
        except RecordingError as error:
            print(f"{recording.name}: {error}")
        else:
            true = [class_of(pair.labels) for pair in pairs]
            for what, frames in (("real", [p.real for p in pairs]), ("rendered", [p.rendered for p in pairs])):
                ious = iou([segmenter(frame) for frame in frames], true)
                rows.append([f"{recording.name}, {track}", what, *ious, float(np.nanmean(ious))])
        own = load_recordings([recording])[0]
        for row in np.linspace(0, len(own) - 1, max(1, N_SHOWN // len(recordings))).astype(int):
            frame = read_frame(own.image_path("center", int(row)))
            shown.append(overlay(frame, segmenter(frame)))
    columns = [TextColumn("recording", numeric=False), TextColumn("frames", numeric=False)]
    print(text_table([*columns, *(TextColumn(name, 2) for name in (*CLASSES, "mean"))], rows))
    caption = f"{model.name}: road green, edge yellow, land brown, sky blue, car violet"
    save(draw([Strip([(caption, INK)], shown[:N_SHOWN])]), sheet)


def iou(said: Sequence[Classes], true: Sequence[Classes]) -> list[float]:
    """Of each class, where the model looks: pixels both said and true, as a share of those that are one of both."""
    both, either = np.zeros(len(CLASSES)), np.zeros(len(CLASSES))
    for each_said, each_true in zip(said, true, strict=True):
        for number in range(len(CLASSES)):
            is_said, is_true = each_said == number, (each_true == number) & (each_said != NOT_SEEN)
            both[number] += (is_said & is_true).sum()
            either[number] += (is_said | is_true).sum()
    return [float(b / e) if e else float("nan") for b, e in zip(both, either, strict=True)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(each) for each in sys.argv[3:]])
