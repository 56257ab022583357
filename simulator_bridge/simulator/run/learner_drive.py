"""A drive server's drive as a recording: the frames are those it gets to see, the labels what the expert would do.

Ross, Gordon and Bagnell 2011, "A Reduction of Imitation Learning and Structured Prediction to No-Regret Online
Learning" (DAgger): a driver who learned from an expert alone sees, after a small error, places that no example is of;
so let the learner drive, and ask the expert about the places that it gets to.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from simulator_bridge.messages import Control
from simulator_bridge.recording.standing import is_driven
from simulator_bridge.simulator.expert import LabelledControl
from simulator_bridge.simulator.run.drive_loop import CarDriver, Moment
from simulator_bridge.simulator.run.expert_driver import ExpertDriver
from simulator_bridge.simulator.run.expert_recording import ROWS_TOLERANCE_S, ExpertRecording

AFTER_PUT_BACK_S = 3.0  # so long the expert drives: the place that ended the last try is passed
TURN_S = (1.0, 3.0)  # from one drawing of who drives to the next
ALL_WHEELS = 4
LEARNER = "learner"  # of the sidecar's `kind`


class Turns:
    """Who drives: the learner, or for a share of the time the expert.

    Args:
        share: Of the expert, 0 to 1.
        rng: Draws.
    """

    def __init__(self, share: float, rng: np.random.Generator) -> None:
        self._share, self._rng = share, rng
        self._until_s, self._is_expert, self._has_begun = 0.0, False, False

    def is_expert(self, time_s: float, *, put_back: bool) -> bool:
        """Whether the expert drives now.

        Args:
            time_s: Simulated, rising.
            put_back: The car has just been put on the road, at the start or after an intervention.
        """
        if put_back and self._has_begun:
            self._until_s, self._is_expert = time_s + AFTER_PUT_BACK_S, True
        elif time_s >= self._until_s:
            self._until_s = time_s + float(self._rng.uniform(*TURN_S))
            self._is_expert = bool(self._rng.random() < self._share)
        self._has_begun = True
        return self._is_expert


@dataclass(frozen=True)
class _Unlabelled:
    """A row that waits until its control takes effect."""

    moment: Moment
    applied: Control


class RecordedLearner:
    """Drives as the learner, in its turns as the expert, and records what it sees with what the expert would do.

    A label is what the expert does where the car is when the decision on the frame takes effect: `latency_s` later.
    Rows with all wheels off the road are left out: from there it is put back, it need not find back.

    Args:
        learner: Decides, asked for every frame.
        expert: Labels; how it is disturbed, the car is disturbed, whoever drives.
        recording: Where rows go.
        turns: Who drives.
        row_period_s: Simulated time from one row to the next.
        latency_s: From a frame until its control takes effect.
    """

    def __init__(
        self,
        learner: CarDriver,
        expert: ExpertDriver,
        recording: ExpertRecording,
        turns: Turns,
        *,
        row_period_s: float,
        latency_s: float,
    ) -> None:
        self._learner, self._expert, self._recording, self._turns = learner, expert, recording, turns
        self._row_period_s, self._latency_s = row_period_s, latency_s
        self._waiting: deque[_Unlabelled] = deque()
        self._next_s = 0.0

    def __call__(self, moment: Moment) -> Control:
        """See `CarDriver`."""
        decided = self._expert.decide(moment)
        learned = self._learner(moment)
        if moment.put_back:
            self._waiting.clear()
            self._recording.start_episode(moment.time_s)
            self._next_s = moment.time_s
        disturbance = decided.applied.steering_angle - decided.label.steering_angle
        chosen = decided.label if self._turns.is_expert(moment.time_s, put_back=moment.put_back) else learned
        applied = Control(float(np.clip(chosen.steering_angle + disturbance, -1.0, 1.0)), chosen.throttle)
        if moment.time_s >= self._next_s - ROWS_TOLERANCE_S:
            self._next_s += self._row_period_s
            if is_driven(chosen.throttle, moment.state.speed_mph) and moment.verdict.wheels_out < ALL_WHEELS:
                self._waiting.append(_Unlabelled(moment, applied))
        while self._waiting and moment.time_s >= self._waiting[0].moment.time_s + self._latency_s - ROWS_TOLERANCE_S:
            row = self._waiting.popleft()
            self._recording.add(row.moment, LabelledControl(decided.label, row.applied), LEARNER, {})
        return applied
