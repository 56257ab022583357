"""What nobody can learn from rows, whatever the network: said before a training and by the check-up, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording import Recording
from simulator_bridge.recording.standing import stands
from train.data.rows import FloatArray

CONSTANT = 0.01  # of the steering, from the least to the most: less is the noise of a recorder
BEND = 0.03  # of the steering: 0.75 degrees, a radius of 220 m
LEAST_BENDING = 0.01  # share of the rows that steer to one side, at least
SPARSEST_HZ = 5.0  # at 30 mph rows 2.7 m apart


@dataclass(frozen=True)
class Flaw:
    """Something that rows cannot teach.

    Attributes:
        words: For the user.
        is_fatal: Nothing at all can be learned.
    """

    words: str
    is_fatal: bool = False


def find_flaws(recording: Recording) -> list[Flaw]:
    """What cannot be learned from one recording."""
    standing = stands(recording.throttle, recording.speed_mph)
    moving = recording.steering_angle[~standing]
    rate_hz = rate_of(recording)
    flaws = [*_flaws_of_standing(standing), *find_steering_flaws(moving)]
    if rate_hz is not None and rate_hz < SPARSEST_HZ:
        flaws.append(Flaw(f"{rate_hz:.1f} rows/s, fewer than {SPARSEST_HZ:g}: bends lie between the rows"))
    return flaws


def find_steering_flaws(steering_angle: FloatArray) -> list[Flaw]:
    """What cannot be learned from the steering of n rows of a moving car."""
    n = len(steering_angle)
    if n == 0:
        return []
    constant = constant_steering(steering_angle)
    if constant is not None:
        return [Flaw(f"the steering is always {constant:g}: nothing to learn", is_fatal=True)]
    bends = {"right": int((steering_angle > BEND).sum()), "left": int((steering_angle < -BEND).sum())}
    return [
        Flaw(f"no bend to the {side}: {count} of {n} rows steer there by more than {BEND:g}")
        for side, count in bends.items()
        if count < LEAST_BENDING * n
    ]


def constant_steering(steering_angle: FloatArray) -> float | None:
    """The steering of rows that all have the same; None if they differ."""
    if len(steering_angle) < 2 or float(np.ptp(steering_angle)) >= CONSTANT:
        return None
    return round(float(np.median(steering_angle)), 3) + 0.0


def why_nothing_to_learn(trained_on: FloatArray, validated_on: FloatArray) -> str:
    """Why steering (n,) cannot teach anything, or (m,) cannot show whether something was learned; empty if they can."""
    for steering_angle, which in ((trained_on, "rows to train on"), (validated_on, "validation rows")):
        constant = constant_steering(steering_angle)
        if constant is not None:
            return f"the steering of all {len(steering_angle)} {which} is {constant:g}"
    return ""


def rate_of(recording: Recording) -> float | None:
    """Rows a second: one over the median step between rows of an episode; None if it is unknown."""
    step_s = np.diff(recording.time_s)
    known = step_s[(np.diff(recording.episode) == 0) & (step_s > 0)]
    if len(known):
        return float(1 / np.median(known))
    between = step_s[step_s > 0]  # every row an episode of its own: more than a second apart
    return float(1 / np.median(between)) if len(between) else None


def _flaws_of_standing(standing: npt.NDArray[np.bool_]) -> list[Flaw]:
    n_standing, n = int(standing.sum()), len(standing)
    if n and n_standing == n:
        return [Flaw(f"the car stands in all {n} rows: nothing to learn", is_fatal=True)]
    return [Flaw(f"the car stands in {n_standing} of {n} rows, which are left out of training")] if n_standing else []
