"""What any `Policy` must keep: one checker, used wherever a policy is made."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import numpy as np
import pytest

from models.policy import Action, Policy
from simulator_bridge.messages import FRAME_SHAPE, Frame


def check_policy(policy: Policy, frames: list[Frame]) -> None:
    """Assert that the policy keeps the contract on these frames (at least two)."""
    actions = [policy(frame) for frame in frames]
    _check_values(actions)
    assert [policy(frame) for frame in frames] == actions, "the same frame must give the same action"
    _check_frames_are_only_read(policy, frames[0], actions[0])
    _check_threads_do_not_mix(policy, frames, actions)
    _check_other_input_is_refused(policy)


def _check_values(actions: list[Action]) -> None:
    for action in actions:
        assert isinstance(action, Action)
        for value in (action.steering_angle, action.throttle, action.speed_mph):
            assert value is None or (isinstance(value, float) and math.isfinite(value))


def _check_frames_are_only_read(policy: Policy, frame: Frame, action: Action) -> None:
    kept = frame.copy()
    kept.setflags(write=False)
    assert policy(kept) == action, "a read-only frame must do"
    reversed_view = np.ascontiguousarray(frame[:, ::-1])[:, ::-1]
    assert policy(reversed_view) == action, "a view that is not contiguous must do"
    np.testing.assert_array_equal(kept, frame)


def _check_threads_do_not_mix(policy: Policy, frames: list[Frame], actions: list[Action]) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            assert list(pool.map(lambda run, frame: run(frame), repeat(policy), frames)) == actions


def _check_other_input_is_refused(policy: Policy) -> None:
    wrong: list[Any] = [
        np.zeros((120, 160, 3), np.uint8),
        np.zeros((1, *FRAME_SHAPE), np.uint8),
        np.zeros(FRAME_SHAPE, np.float32),
        None,
    ]
    for frame in wrong:
        with pytest.raises(ValueError, match=r"uint8 \(160, 320, 3\)"):
            policy(frame)
