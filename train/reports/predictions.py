"""The predictions of the model that drives on the validation rows, beside the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.policy import Policy
from train.data.image_store import FrameReader
from train.data.rows import Rows
from train.data.splits import spread

MAX_ROWS = 20_000  # about a minute of a small network on one core; of more, these are spread evenly
CHUNK = 64  # frames decoded at a time
BLOCK_GAP_S = 2.0  # how wide the space between two blocks is drawn
ASSUMED_STEP_S = 0.1  # between rows without time stamps

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Recorded and predicted steering of m validation rows whose center image can be read, in order.

    Attributes:
        row: (m,) of all rows.
        recorded: (m,) normalised, + is right.
        predicted: (m,) the same, clipped to [-1, 1] as the pilot does.
        block: (m,) number of the stretch of adjacent rows of one recording, from 0.
        time_s: (m,) since the first row of the recording's validation rows; between blocks only BLOCK_GAP_S pass.
    """

    row: IntArray
    recorded: FloatArray
    predicted: FloatArray
    block: npt.NDArray[np.int32]
    time_s: FloatArray

    def __len__(self) -> int:
        return len(self.row)

    @property
    def error(self) -> FloatArray:
        """(m,) predicted minus recorded: positive is too far to the right."""
        return self.predicted - self.recorded


def predict_rows(
    policy: Policy,
    rows: Rows,
    validation_set: IntArray,
    reader: FrameReader,
    on_progress: Callable[[int], None] = lambda n_done: None,
) -> Predictions:
    """Predict steering from the center images of `validation_set` rows (sorted), at most MAX_ROWS of them."""
    chosen = spread(validation_set, MAX_ROWS)
    predicted = np.full(len(chosen), np.nan)
    for start in range(0, len(chosen), CHUNK):
        part = chosen[start : start + CHUNK]
        frames, readable = reader([rows.image_path("center", int(row)) for row in part])
        for place in np.flatnonzero(readable):
            predicted[start + place] = policy(frames[place]).steering_angle
        on_progress(start + len(part))
    known = np.isfinite(predicted)
    row = chosen[known]
    step = max(1, round(len(validation_set) / max(1, len(chosen))))
    block = _blocks(rows, row, 2 * step)
    return Predictions(
        row,
        rows.steering_angle[row].astype(np.float64),
        np.clip(predicted[known], -1, 1),
        block,
        _time_s(rows, row, block),
    )


def _blocks(rows: Rows, row: IntArray, most_apart: int) -> npt.NDArray[np.int32]:
    """Number stretches of rows of one episode that are less than `most_apart` rows apart."""
    begins = (np.diff(row) >= max(2, most_apart)) | (np.diff(rows.episode[row]) != 0)
    return np.concatenate([[0], np.cumsum(begins)]).astype(np.int32)[: len(row)]


def _time_s(rows: Rows, row: IntArray, block: npt.NDArray[np.int32]) -> FloatArray:
    step_s = np.diff(rows.time_s[row])
    step_s = np.where(np.isfinite(step_s) & (step_s >= 0), step_s, ASSUMED_STEP_S * np.diff(row))
    step_s = np.where(np.diff(block) == 0, step_s, BLOCK_GAP_S)
    time_s = np.concatenate([[0.0], np.cumsum(step_s)])[: len(row)]
    recording = rows.recording[row]
    first = np.searchsorted(recording, recording)  # of each row's recording; its rows are adjacent
    return np.asarray(time_s - time_s[first], np.float64) if len(row) else time_s
