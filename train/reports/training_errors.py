"""Where the predictions are wrong along the recordings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulator_bridge.pages.blocks import note
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.figures import Line, line_chart
from simulator_bridge.pages.sortable_table import Column, table
from simulator_bridge.udacity_car import MAX_STEERING_DEG
from train.data.rows import Rows
from train.reports.predictions import Predictions
from train.reports.recording_names import recording_names
from train.reports.timeline import downsample

MAX_CHARTS = 12  # recordings with a chart of their own
MAX_BLOCKS = 40  # in the table: those with the greatest error

FloatArray = npt.NDArray[np.float64]


def timeline_section(rows: Rows, predictions: Predictions) -> Section:
    """Predicted against recorded steering along the validation rows, recording by recording, and the blocks."""
    names = recording_names(rows.recordings)
    recording = rows.recording[predictions.row]
    present = np.unique(recording).tolist()
    blocks: list[Markup] = []
    for number in present[:MAX_CHARTS]:
        part = np.flatnonzero(recording == number)
        mae_deg = MAX_STEERING_DEG * float(np.abs(predictions.error[part]).mean())
        blocks.append(
            line_chart(
                f"{names[number]}: mean error {mae_deg:.2f}\N{DEGREE SIGN} on {len(part):,} validation rows",
                [
                    _line(predictions, part, "recorded", predictions.recorded),
                    _line(predictions, part, "predicted", predictions.predicted),
                ],
                x_label="validation time, s",
                y_label="steering (\N{MINUS SIGN}1 left, 1 right)",
                zero_line=True,
                height_px=240,
            )
        )
    if len(present) > MAX_CHARTS:
        blocks.append(note(f"The first {MAX_CHARTS} of {len(present)} recordings; all count in what follows.", "plain"))
    return Section(
        "Along the validation rows",
        *blocks,
        *_block_table(rows, predictions, names),
        intro="Blue is what was recorded, orange what the model predicts from the same frames. A good model follows "
        "the bends and smooths the pulses of a key; one that stays near zero has only learned to go straight on. The "
        "line breaks where one validation block ends and the next one begins.",
    )


def _line(predictions: Predictions, part: npt.NDArray[np.int64], label: str, values: FloatArray) -> Line:
    return Line(label, *downsample(predictions.time_s[part], values[part], predictions.block[part]))


def _block_table(rows: Rows, predictions: Predictions, names: Sequence[str]) -> list[Markup]:
    entries: list[list[object]] = []
    for part in np.split(np.arange(len(predictions)), np.flatnonzero(np.diff(predictions.block)) + 1):
        first, last = int(predictions.row[part[0]]), int(predictions.row[part[-1]])
        recording = int(rows.recording[first])
        lines = rows.recordings[recording].line
        error = predictions.error[part]
        entries.append(
            [
                names[recording],
                int(lines[rows.row[first]]),
                int(lines[rows.row[last]]),
                len(part),
                float(np.square(error).mean()),
                MAX_STEERING_DEG * float(np.abs(error).mean()),
                MAX_STEERING_DEG * float(error.mean()),
            ]
        )
    columns = [
        Column("recording", numeric=False),
        Column("from line", digits=0),
        Column("to line", digits=0),
        Column("rows", digits=0),
        Column("MSE", digits=5),
        Column("MAE, deg", digits=2),
        Column("bias, deg", digits=2, hint="mean of predicted minus recorded; + is too far to the right"),
    ]
    worst = sorted(entries, key=lambda entry: -float(str(entry[4])))[:MAX_BLOCKS]
    blocks = [table(columns, worst)]
    if len(entries) > MAX_BLOCKS:
        blocks.append(note(f"The {MAX_BLOCKS} worst of {len(entries)} blocks.", "plain"))
    return blocks
