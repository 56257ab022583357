"""Which rows are for validation: how many blocks, and the episodes that come nearest to the share asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.data.splits import split_blocks, split_episodes, spread


def validation_episodes(lengths: list[int], fraction: float) -> list[int]:
    episode = np.repeat(np.arange(len(lengths)), lengths).astype(np.int32)
    return sorted({int(name) for name in episode[split_episodes(episode, fraction).validation]})


@pytest.mark.parametrize(
    ("lengths", "fraction", "chosen"),
    [
        ([10] * 10, 0.2, [2, 7]),  # of the first 30 rows 6 are wanted: 10 are nearer than none, of 20 rows none is
        ([30, 10, 60], 0.2, [1]),
        ([4, 10, 40], 0.4, [1]),
        ([30, 20, 60, 40], 0.2, [1]),  # of 50 rows 10: none and 20 are equally near, then it is taken
        ([20, 80], 0.1, [0]),  # always nearer without: the one whose length is nearest to 10 rows
        ([2, 20, 40], 0.3, [1]),  # the same, and the nearest to 18.6 rows is not the shortest
    ],
)
def test_an_episode_is_for_validation_where_that_is_nearer_to_the_share(
    lengths: list[int], fraction: float, chosen: list[int]
) -> None:
    assert validation_episodes(lengths, fraction) == chosen


@given(st.lists(st.integers(1, 50), min_size=2, max_size=30), st.floats(0.05, 0.5))
def test_the_share_misses_the_one_asked_for_by_half_an_episode_at_most(lengths: list[int], fraction: float) -> None:
    chosen = validation_episodes(lengths, fraction)
    error = abs(sum(lengths[name] for name in chosen) - fraction * sum(lengths))
    if len(chosen) > 1:  # a single one may be all that there is to choose from
        assert error <= max(lengths) / 2 + 1e-9


def test_short_gaps_allow_as_many_blocks_as_have_eight_rows() -> None:
    split = split_blocks(np.zeros(1000, np.int32), np.arange(1000) / 10, 0.2, 50, guard_s=0.25)
    assert (np.diff(split.validation) > 1).sum() + 1 == 200 // 8


def test_the_split_does_not_depend_on_when_the_recording_began() -> None:
    recording, time_s = np.zeros(300, np.int32), np.arange(300) / 8
    now, later = (split_blocks(recording, time_s + start_s, 0.2, 8, 2.0) for start_s in (0.0, 2.0**20))
    np.testing.assert_array_equal(now.train, later.train)


def test_spread_numbers_reach_from_the_first_to_the_last() -> None:
    numbers = np.arange(10, 20)
    assert spread(numbers, 4).tolist() == [10, 13, 16, 19]
    assert spread(numbers, 100).tolist() == numbers.tolist()
