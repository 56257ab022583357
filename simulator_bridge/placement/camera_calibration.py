"""How a recording's camera is tilted and where its road's marks are seen, by what its own frames agree with best.

A car leans on its springs, more or less with each driver. A painted line lies beside the seam that a survey has, and
what stands up beside the asphalt seems farther away than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator_bridge.messages import Frame
from simulator_bridge.placement.camera_mount import CameraMount
from simulator_bridge.placement.cross_section import CrossSection, RoadMarks
from simulator_bridge.placement.road_ahead import RoadAhead
from simulator_bridge.placement.road_position import agreement_at
from simulator_bridge.placement.unrolled_road import Pose, unroll
from simulator_bridge.track.track_plan import FloatArray

PRIOR = np.array([0.5, 0.04, 0.06])  # standard deviations: pitch (deg), edge and line (shares of their distances)
PRIOR_WEIGHT = 1e-3  # of a pixel's log-likelihood, at one standard deviation
BRIDGE_SHARES = tuple(np.arange(0.9, 1.41, 0.05).tolist())  # of the road's half width
LINE_RANGE, N_LINES = 2.0, 9  # standard deviations to both sides
ROUNDS = (0.5, 0.25)  # steps of the search from there on, in standard deviations


@dataclass(frozen=True)
class Setup:
    """What is the same in all frames of a recording."""

    mount: CameraMount
    marks: RoadMarks

    def changed(self, by: FloatArray) -> Setup:
        """Another pitch, edge and line: `by` (3,) as `PRIOR`."""
        marks = replace(self.marks, edge_m=self.marks.edge_m * (1 + by[1]), line_m=self.marks.line_m * (1 + by[2]))
        return Setup(replace(self.mount, pitch_deg=self.mount.pitch_deg + float(by[0])), marks)


@dataclass(frozen=True, eq=False)
class Sample:
    """A frame, and about where it was taken."""

    frame: Frame
    camera: str
    road: RoadAhead
    pose: Pose


def calibrate(samples: Sequence[Sample], setup: Setup) -> Setup:
    """The pitch, the edge and the line that agree best with the samples, near those of `setup`."""
    lines = np.linspace(-LINE_RANGE, LINE_RANGE, N_LINES)  # there may be several: the best, not the nearest
    scores = [_score(samples, setup, np.array([0.0, 0.0, line])) for line in lines]
    change = np.array([0.0, 0.0, lines[int(np.argmax(scores))]])
    for size in ROUNDS:
        for which in np.eye(3):
            step = size * which
            scores = [_score(samples, setup, change + sign * step) for sign in (-1, 0, 1)]
            change = change + _peak(scores) * step
    return setup.changed(change * PRIOR)


def calibrate_bridge(samples: Sequence[Sample], setup: Setup) -> Setup:
    """The edge of a bridge's deck that agrees best with samples on bridges: its walls may stand beside the asphalt."""
    decks = [
        replace(setup, marks=replace(setup.marks, bridge_edge_m=setup.marks.half_width_m * share))
        for share in BRIDGE_SHARES
    ]
    return max(decks, key=lambda each: agreement(samples, each, across_m=1.0))


def agreement(samples: Sequence[Sample], setup: Setup, across_m: float = 0.3) -> float:
    """The mean log-likelihood of a pixel, each frame at its best pose within `across_m` and 2 degrees of its own."""
    section, near = CrossSection(setup.marks), _near(across_m)
    found = []
    for sample in samples:
        road = unroll(sample.frame, sample.camera, sample.road, sample.pose, setup.mount, setup.marks.half_width_m)
        seen = max(int(road.seen.sum()), 1)
        found.append(float(agreement_at(road, section.agreement(road), near).max()) / seen)
    return float(np.mean(found))


def _score(samples: Sequence[Sample], setup: Setup, change: FloatArray) -> float:
    return agreement(samples, setup.changed(change * PRIOR)) - PRIOR_WEIGHT * float(change @ change)


def _near(across_m: float) -> FloatArray:
    across, heading = np.linspace(-across_m, across_m, 9), np.radians(np.linspace(-2, 2, 9))
    return np.stack(np.meshgrid(0.0, across, heading, indexing="ij"), axis=-1).reshape(-1, 3)


def _peak(scores: Sequence[float]) -> float:
    """Where a parabola through scores at -1, 0 and 1 is highest, at most 2 away."""
    before, here, after = scores
    bend = before - 2 * here + after
    if bend >= 0:
        return float(np.sign(after - before))
    return float(np.clip(0.5 * (before - after) / bend, -2, 2))
