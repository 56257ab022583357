"""Which rows are trained on and which are for validation: contiguous stretches, never shuffled rows.

Neighbouring frames are nearly equal, so a random split lets a model score by remembering: interpolating the
neighbours' labels alone, without a pixel, scores 0.0031 MSE on Udacity's sample set where ridge needs 0.0115.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import UserError

ASSUMED_RATE_HZ = 10.0  # rows per second where the file names hold no time: Udacity's 2016 recorder
MIN_BLOCK_ROWS = 8  # shorter blocks than about a second measure nothing

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the two sides, and how many rows between them are used for nothing.

    Attributes:
        train: (n,) sorted.
        validation: (m,) sorted, disjoint from `train`.
        n_guard: Rows left out because they are too close in time to a validation row.
    """

    train: IntArray
    validation: IntArray
    n_guard: int

    def without(self, rows: IntArray, *, as_guard: bool = False) -> Split:
        """Some rows less to train on; `as_guard`: they are too close to a validation row."""
        train = np.setdiff1d(self.train, rows)
        return Split(train, self.validation, self.n_guard + as_guard * (len(self.train) - len(train)))


def split_blocks(
    recording: npt.NDArray[np.int32],
    time_s: npt.NDArray[np.float64],
    fraction: float,
    n_blocks: int,
    guard_s: float,
) -> Split:
    """Validate on evenly spread contiguous blocks of every recording, with a guard gap on both sides.

    The choice does not depend on a seed, so that trainings with different seeds have the same validation rows.

    Args:
        recording: (N,) which recording a row belongs to; rows of one recording are adjacent.
        time_s: (N,) when it was taken, s; NaN where unknown (then rows count as 0.1 s apart).
        fraction: Share of the rows to validate on, in (0, 1).
        n_blocks: At most this many blocks per recording; fewer where a block would be shorter than 8 rows, or where the
            gaps would take more of the recording than the blocks.
        guard_s: Rows of the same recording closer to a validation row than this, s, go to neither side.

    Raises:
        UserError: If nothing is left on one side.
    """
    in_validation = np.zeros(len(recording), bool)
    for rows in _rows_of_each(recording):
        times = _known_times(time_s[rows])
        most = fraction * (times.max() - times.min()) / max(2 * guard_s, 1e-3)  # blocks that the gaps allow
        in_validation[rows] = _block_mask(len(rows), fraction, int(min(n_blocks, most)))
    guarded = np.zeros(len(recording), bool)
    for rows in _rows_of_each(recording):
        guarded[rows] = _near(_known_times(time_s[rows]), in_validation[rows], guard_s) & ~in_validation[rows]
    return _checked(in_validation, guarded)


def split_episodes(episode: npt.NDArray[np.int32], fraction: float) -> Split:
    """Validate on whole episodes, evenly spread, until `fraction` of the rows is reached.

    Args:
        episode: (N,) episode of each row, unique over all recordings.
        fraction: Share of the rows to validate on, in (0, 1).

    Raises:
        UserError: If there are fewer than two episodes.
    """
    names, counts = np.unique(episode, return_counts=True)
    if len(names) < 2:
        raise UserError("--split episodes needs two episodes at least, got one: use --split blocks")
    validation_names, n_seen, n_chosen = [], 0, 0
    for name, count in zip(names, counts, strict=True):
        n_seen += count
        if n_chosen + count / 2 <= fraction * n_seen:  # nearer to the wanted share with this episode than without
            validation_names.append(name)
            n_chosen += count
    if not validation_names:
        validation_names = [names[np.argmin(np.abs(counts - fraction * n_seen))]]
    in_validation = np.isin(episode, validation_names)
    return _checked(in_validation, np.zeros_like(in_validation))


def split_recordings(recording: npt.NDArray[np.int32], first_validation: int) -> Split:
    """Validate on every recording from number `first_validation` on."""
    in_validation = recording >= first_validation
    return _checked(in_validation, np.zeros_like(in_validation))


def near_validation(
    split: Split,
    recording: npt.NDArray[np.int32],
    time_s: npt.NDArray[np.float64],
    same_drive: npt.NDArray[np.bool_],
    guard_s: float,
) -> IntArray:
    """The training rows that are close in time to a validation row of another recording of the same drive.

    Args:
        split: The two sides.
        recording: (N,) which recording a row belongs to.
        time_s: (N,) s; rows without a time (NaN) are close to none.
        same_drive: (R, R) which recordings are of the same drive, see `same_drives`.
        guard_s: How close is too close, s.
    """
    train, validation = (rows[np.isfinite(time_s[rows])] for rows in (split.train, split.validation))
    near = np.zeros(len(train), bool)
    for number in np.unique(recording[validation]):
        of_drive = same_drive[number][recording[train]]
        if of_drive.any():
            rows = np.concatenate([train[of_drive], validation[recording[validation] == number]])
            is_validation = np.arange(len(rows)) >= of_drive.sum()
            near[of_drive] |= _near(time_s[rows], is_validation, guard_s)[~is_validation]
    return train[near]


def spread(numbers: IntArray, n: int) -> IntArray:
    """At most `n` of `numbers`, evenly spread from the first to the last."""
    chosen: IntArray = numbers[np.linspace(0, len(numbers) - 1, min(n, len(numbers))).round().astype(int)]
    return chosen


def _checked(in_validation: npt.NDArray[np.bool_], guarded: npt.NDArray[np.bool_]) -> Split:
    train, validation = np.flatnonzero(~in_validation & ~guarded), np.flatnonzero(in_validation)
    if not len(train) or not len(validation):
        raise UserError(
            f"{len(in_validation)} rows are too few to train on some and validate on others "
            f"({len(train)} to train on, {len(validation)} to validate on, {int(guarded.sum())} in the gaps between): "
            "record more, or lower --guard-s"
        )
    return Split(train, validation, int(guarded.sum()))


def _rows_of_each(recording: npt.NDArray[np.int32]) -> list[IntArray]:
    return [np.flatnonzero(recording == number) for number in np.unique(recording)]


def _block_mask(n: int, fraction: float, n_blocks: int) -> npt.NDArray[np.bool_]:
    """Mark `n_blocks` blocks, together `fraction` of `n` rows, each in the middle of its equal part."""
    n_blocks = max(1, min(n_blocks, int(n * fraction) // MIN_BLOCK_ROWS))
    length = max(1, round(n * fraction / n_blocks))
    mask = np.zeros(n, bool)
    for block in range(n_blocks):
        start = round((block + 0.5) * n / n_blocks - length / 2)
        mask[max(0, start) : start + length] = True
    return mask


def _known_times(time_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return time_s if np.isfinite(time_s).all() else np.arange(len(time_s)) / ASSUMED_RATE_HZ


def _near(time_s: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_], distance_s: float) -> npt.NDArray[np.bool_]:
    """Which rows are closer than `distance_s` to any chosen row."""
    times = np.sort(time_s[chosen])
    after = np.searchsorted(times, time_s)
    to_next = np.abs(times[np.minimum(after, len(times) - 1)] - time_s)
    to_previous = np.abs(time_s - times[np.maximum(after - 1, 0)])
    near: npt.NDArray[np.bool_] = np.minimum(to_next, to_previous) < distance_s
    return near
