"""r1s: the correlation of a prediction with the label averaged over about a second.

Steering recorded by keys is pulses, which no predictor can match row by row; their mean over a second is what the
driver meant. The second is that of the time stamps, whatever the recorder's rate: 11 rows in place of it are 6 s of a
recording with 1.8 rows a second, and a nearly perfect prediction is at 0.60.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from train.data.rows import FloatArray, IntArray, Rows, stretches

HALF_WINDOW_S = 0.55  # 11 rows of the 2016 recorder, whose ten a second are 100 to 103 ms apart; 0.5 s would be 9 or 10
UNTIMED_ROWS = 11  # without time stamps: about a second of that recorder
SPARSEST_HZ = 5.0  # the mean of fewer rows than five is no mean of pulses
STAMP_S = 1e-3  # time stamps are whole milliseconds
TOO_SPARSE = "too sparse"


@dataclass(frozen=True, eq=False)
class SecondMeans:
    """Labels of n rows averaged over about a second.

    Attributes:
        mean: (n,) of the rows within `HALF_WINDOW_S` of it that belong to its episode; without time stamps of the 11
            rows around it; NaN where its recording has fewer than `SPARSEST_HZ` rows a second.
        timed: (n,) whether the row has a time stamp, as all of its episode.
    """

    mean: FloatArray
    timed: npt.NDArray[np.bool_]

    @classmethod
    def from_rows(cls, rows: Rows) -> SecondMeans:
        """Average the steering of all rows, each within its episode."""
        mean, timed = np.empty(len(rows), np.float32), np.isfinite(rows.time_s)
        for recording in stretches(rows.recording):
            for part in stretches(rows.episode[recording]):
                own = recording[part]
                timed[own] = timed[own].all()
                if timed[own[0]]:
                    mean[own] = _window_means(rows.steering_angle[own], rows.time_s[own], HALF_WINDOW_S)
                else:
                    mean[own] = _window_means(rows.steering_angle[own], np.arange(len(own)), UNTIMED_ROWS // 2)
            if _is_sparse(rows.time_s[recording], rows.episode[recording]):
                mean[recording[timed[recording]]] = np.nan
        return cls(mean, timed)

    def of(self, rows: IntArray) -> SecondMeans:
        """Those of some rows."""
        return SecondMeans(self.mean[rows], self.timed[rows])

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """(n,) which rows have a mean: they are not of a recording that is too sparse."""
        return np.isfinite(self.mean)

    def r1s(self, predicted: FloatArray) -> float:
        """The correlation of a prediction (n,) with the means that there are; NaN if there are none."""
        return correlation(predicted[self.known], self.mean[self.known])

    @property
    def note(self) -> str:
        """Of what rows r1s is, where it is not over a second of each; empty where it is."""
        n, n_known, n_untimed = len(self.mean), int(self.known.sum()), int((~self.timed).sum())
        limit = f"below {SPARSEST_HZ:g} rows/s"
        if not n_known:
            return f"{TOO_SPARSE}: {limit}"
        parts = []
        if n_untimed:
            some = "" if n_untimed == n else f", for {n_untimed} of {n}"
            parts.append(f"over {UNTIMED_ROWS} rows{some}: no time stamps")
        if n_known < n:
            parts.append(f"of {n_known} of {n} rows: the others are {TOO_SPARSE}, {limit}")
        return "; ".join(parts)


def r1s_cell(r1s: float | None, note: str) -> float | str | None:
    """What a table shows: the figure, or that the rows are too sparse for one; `note` is that of `SecondMeans`."""
    return TOO_SPARSE if note.startswith(TOO_SPARSE) else r1s


def correlation(a: FloatArray, b: FloatArray) -> float:
    """Pearson's r of two (n,) arrays; NaN where one of them is constant, or empty."""
    if not len(a):
        return float("nan")
    a64, b64 = a.astype(np.float64) - a.mean(dtype=np.float64), b.astype(np.float64) - b.mean(dtype=np.float64)
    scale = float(np.sqrt(np.square(a64).sum() * np.square(b64).sum()))
    return float((a64 * b64).sum() / scale) if scale > 1e-12 else float("nan")


def _window_means(labels: FloatArray, position: npt.NDArray[Any], half_window: float) -> FloatArray:
    """Mean of the labels within `half_window` of each position; fewer at the ends. Positions never decrease."""
    first = np.searchsorted(position, position - half_window, "left")
    end = np.searchsorted(position, position + half_window, "right")
    total = np.concatenate([[0.0], np.cumsum(labels, dtype=np.float64)])
    means: FloatArray = ((total[end] - total[first]) / (end - first)).astype(np.float32)
    return means


def _is_sparse(time_s: npt.NDArray[np.float64], episode: npt.NDArray[np.int32]) -> bool:
    """Whether the rows of a recording are further apart than `SPARSEST_HZ` allows: the median within its episodes.

    Rows that are all episodes of their own are: more than a second lies between them.
    """
    spacing_s = np.diff(time_s)[np.diff(episode) == 0]
    spacing_s = spacing_s[np.isfinite(spacing_s)]
    return not len(spacing_s) or float(np.median(spacing_s)) > 1 / SPARSEST_HZ + STAMP_S
