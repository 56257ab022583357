"""Placements are saved beside the log, found again, and never trusted blindly."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.placement import placing
from simulator_bridge.placement.placement import Placement
from simulator_bridge.placement.placement_file import placement_files
from simulator_bridge.placement.placing import build_tracks, place_recording
from simulator_bridge.track import build_track
from tests.support.driven_log import drive_log

ROAD = "random:3"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return drive_log(tmp_path / "drive", build_track(ROAD), [(140.0, 300.0)]).folder


def place(folder: Path) -> Placement:
    return place_recording(folder, build_tracks((ROAD,)))


def beside(folder: Path) -> Path:
    return folder / "driving_log.placement.json"


def test_it_is_saved_beside_the_log_and_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = place(folder)
    assert beside(folder).is_file()
    monkeypatch.setattr(placing, "place_rows", no_work)
    again = place(folder)
    assert (again.track, again.direction, again.lap_m) == (first.track, first.direction, first.lap_m)
    np.testing.assert_allclose(again.s_m, first.s_m, atol=0.01)
    np.testing.assert_allclose(again.confidence, first.confidence, atol=0.001)
    np.testing.assert_array_equal(again.is_reverse, first.is_reverse)


def test_a_log_that_has_grown_is_placed_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(folder)
    with (folder / "driving_log.csv").open("a") as log:
        log.write("IMG/center_2020_01_01_13_00_00_000.jpg,,,0,0.3,0,20\n")
    monkeypatch.setattr(placing, "place_rows", no_work)
    with pytest.raises(AssertionError, match="placed again"):
        place(folder)


def test_other_tracks_are_looked_at_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(folder)
    monkeypatch.setattr(placing, "place_rows", no_work)
    with pytest.raises(AssertionError, match="placed again"):
        place_recording(folder, build_tracks((ROAD, "random:5")))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("s_m"),
        lambda content: content["s_m"].pop(),
        lambda content: content.update(confidence=[["much"]]),
        lambda content: content.update(is_reverse=[1, 2]),
        lambda content: content.update(track=7),
        lambda content: content.update(digest=None),
    ],
    ids=["column missing", "row missing", "no numbers", "no flags", "no name", "no digest"],
)
def test_a_file_that_is_not_ours_is_computed_again(folder: Path, change: object) -> None:
    first = place(folder)
    content = json.loads(beside(folder).read_text())
    assert callable(change)
    change(content)
    beside(folder).write_text(json.dumps(content))
    assert place(folder).placed_share == first.placed_share
    assert json.loads(beside(folder).read_text())["track"] == ROAD


def test_a_folder_that_is_read_only_is_left_alone(folder: Path) -> None:
    log = folder / "driving_log.csv"
    os.chmod(folder, 0o555)
    try:
        first = place(folder)
    finally:
        os.chmod(folder, 0o755)
    assert not beside(folder).exists()
    elsewhere = placement_files(log)[1]
    assert elsewhere.is_file()
    assert "caches" in elsewhere.parts
    assert first.placed_share > 0.5


def test_nothing_is_written_through_a_link(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "precious.txt"
    victim.write_text("precious")
    beside(folder).symlink_to(victim)
    place(folder)
    assert victim.read_text() == "precious"
    assert placement_files(folder / "driving_log.csv")[1].is_file()


def no_work(*arguments: object) -> None:
    raise AssertionError("placed again")
