"""Recoveries: short drives from off the centre line and askew, recorded so that a network learns to get back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulator_bridge.cli.terminal import counting
from simulator_bridge.simulator.expert import recovery_poses
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import CarDriver, DriveLoop, LoopConfig, Pace, Watcher
from simulator_bridge.simulator.simulation import Simulation

RECOVERY_S = 3.0  # of simulated time each: at RECOVERY_MPH enough to be back on the line
RECOVERY_MPH = (6.0, 14.0)  # what a recovery starts with


def record_recoveries(
    n: int,
    simulation: Simulation,
    driver: CarDriver,
    config: LoopConfig,
    rng: np.random.Generator,
    watchers: Sequence[Watcher],
    pace: Pace,
) -> None:
    """Drive `n` recoveries from poses that `rng` draws; their driver records, and nothing judges them."""
    limits = replace(config, max_time_s=RECOVERY_S, max_interventions=1)
    with counting("recoveries", n) as on_progress:
        for number, place in enumerate(recovery_poses(simulation.track, rng, n), start=1):
            loop = DriveLoop(simulation, Referee(simulation.track), limits, place, float(rng.uniform(*RECOVERY_MPH)))
            loop.run(driver, 1, watchers, pace)
            on_progress(number)
