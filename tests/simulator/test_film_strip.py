from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from simulator_bridge.errors import UserError
from simulator_bridge.messages import Control, decode_frame
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import DriveLoop, LoopConfig
from simulator_bridge.simulator.run.watchers.film_strip import FilmStrips, Picture, read_strips
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import build_track
from tests.support.driving.small_track import write_oval


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    """The strips of a car that drives straight on until it has been put back twice."""
    folder = tmp_path_factory.mktemp("strips")
    track = build_track(str(write_oval(folder / "oval.csv")))
    with Simulation(track, cameras=("center",)) as simulation:
        loop = DriveLoop(simulation, Referee(track), LoopConfig(max_interventions=2), StartPose(0.0, 0.0, 0.0))
        given_up = loop.run(lambda moment: Control(0.0, 1.0), 1, [FilmStrips(folder / "strips")])
    assert given_up == "given up after 2 interventions"
    return read_strips(folder / "strips")


def test_each_intervention_has_a_strip_also_the_one_that_ends_the_drive(pictures: list[Picture]) -> None:
    assert {picture.intervention for picture in pictures} == {0, 1}


def test_a_strip_holds_the_seconds_before_in_order(pictures: list[Picture]) -> None:
    before_s = [picture.before_s for picture in pictures if picture.intervention == 0]
    assert before_s == sorted(before_s, reverse=True)
    assert 0 < before_s[-1] <= 0.1
    assert 2.0 < before_s[0] <= 2.8
    assert 5 <= len(before_s) <= 6


def test_a_strip_shows_what_the_car_saw_on_its_way(pictures: list[Picture]) -> None:
    frames = [decode_frame(picture.jpeg).astype(float) for picture in pictures if picture.intervention == 0]
    changes = [abs(later - earlier).mean() for earlier, later in itertools.pairwise(frames)]
    assert min(changes) > 1.0


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be made"):
        FilmStrips(tmp_path / "file" / "strips")
