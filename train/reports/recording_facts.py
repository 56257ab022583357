"""Facts about a recording to look at before training on it: plain numbers, for the table and for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording import Recording
from simulator_bridge.udacity_car import MPS_PER_MPH
from train.data.learnability import rate_of
from train.reports.driven_track import find_driven_track

HISTOGRAM_EDGES = tuple(round(edge, 1) for edge in np.linspace(-1, 1, 11).tolist())
SATURATED = 0.999  # |steering| from which on the steering is at its limit


@dataclass(frozen=True)
class RecordingFacts:
    """Facts of one recording; None where the recording lacks what it takes.

    Attributes:
        rows: Rows that can be used.
        cameras: Names of its cameras.
        episodes: Stretches without a gap over 1 s.
        longest_episode_rows: Rows of the longest one.
        rate_hz: Rows a second, see `rate_of`.
        duration_s: Seconds driven: the episodes' lengths added up.
        distance_m: Metres driven: speed times time within episodes.
        track: Track that it was driven on, if it is one of Udacity's or the built-in simulator has told.
        direction: `forward`, `reverse` or `both`, on that track.
        laps: Laps driven on it.
        speed_mph: Mean, least and greatest speed.
        steering_mean: Mean steering; positive is right, so a lake lap counter-clockwise is slightly negative.
        steering_histogram: Rows in each of ten equal bins from -1 to 1; exact zeros are not in it.
        steering_zeros: Rows with exactly zero, counted apart.
        zero_share: Share of rows with a steering of exactly 0.
        saturated_share: Share of rows with the steering at its limit.
        duplicates: Duplicate rows that were dropped.
        dropped: Reason -> {count, first_line}; duplicates among them.
        notes: How the log was read.
    """

    rows: int
    cameras: tuple[str, ...]
    episodes: int
    longest_episode_rows: int
    rate_hz: float | None
    duration_s: float | None
    distance_m: float | None
    track: str | None
    direction: str | None
    laps: float | None
    speed_mph: Mapping[str, float] | None
    steering_mean: float | None
    steering_histogram: tuple[int, ...]
    steering_zeros: int
    zero_share: float | None
    saturated_share: float | None
    duplicates: int
    dropped: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]


def describe(facts: RecordingFacts) -> list[tuple[str, str]]:
    """The facts in words, a name and a value each; an empty name goes on with the one before."""
    n_dropped = sum(drop["count"] for drop in facts.dropped.values())
    lines = [("rows", f"{facts.rows} can be used, {n_dropped} dropped")]
    lines += [
        (f"  dropped {drop['count']}", f"{reason} (first in line {drop['first_line']})")
        for reason, drop in facts.dropped.items()
    ]
    lines.append(("duplicates", f"{facts.duplicates}"))
    lines += [("note", note) for note in facts.notes]
    if facts.rows == 0:
        return lines
    speed, unknown = facts.speed_mph, "not in the recording"
    return [
        *lines,
        ("cameras", ", ".join(facts.cameras)),
        ("episodes", f"{facts.episodes}, the longest {facts.longest_episode_rows} rows"),
        ("rate", unknown if facts.rate_hz is None else f"{facts.rate_hz:.1f} rows/s"),
        ("duration", unknown if facts.duration_s is None else _duration(facts.duration_s)),
        ("distance", unknown if facts.distance_m is None else f"{facts.distance_m:.0f} m"),
        ("track", "unknown" if facts.track is None else f"{facts.track}, {facts.direction or 'direction unknown'}"),
        ("laps", "unknown" if facts.laps is None else f"{facts.laps:.1f}"),
        ("speed", unknown if speed is None else f"{speed['mean']:.1f} mph ({speed['min']:.1f} to {speed['max']:.1f})"),
        ("steering", f"mean {facts.steering_mean:+.3f} (+ is right)"),
        ("", _share(facts.zero_share, "exactly 0")),
        ("", _share(facts.saturated_share, "at the limit (-1 or 1)")),
    ]


def _share(share: float | None, what: str) -> str:
    return f"{100 * (share or 0):.1f} % {what}"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{int(seconds) // 60} min {seconds % 60:.0f} s"


def gather_facts(recording: Recording) -> RecordingFacts:
    """Gather the facts of one recording."""
    n = len(recording)
    steering = recording.steering_angle
    step_s = _steps_s(recording)
    driven = find_driven_track(recording)
    known = bool(np.isfinite(step_s).any())
    zeros = int((steering == 0).sum())
    saturated = int((np.abs(steering) >= SATURATED).sum())
    return RecordingFacts(
        rows=n,
        cameras=tuple(recording.images),
        episodes=recording.n_episodes,
        longest_episode_rows=int(np.bincount(recording.episode).max()) if n else 0,
        rate_hz=rate_of(recording),
        duration_s=float(np.nansum(step_s)) if known else None,
        distance_m=_distance_m(recording, step_s),
        track=driven.track,
        direction=driven.direction,
        laps=driven.laps,
        speed_mph=_spread(recording.speed_mph),
        steering_mean=float(steering.mean(dtype=np.float64)) if n else None,
        steering_histogram=tuple(np.histogram(steering[steering != 0], HISTOGRAM_EDGES)[0].tolist()),
        steering_zeros=zeros,
        zero_share=zeros / n if n else None,
        saturated_share=saturated / n if n else None,
        duplicates=sum(drop.count for reason, drop in recording.dropped.items() if reason == "duplicate row"),
        dropped={reason: {"count": d.count, "first_line": d.first_line} for reason, d in recording.dropped.items()},
        notes=recording.notes,
    )


def _steps_s(recording: Recording) -> npt.NDArray[np.float64]:
    """Seconds from each row to the next of the same episode: (N - 1,), NaN across episodes or without time stamps."""
    return np.where(np.diff(recording.episode) == 0, np.diff(recording.time_s), np.nan)


def _distance_m(recording: Recording, step_s: npt.NDArray[np.float64]) -> float | None:
    metres = recording.speed_mph[:-1] * MPS_PER_MPH * step_s
    return float(np.nansum(metres)) if np.isfinite(metres).any() else None


def _spread(values: npt.NDArray[np.float32]) -> dict[str, float] | None:
    known = values[np.isfinite(values)].astype(np.float64)
    if len(known) == 0:
        return None
    return {"mean": float(known.mean()), "min": float(known.min()), "max": float(known.max())}
