from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator_bridge.errors import UserError
from train.data.splits import Split, split_blocks, split_episodes, split_recordings


def blocks(n: int, n_blocks: int = 4, guard_s: float = 2.0, rate_hz: float = 10) -> Split:
    return split_blocks(np.zeros(n, np.int32), np.arange(n) / rate_hz, 0.2, n_blocks, guard_s)


def test_blocks_are_the_share_asked_for_in_contiguous_stretches() -> None:
    split = blocks(1000, n_blocks=4)

    assert len(split.validation) == 200
    assert (np.diff(split.validation) > 1).sum() == 3  # four stretches


def test_every_training_row_is_at_least_the_guard_away_from_every_validation_row() -> None:
    split = blocks(1000, guard_s=2.0, rate_hz=8)  # 1/8 s is exact in binary

    distance_s = np.abs(split.train[:, None] - split.validation[None, :]).min() / 8
    assert distance_s == 2.0
    assert split.n_guard == 4 * 2 * 15  # rows nearer than 16, on both sides of four blocks


@given(n=st.integers(60, 3000), n_blocks=st.integers(1, 12), guard_s=st.floats(0, 3))
def test_every_row_is_on_one_side_or_in_the_gap_and_gaps_take_no_more_than_the_blocks(
    n: int, n_blocks: int, guard_s: float
) -> None:
    try:
        split = blocks(n, n_blocks, guard_s)
    except UserError:
        return
    assert len(split.train) + len(split.validation) + split.n_guard == n
    assert not set(split.train) & set(split.validation)
    if split.n_guard > 2 * guard_s * 10 + 2:  # more than one block
        assert split.n_guard <= len(split.validation) + 2


def test_guard_follows_the_clock_where_the_recording_pauses() -> None:
    time_s = np.arange(300) / 10
    time_s[150:] += 60  # a pause right after the only block's rows 120 .. 179 begin
    split = split_blocks(np.zeros(300, np.int32), time_s, 0.2, 1, 2.0)

    assert split.validation[0] == 120
    assert split.validation[-1] == 179
    assert split.n_guard == 2 * 19


def test_rows_without_time_stamps_count_as_a_tenth_of_a_second_apart() -> None:
    unknown = split_blocks(np.zeros(400, np.int32), np.full(400, np.nan), 0.2, 2, 1.0)

    np.testing.assert_array_equal(unknown.train, blocks(400, 2, 1.0).train)


def test_each_recording_gives_its_share() -> None:
    recording = np.repeat([0, 1], [500, 100]).astype(np.int32)
    time_s = np.concatenate([np.arange(500), np.arange(100)]) / 10
    split = split_blocks(recording, time_s, 0.2, 4, 1.0)

    assert np.bincount(recording[split.validation]).tolist() == [100, 20]


def test_a_recording_too_short_to_split_is_refused_with_the_counts() -> None:
    with pytest.raises(UserError, match=r"10 rows are too few .*0 to train on, 2 to validate on"):
        blocks(10)


def test_episodes_are_validated_on_whole() -> None:
    episode = np.repeat(np.arange(10), 30).astype(np.int32)
    split = split_episodes(episode, 0.2)

    assert len(split.validation) == 60
    assert not set(episode[split.train]) & set(episode[split.validation])


def test_of_two_uneven_episodes_the_nearer_to_the_share_is_validated_on() -> None:
    split = split_episodes(np.repeat([0, 1], [20, 80]).astype(np.int32), 0.2)

    np.testing.assert_array_equal(split.validation, np.arange(20))


def test_one_episode_cannot_be_split_by_episode() -> None:
    with pytest.raises(UserError, match="use --split blocks"):
        split_episodes(np.zeros(50, np.int32), 0.2)


def test_recordings_named_to_validate_on_are_taken_whole() -> None:
    split = split_recordings(np.repeat([0, 1, 2], 10).astype(np.int32), 2)

    np.testing.assert_array_equal(split.validation, np.arange(20, 30))
    assert split.n_guard == 0
