"""A drive's trace for its page: every step, and pictures of the seconds before each intervention."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator_bridge.simulator.judge.drive_report import Rollout
from simulator_bridge.simulator.run.watchers.film_strip import Picture, read_strips

ROLLOUT_NAME, STRIPS_NAME = "rollout.npz", "strips"


@dataclass(frozen=True, eq=False)
class DriveTrace:
    """One drive, step by step."""

    rollout: Rollout
    pictures: tuple[Picture, ...]


def trace_arguments(folder: Path) -> list[str]:
    """The flags with which `simulate.py` leaves a trace in a folder."""
    return ["--rollout", str(folder / ROLLOUT_NAME), "--strips", str(folder / STRIPS_NAME)]


def read_trace(folder: Path) -> DriveTrace:
    """Read the trace that `simulate.py` left in a folder."""
    with np.load(folder / ROLLOUT_NAME) as columns:
        rollout = Rollout(**{name: columns[name] for name in columns.files})
    return DriveTrace(rollout, tuple(read_strips(folder / STRIPS_NAME)))
