from __future__ import annotations

from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from simulator_bridge.simulator.gym_environment import FAILED_REWARD, TrackEnv
from simulator_bridge.track import TrackError
from tests.support.driving.small_track import write_oval

STRAIGHT = np.array([0.0, 0.5], np.float32)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackEnv]:
    env = TrackEnv(str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv")), max_time_s=4.0)
    yield env
    env.close()


@pytest.mark.parametrize("name", ["cloneway/Lake-v0", "cloneway/Jungle-v0"])
def test_registered_environments_pass_gymnasiums_own_check(name: str) -> None:
    env = gymnasium.make(name, render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_any_track_can_be_made() -> None:
    env = gymnasium.make("cloneway/Track-v0", track="random:3", weather="random")
    frame, _ = env.reset(seed=1)
    assert frame.shape == (160, 320, 3)
    env.close()


def test_a_track_that_does_not_exist_is_said() -> None:
    with pytest.raises(TrackError, match="no track 'moon'"):
        gymnasium.make("cloneway/Track-v0", track="moon")


def test_one_seed_and_the_same_actions_show_the_same_frames(env: TrackEnv) -> None:
    def drive(seed: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        frames = [env.reset(seed=seed)[0]]
        return frames + [env.step(STRAIGHT)[0] for _ in range(10)]

    first, again, other = drive(5), drive(5), drive(6)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], other[0])


def test_driving_on_is_rewarded_by_the_metre(env: TrackEnv) -> None:
    _, before = env.reset(seed=0)
    rewards, after = [], before
    for _ in range(30):
        _, reward, terminated, _, after = env.step(STRAIGHT)
        assert not terminated
        rewards.append(float(reward))
    made_m = (after["s_m"] - before["s_m"]) % env._track.length_m
    assert sum(rewards) == pytest.approx(made_m, abs=3.0)
    assert rewards[-1] > rewards[0]


def test_leaving_the_road_ends_the_episode_and_costs(env: TrackEnv) -> None:
    env.reset(seed=0)
    for _ in range(80):
        _, reward, terminated, truncated, _ = env.step(np.array([1.0, 1.0], np.float32))
        if terminated or truncated:
            break
    assert terminated
    assert float(reward) < FAILED_REWARD / 2


def test_time_is_limited(env: TrackEnv) -> None:
    env.reset(seed=0)
    ends = [env.step(np.zeros(2, np.float32))[2:4] for _ in range(80)]
    assert ends[-1] == (False, True)
    assert not any(truncated for _, truncated in ends[:-1])
