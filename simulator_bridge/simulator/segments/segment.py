"""A segment: some 20 s of driving, from a given place and under given conditions. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Self

from simulator_bridge.cli.typed_json import read_dataclass

DELAY_S = (0.0, 0.07, 0.14, 0.22)  # added to every answer, at levels 0 to 3
PUSH_AT_S = (4.0, 11.0)  # the second push is to the other side
PUSH_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Segment:
    """What is driven; the same for everyone who drives it.

    Attributes:
        name: No other segment of the exam has it.
        factor: What is examined; see `docs/exam.md`.
        level: Of that factor, 0 to 3.
        track: As of `build_track`; of a replay the folder of the recording.
        reverse: The other way round.
        start_m: Where it begins, along the lap in the direction driven.
        left_m: Metres left of the driving line, there.
        heading_deg: Degrees that the car points left of the road, there.
        way_m: How far it is to be driven.
        speed_mph: At most so fast; slower in bends.
        light: Level; in the same way weather, texture, camera, delay.
        push: Added to the steering for half a second, twice, the second time to the other side.
        seed: Of the directions of all changes.
        is_replay: On the frames of a recording.
    """

    name: str
    factor: str
    level: int
    track: str
    reverse: bool
    start_m: float
    left_m: float
    heading_deg: float
    way_m: float
    speed_mph: float
    light: int
    weather: int
    texture: int
    camera: int
    delay: int
    push: float
    seed: int
    is_replay: bool = False

    @property
    def world(self) -> tuple[object, ...]:
        """What the scene depends on: segments of one world can share it."""
        look = (self.light, self.weather, self.texture)
        return (self.track, self.reverse, self.is_replay, look, self.seed if any(look) else 0)

    @property
    def delay_s(self) -> float:
        """From a frame until its control takes effect, simulated."""
        return DELAY_S[self.delay]

    def push_at(self, time_s: float) -> float:
        """The disturbance of the steering at a time since the start."""
        first, second = PUSH_AT_S
        if first <= time_s < first + PUSH_S:
            return self.push
        return -self.push if second <= time_s < second + PUSH_S else 0.0

    def to_line(self) -> str:
        """As one line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read what `to_line` wrote."""
        return read_dataclass(cls, json.loads(line), "segment")


@dataclass(frozen=True, kw_only=True)
class SegmentResult:
    """How a segment was driven.

    Attributes:
        name: Of the segment.
        share: Of the way that was driven on the road before the car left it for good, 0 to 1.
        ended: Why it ended before its end: the referee's reason, or "too slow"; None if it was driven.
        ended_m: Where along the lap it ended.
        off_road: Times that a wheel left the road.
        all_wheels_out: Times that all four had.
        collisions: With something that stands still.
        mean_off_m: Distance from the driving line.
        largest_off_m: The same.
        elapsed_s: Simulated.
        path: (x, y) metres and distance left of the driving line, about four a second.
    """

    name: str
    share: float
    ended: str | None
    ended_m: float
    off_road: int
    all_wheels_out: int
    collisions: int
    mean_off_m: float
    largest_off_m: float
    elapsed_s: float
    path: tuple[tuple[float, ...], ...] = ()

    def to_line(self) -> str:
        """As one line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read what `to_line` wrote.

        Raises:
            UserError: If it is another line.
        """
        return read_dataclass(cls, json.loads(line), "segment result")
