"""Issues of a recording to look at before training: label jumps, frozen, dark, bright, flat and broken images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording import Recording
from simulator_bridge.recording.row_runs import runs_of
from simulator_bridge.recording.standing import STANDING_MPH
from simulator_bridge.udacity_car import MAX_STEERING_DEG
from train.reports.frame_statistics import FrameStatistics

# Of 2,800 real frames: the darkest 49, the flattest 22, the least change from row to row 3.7 at 10 to 13 rows/s.
DARK_LEVEL, BRIGHT_LEVEL = 25.0, 245.0  # grey levels of 255
FLAT_LEVEL = 6.0  # standard deviation, grey levels
FROZEN_LEVEL = 0.5  # mean difference to the row before, grey levels; the JPEG noise of a still scene alone is more
JUMP_WITHIN_S = 0.25  # between rows farther apart a wheel may well have been turned
JUMP = 0.5  # of the steering from one row to the next: keys move the wheel by 0.3 in a tenth of a second


@dataclass(frozen=True)
class IssueExample:
    """Rows of a recording that show an issue.

    Attributes:
        rows: Rows of `recording` to show, in order; the last one has the issue.
        why: A few words with the numbers.
        n_good: Of `rows`, those at their beginning that do not have the issue.
    """

    rows: tuple[int, ...]
    why: str
    n_good: int = 0

    @property
    def to_leave_out(self) -> tuple[int, int]:
        """The first and the last row to leave out."""
        return self.rows[0] + self.n_good, self.rows[-1]


@dataclass(frozen=True)
class DataIssue:
    """One kind of issue in a recording.

    Attributes:
        kind: Its name.
        meaning: What it does to a training, and what to do about it.
        n_rows: Rows of the recording that have it.
        worst: The worst examples, worst first.
    """

    kind: str
    meaning: str
    n_rows: int
    worst: Sequence[IssueExample]


def find_issues(recording: Recording, frames: FrameStatistics, n_worst: int = 4) -> list[DataIssue]:
    """The issues of a recording, one of each kind that it has, with at most `n_worst` examples."""
    return [
        issue
        for find in (_jumps, _frozen, _dark, _bright, _flat, _undecodable)
        for issue in [find(recording, frames, n_worst)]
        if issue.n_rows
    ]


def _jumps(recording: Recording, _: FrameStatistics, n_worst: int) -> DataIssue:
    steering = recording.steering_angle.astype(np.float64)
    soon = (np.diff(recording.episode) == 0) & ~(np.diff(recording.time_s) > JUMP_WITHIN_S)  # unknown counts as soon
    change = np.where(soon, np.abs(np.diff(steering)), 0)
    rows = np.flatnonzero(change >= JUMP) + 1
    worst = sorted(rows.tolist(), key=lambda row: -change[row - 1])[:n_worst]
    return DataIssue(
        "label jumps",
        f"The steering changes by {JUMP} ({JUMP * MAX_STEERING_DEG:.1f}\N{DEGREE SIGN}) or more from one row to the "
        "next. Two nearly equal pictures with two answers: a few are the jerks of a key or mouse, many of them "
        "make poor training data.",
        len(rows),
        [IssueExample((row - 1, row), f"a change of {change[row - 1]:.2f}") for row in worst],
    )


def _frozen(recording: Recording, frames: FrameStatistics, n_worst: int) -> DataIssue:
    moving = ~(recording.speed_mph <= STANDING_MPH)  # an unknown speed counts as moving
    same = np.concatenate([[False], np.diff(recording.episode) == 0]) if len(recording) else np.empty(0, bool)
    frozen = (frames.change <= FROZEN_LEVEL) & moving & same
    runs = sorted(runs_of(frozen), key=len, reverse=True)[:n_worst]
    return DataIssue(
        "frozen pictures",
        "The car moves, the picture is the one before: the recorder stalled, or frames were copied. Such rows pair a "
        "late picture with a label of now; leave the stretch out.",
        int(frozen.sum()),
        [IssueExample((run[0] - 1, run[-1]), f"{len(run)} {_rows(len(run))} like the one before", 1) for run in runs],
    )


def _dark(_: Recording, frames: FrameStatistics, n_worst: int) -> DataIssue:
    return _by_level(
        "dark pictures",
        "Nearly black: nothing to steer by.",
        frames.brightness,
        frames.brightness < DARK_LEVEL,
        n_worst,
        "mean brightness {:.0f} of 255",
    )


def _bright(_: Recording, frames: FrameStatistics, n_worst: int) -> DataIssue:
    return _by_level(
        "overexposed pictures",
        "Nearly white: nothing to steer by.",
        -frames.brightness,
        frames.brightness > BRIGHT_LEVEL,
        n_worst,
        "mean brightness {:.0f} of 255",
    )


def _flat(_: Recording, frames: FrameStatistics, n_worst: int) -> DataIssue:
    seen = (frames.contrast < FLAT_LEVEL) & (frames.brightness >= DARK_LEVEL) & (frames.brightness <= BRIGHT_LEVEL)
    return _by_level(
        "flat pictures",
        "Almost one colour: a loading screen, a wall, or a camera that is covered.",
        frames.contrast,
        seen,
        n_worst,
        "contrast {:.1f} of 255",
    )


def _undecodable(recording: Recording, frames: FrameStatistics, n_worst: int) -> DataIssue:
    broken = np.isnan(frames.brightness) & recording.has_image("center")
    return DataIssue(
        "undecodable pictures",
        "The file is whole by its header and cannot be decoded; training leaves it out, --check decode counts it.",
        int(broken.sum()),
        [IssueExample((int(row),), "cannot be decoded") for row in np.flatnonzero(broken)[:n_worst]],
    )


def _by_level(
    kind: str,
    meaning: str,
    level: npt.NDArray[np.float64],
    has_issue: npt.NDArray[np.bool_],
    n_worst: int,
    why: str,
) -> DataIssue:
    """Rows with the issue in runs, of each run its worst row, the lowest level first."""
    worst = sorted((min(run, key=lambda row: level[row]) for run in runs_of(has_issue)), key=lambda row: level[row])
    return DataIssue(
        kind,
        meaning,
        int(has_issue.sum()),
        [IssueExample((row,), why.format(abs(level[row]))) for row in worst[:n_worst]],
    )


def _rows(n: int) -> str:
    return "row" if n == 1 else "rows"
