"""The quality of a recording while it is made: its figures, and advice on what to record next. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from simulator_bridge.recording import EPISODE_GAP_S

STRAIGHT = 0.02  # steering less than this counts as straight, as in training
BIN_M = 10.0  # of the road, for coverage

# Two laps of the lake at 25 mph are 2000 rows. The recording that comes with this project has 1100, of one lap each
# way, and its model drives lap after lap.
ENOUGH_MINUTES = 1.0
ENOUGH_COVERAGE = 0.95
TOO_STRAIGHT = 0.85
TOO_JERKY_PER_S = 4.0  # mean change of the normalised angle; keys tapped carefully come to 1 or 2
TOO_MUCH_OFF_ROAD = 0.02


class RowFacts(NamedTuple):
    """The facts of a recorded row that its quality follows from."""

    time_s: float  # its place in the recording
    episode: int
    steering_angle: float
    speed_mph: float
    s_m: float  # along the lap
    cte: float  # metres left of the centre line
    heading_error: float  # radians
    is_off_road: bool  # a wheel was beyond the road's edge


class Advice(NamedTuple):
    """One sentence about the recording, and whether what it says is good."""

    text: str
    is_good: bool


@dataclass(frozen=True)
class RecordingQuality:
    """Figures of a recording.

    Attributes:
        rows: Rows.
        minutes: Of driving.
        laps: Distance driven forward, in laps.
        coverage: Share of the lap's length that was driven at least once, [0, 1].
        straight: Share of rows that steer less than `STRAIGHT`, [0, 1].
        left: Share of the other rows that steer left, [0, 1]; 0.5 where there are none.
        jerk_per_s: Mean |change of the normalised steering angle| a second.
        off_road: Times that a wheel left the road.
        off_road_share: Share of rows with a wheel off the road, [0, 1].
        advice: What is missing first, then what is good.
    """

    rows: int
    minutes: float
    laps: float
    coverage: float
    straight: float
    left: float
    jerk_per_s: float
    off_road: int
    off_road_share: float
    advice: tuple[Advice, ...] = ()

    @property
    def is_enough(self) -> bool:
        """Whether it is enough for a first model."""
        return all(advice.is_good for advice in self.advice)

    def to_json(self) -> dict[str, Any]:
        """For the page."""
        figures = {name: round(value, 4) for name, value in vars(self).items() if name != "advice"}
        advice = [advice._asdict() for advice in self.advice]
        return {**figures, "advice": advice, "is_enough": self.is_enough}


def assess(rows: Sequence[RowFacts], length_m: float) -> RecordingQuality:
    """Compute the figures of a recording and the advice.

    Args:
        rows: In the order in which they were recorded.
        length_m: Of the lap.
    """
    if not rows:
        nothing = (Advice("Nothing is recorded yet.", False),)
        return RecordingQuality(0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0, 0.0, nothing)
    columns = {name: np.array(column) for name, column in zip(RowFacts._fields, zip(*rows, strict=True), strict=True)}
    steering, off_road = columns["steering_angle"], columns["is_off_road"].astype(bool)
    passed_s = np.diff(columns["time_s"])
    together = (np.diff(columns["episode"]) == 0) & (passed_s <= EPISODE_GAP_S)  # from each row to the next
    moved_m = (np.diff(columns["s_m"]) + length_m / 2) % length_m - length_m / 2
    bends = steering[np.abs(steering) >= STRAIGHT]
    seconds = float(passed_s[together].sum())
    turned = float(np.abs(np.diff(steering))[together].sum())
    bins = (columns["s_m"] % length_m / BIN_M).astype(int)
    quality = RecordingQuality(
        rows=len(rows),
        minutes=seconds / 60,
        laps=max(float(moved_m[together].sum()), 0.0) / length_m,
        coverage=min(len(np.unique(bins)) / math.ceil(length_m / BIN_M), 1.0),
        straight=1 - len(bends) / len(rows),
        left=float((bends < 0).mean()) if len(bends) else 0.5,
        jerk_per_s=turned / seconds if seconds else 0.0,
        off_road=int(off_road[0]) + int((np.diff(off_road.astype(int)) > 0).sum()),
        off_road_share=float(off_road.mean()),
    )
    advice = [_on_road(quality), _on_length(quality), _on_edges(quality), _on_bends(quality), _on_smoothness(quality)]
    return replace(quality, advice=tuple(sorted(advice, key=lambda each: each.is_good)))


def _on_road(quality: RecordingQuality) -> Advice:
    if quality.coverage < ENOUGH_COVERAGE:
        return Advice(f"Drive the rest of the lap: {100 * quality.coverage:.0f} % of the road is recorded.", False)
    return Advice(f"All of the road is recorded, {quality.laps:.1f} laps.", True)


def _on_length(quality: RecordingQuality) -> Advice:
    if quality.minutes < ENOUGH_MINUTES:
        return Advice(f"Drive on: {60 * quality.minutes:.0f} s are recorded; a first model needs a minute.", False)
    return Advice(f"{quality.minutes:.1f} minutes, {quality.rows} rows.", True)


def _on_edges(quality: RecordingQuality) -> Advice:
    if not quality.off_road:
        return Advice("Never off the road.", True)
    times = "once" if quality.off_road == 1 else f"{quality.off_road} times"
    if quality.off_road_share <= TOO_MUCH_OFF_ROAD:
        return Advice(f"Off the road {times}: so briefly that it does no harm.", True)
    return Advice(f"Off the road {times}: the network learns that, too. Delete such moments.", False)


def _on_bends(quality: RecordingQuality) -> Advice:
    if quality.straight > TOO_STRAIGHT:
        return Advice(f"{100 * quality.straight:.0f} % of the rows steer straight: drive the bends.", False)
    bends = 100 * (1 - quality.straight)
    return Advice(f"{bends:.0f} % of the rows steer; training mirrors half of them, so both ways.", True)


def _on_smoothness(quality: RecordingQuality) -> Advice:
    if quality.jerk_per_s > TOO_JERKY_PER_S:
        return Advice("The steering is jerky: shorter taps, or slower, make better labels.", False)
    return Advice("The steering is smooth enough.", True)
