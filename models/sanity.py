"""Whether a model's answers can drive at all: asked with some frames that differ, before a car obeys it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.policy import Policy
from models.varied_frames import varied_frames

CONSTANT = 1e-3  # steering that differs by less over all frames is none
MOSTLY = 0.25  # of the frames
FAR = 2.0  # steering beyond it is no overshoot


@dataclass(frozen=True)
class Finding:
    """What is wrong with a model's answers, in a line. `is_bad`: it cannot drive like this."""

    text: str
    is_bad: bool = True

    @property
    def kind(self) -> Literal["bad", "warn"]:
        """As a check says it."""
        return "bad" if self.is_bad else "warn"


def check_answers(policy: Policy) -> list[Finding]:
    """Ask a policy some varied frames; empty if its answers can drive."""
    return list(_findings(policy))


def assumptions(policy: Policy) -> list[Finding]:
    """What was assumed of a model of another program, a line each; nothing of one of ours."""
    return [Finding(note, is_bad=False) for note in getattr(policy, "notes", ())]


def _findings(policy: Policy) -> Iterator[Finding]:
    actions = [policy(frame) for frame in varied_frames()]
    angles = np.array([action.steering_angle for action in actions])
    others = np.array([v for action in actions for v in (action.throttle, action.speed_mph) if v is not None])
    n = len(angles)
    if not np.isfinite(angles).all() or not np.isfinite(others).all():
        count = int((~np.isfinite(angles)).sum()) or "some"
        yield Finding(
            f"returns a non-finite answer (NaN or infinite) to {count} of {n} frames: has its training diverged?"
        )
        return
    low, high = float(angles.min()), float(angles.max())
    if high - low < CONSTANT:
        yield Finding(f"steers {angles[0]:+.3f} whatever it sees: {n} frames of bends either way got the same answer")
        return
    beyond = np.abs(angles) >= 1
    if beyond.all():
        yield Finding(
            f"always steers at or beyond its stop, from {low:+.4g} to {high:+.4g}: expected [-1, 1]; are its answers "
            "degrees, or its images scaled otherwise?"
        )
    elif beyond.mean() > MOSTLY or np.abs(angles).max() > FAR:
        yield Finding(
            f"steers outside [-1, 1] on {int(beyond.sum())} of {n} frames, from {low:+.4g} to {high:+.4g}", is_bad=False
        )
