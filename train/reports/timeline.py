"""A recording over time: its axis, its episodes, and lines downsampled to few points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.cli.json_values import finite_or_none
from simulator_bridge.recording import Recording

MAX_POINTS = 1500  # of a line: more than any screen has columns
SHORTENED_SHARE = 0.02  # of the driven time: how wide a shortened gap is drawn

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TimeAxis:
    """The x axis of a recording: a value for each row.

    Attributes:
        x: (N,) never decreasing.
        label: Of the axis, with the unit.
    """

    x: FloatArray
    label: str


def time_axis_of(recording: Recording) -> TimeAxis:
    """Seconds since the first row; gaps that take most of it are shortened, and rows count where no time is known."""
    time_s, n = recording.time_s, len(recording)
    step_s, same = np.diff(time_s), np.diff(recording.episode) == 0
    if n == 0 or not np.isfinite(time_s).all():
        return TimeAxis(np.arange(n, dtype=np.float64), "row (the recording has no time stamps)")
    driven_s, gap_s = float(step_s[same].sum()), float(np.abs(step_s[~same]).sum())
    if gap_s <= driven_s and (step_s >= 0).all():
        return TimeAxis(time_s - time_s[0], "time since the first row, s")
    step_s = np.where(same, step_s, max(1.0, SHORTENED_SHARE * driven_s))
    return TimeAxis(np.concatenate([[0.0], np.cumsum(step_s)]), "driven time, s (gaps between episodes shortened)")


def downsample(x: FloatArray, y: FloatArray, group: npt.NDArray[np.int32]) -> tuple[FloatArray, FloatArray]:
    """A line of at most MAX_POINTS points and the breaks between groups, that looks like all of it.

    Of each of equal stretches its lowest and highest value stay, so no peak is lost. A break is a NaN.

    Args:
        x: (N,) never decreasing.
        y: (N,) NaN where unknown.
        group: (N,) a break is put wherever it changes; rows of a group are adjacent.
    """
    chosen = _extremes(y, MAX_POINTS)
    breaks = np.flatnonzero(np.diff(group[chosen])) + 1
    return np.insert(x[chosen], breaks, x[chosen][breaks]), np.insert(y[chosen], breaks, np.nan)


def _extremes(y: FloatArray, n_points: int) -> IntArray:
    if len(y) <= n_points:
        return np.arange(len(y))
    chosen = {0, len(y) - 1}
    for part in np.array_split(np.arange(len(y)), n_points // 2 - 1):
        known = part[np.isfinite(y[part])]
        chosen.update((part[0],) if len(known) == 0 else (known[y[known].argmin()], known[y[known].argmax()]))
    return np.sort(np.fromiter(chosen, np.int64, len(chosen)))


@dataclass(frozen=True)
class EpisodeSummary:
    """A stretch without a gap.

    Attributes:
        number: From 1.
        first_line: In the log.
        n_rows: Its rows.
        start: On the axis of `TimeAxis`.
        duration_s: None without time stamps.
        gap_before_s: Pause since the episode before, None for the first one or without time stamps; negative where the
            time went back.
        mean_speed_mph: None if unknown.
        mean_steering: Normalised.
    """

    number: int
    first_line: int
    n_rows: int
    start: float
    duration_s: float | None
    gap_before_s: float | None
    mean_speed_mph: float | None
    mean_steering: float


def summarise_episodes(recording: Recording, axis: TimeAxis) -> list[EpisodeSummary]:
    """The episodes of a recording in order."""
    starts = np.flatnonzero(np.diff(recording.episode, prepend=-1))
    episodes = []
    for number, (first, stop) in enumerate(zip(starts, [*starts[1:], len(recording)], strict=True), start=1):
        speed = recording.speed_mph[first:stop].astype(np.float64)
        time_s = recording.time_s
        episodes.append(
            EpisodeSummary(
                number,
                int(recording.line[first]),
                int(stop - first),
                float(axis.x[first]),
                finite_or_none(time_s[stop - 1] - time_s[first]),
                finite_or_none(time_s[first] - time_s[first - 1]) if first else None,
                finite_or_none(speed[np.isfinite(speed)].mean()) if np.isfinite(speed).any() else None,
                float(recording.steering_angle[first:stop].mean(dtype=np.float64)),
            )
        )
    return episodes
