"""The expert as the driver of the drive loop, in the simulator's own process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator_bridge.messages import Control
from simulator_bridge.simulator.expert import Expert, ExpertConfig, LabelledControl, NoiseConfig, NoisyExpert
from simulator_bridge.simulator.run.drive_loop import Moment
from simulator_bridge.track import Track


class ExpertDriver:
    """The expert, disturbed or not.

    Args:
        track: The road.
        top_speed_mph: At most this fast.
        noise: 0 drives clean; 1 disturbs the steering by `NoiseConfig`, 2 twice as much.
        rng: Of the noise.
        period_s: Time between two decisions.
    """

    def __init__(
        self, track: Track, top_speed_mph: float, noise: float, rng: np.random.Generator, period_s: float
    ) -> None:
        expert = Expert(track, ExpertConfig(top_speed_mph=top_speed_mph))
        usual = NoiseConfig()
        config = replace(usual, swing=usual.swing * noise, shove=usual.shove * noise)
        self._driver = NoisyExpert(expert, track, rng, config)
        self._period_s = period_s

    def __call__(self, moment: Moment) -> Control:
        """See `CarDriver`."""
        return self.decide(moment).applied

    def decide(self, moment: Moment) -> LabelledControl:
        """The control with its label: what the expert does, and what the disturbed car is given."""
        if moment.put_back:
            self._driver.reset()
        return self._driver(moment.state.pose, moment.state.speed_mph, self._period_s)
