"""A drive around the track as a page shows it: the car, the laps, and how well it goes."""

from __future__ import annotations

import math
from typing import Any

from simulator_bridge.messages import Control
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.judge.drive_report import autonomy_percent
from simulator_bridge.simulator.judge.referee import Referee, RefereeConfig
from simulator_bridge.simulator.run.drive_loop import DriveLoop, LoopConfig, Moment
from simulator_bridge.simulator.run.real_time import RealTimePace
from simulator_bridge.simulator.simulation import Simulation

PERIOD_S = 0.04  # of simulated time, from one frame to the next: 25 frames/s, two physics steps each
MANY_LAPS = 1_000_000  # no drive here ends by itself
MAY_STAND = RefereeConfig(standing_for_s=math.inf)  # a person may take a break


class LapTracker:
    """One drive in real time, from its start until the user places the car somewhere else.

    Args:
        simulation: The car on its track.
        start: Of the car.

    Attributes:
        moment: The newest frame and the referee's verdict on it.
        laps: Finished ones.
        last_lap_s: Time of the last finished lap, s; None before there is one.
    """

    def __init__(self, simulation: Simulation, start: StartPose) -> None:
        self._track = simulation.track
        self._referee = Referee(simulation.track, MANY_LAPS, MAY_STAND)
        self._loop = DriveLoop(simulation, self._referee, LoopConfig(PERIOD_S), start)
        self._pace = RealTimePace()
        self._n_moments, self._n_interventions = 0, 0
        self._sum_abs_cte_m, self._lap_began_s = 0.0, 0.0
        self._control = Control(0.0, 0.0)
        self.laps = 0
        self.last_lap_s: float | None = None
        self.moment = self._loop.judge()

    @property
    def time_s(self) -> float:
        """Simulated time since the start, s."""
        return self._loop.time_s

    @property
    def nearest_start(self) -> StartPose:
        """The place on the driving line beside the car."""
        return StartPose(self.moment.verdict.location.s_m, self._track.driving_line_offset_m, 0.0)

    def advance(self, control: Control) -> Moment:
        """Drive to the next frame; returns when it is due by the wall clock.

        Returns:
            The new moment; the referee may have put the car back on the road.
        """
        self._control = control
        self._loop.advance(control)
        self._pace(self.time_s)
        self.moment = self._loop.judge()
        self._n_moments += 1
        self._sum_abs_cte_m += abs(self.moment.verdict.cte)
        self._n_interventions += self.moment.verdict.intervention is not None
        if self._referee.progress_m >= (self.laps + 1) * self._track.length_m:
            self.laps += 1
            self.last_lap_s, self._lap_began_s = self.time_s - self._lap_began_s, self.time_s
        return self.moment

    def car_to_json(self) -> dict[str, Any]:
        """The car's state, for the page."""
        state, verdict = self.moment.state, self.moment.verdict
        return {
            "x": round(state.pose.x, 3),
            "y": round(state.pose.y, 3),
            "heading": round(state.pose.heading, 5),
            "speed_mph": round(state.speed_mph, 2),
            "steering_angle": round(self._control.steering_angle, 4),
            "throttle": round(self._control.throttle, 4),
            "s_m": round(verdict.location.s_m, 2),
            "cte": round(verdict.cte, 3),
            "heading_error": round(verdict.heading_error, 4),
            "wheels_out": verdict.wheels_out,
        }

    def progress_to_json(self) -> dict[str, Any]:
        """Laps and the quality of driving, for the page."""
        return {
            "laps": self.laps,
            "share": round(max(self._referee.progress_m / self._track.length_m - self.laps, 0.0), 4),
            "time_s": round(self.time_s - self._lap_began_s, 2),
            "last_lap_s": None if self.last_lap_s is None else round(self.last_lap_s, 1),
            "interventions": self._n_interventions,
            "autonomy_percent": round(autonomy_percent(self._n_interventions, self.time_s), 1),
            "mean_abs_cte_m": round(self._sum_abs_cte_m / max(self._n_moments, 1), 2),
        }
