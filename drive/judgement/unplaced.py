"""What can be said of a drive that was found on no track: from its log alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drive.judgement.diagnosis import Diagnosis, Fault
from drive.judgement.placed_drive import is_put_back
from simulator_bridge.film.routes import step_times
from simulator_bridge.placement.along_track import SHORTEST_M
from simulator_bridge.recording import Recording
from simulator_bridge.track.track_plan import FloatArray
from simulator_bridge.udacity_car import MPS_PER_MPH

CONSTANT = 0.01  # standard deviation of steering that never moves
ADVICE = "Run drive/doctor.py on the model: RGB or BGR, crop, scale"
LOST_AT_ONCE_M = 1.5 * SHORTEST_M  # of way until the car stands or is put back


def diagnose_unplaced(recording: Recording) -> tuple[Diagnosis, ...]:
    """Whether it looks as if the model does not see the road: a constant, or lost within metres of every start."""
    steps_s, speed_mps = step_times(recording), np.abs(np.nan_to_num(recording.speed_mph)) * MPS_PER_MPH
    time_s, way_m = np.cumsum(steps_s), np.cumsum(speed_mps * steps_s)
    steering = recording.steering_angle[speed_mps > 1.0]
    if len(steering) > 10 and float(steering.std()) < CONSTANT:
        evidence = f"its steering never moves: {float(steering.mean()):.2f}, give or take {float(steering.std()):.3f}"
        return (Diagnosis(Fault.BLIND, evidence, ADVICE),)
    return lost_at_once(speed_mps, time_s, way_m, recording.episode)


def lost_at_once(
    speed_mps: FloatArray, time_s: FloatArray, way_m: FloatArray, episode: npt.NDArray[np.int32]
) -> tuple[Diagnosis, ...]:
    """Whether a drive of N rows came nowhere from any start, until it stood or was put back."""
    put_back = is_put_back(speed_mps, time_s)
    starts = np.flatnonzero((np.diff(episode, prepend=-1) != 0) | put_back)
    ends = np.append(starts[1:], len(episode))
    ways_m = [float(way_m[end - 1] - way_m[start]) for start, end in zip(starts, ends, strict=True)]
    stands = bool((speed_mps[-10:] < 1.0).all())
    if (put_back.any() or stands) and max(ways_m) < LOST_AT_ONCE_M:
        evidence = f"from {len(ways_m)} starts it came {max(ways_m):.0f} m at most"
        return (Diagnosis(Fault.BLIND, evidence, ADVICE),)
    return ()
