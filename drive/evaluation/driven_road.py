"""The road of a drive: a track of the built-in simulator, or the path of a recording that is replayed."""

from __future__ import annotations

import functools
from pathlib import Path

from drive.evaluation.lap_config import LapJob, LapsConfig
from simulator_bridge.simulator.replay.recorded_path import load_recorded_path
from simulator_bridge.simulator.replay.recorded_road import build_recorded_road
from simulator_bridge.track import Track, build_track


def build_road(config: LapsConfig, job: LapJob) -> Track:
    """The road of a drive; the same one for all drives that share it.

    Raises:
        UserError: If there is no such track or recording, or it cannot be driven.
    """
    if job.is_replay:
        return _recorded_road(Path(job.track))
    return _track(job.track, job.seed, job.reverse, config.scale)


@functools.cache
def _recorded_road(recording: Path) -> Track:
    return build_recorded_road(load_recorded_path(recording))


@functools.cache
def _track(name: str, seed: int, reverse: bool, scale: float) -> Track:
    return build_track(name, seed=seed, reverse=reverse, scale=scale)
