"""The place of rows on a track, from logs of drives whose places are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.placement.along_track import find_along_track
from simulator_bridge.placement.placing import build_tracks, place_recording
from simulator_bridge.recording import load_recording
from simulator_bridge.track import build_track
from tests.support.driven_log import drive_log

ROAD = "random:3"


def along_errors_m(placed_m: npt.NDArray[np.float64], true_m: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lap_m = build_track(ROAD).length_m
    return np.abs(np.mod(placed_m - true_m + lap_m / 2, lap_m) - lap_m / 2)


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_a_drive_is_found_on_its_track_in_its_direction(tmp_path: Path, reverse: bool) -> None:
    log = drive_log(tmp_path, build_track(ROAD, reverse=reverse), [(140.0, 700.0)])
    placement = place_recording(log.folder, build_tracks(("random:5", ROAD)))
    assert placement.track == ROAD
    assert placement.direction == ("reverse" if reverse else "forward")
    assert placement.placed_share > 0.9
    errors = along_errors_m(placement.s_m, log.s_m)
    assert np.nanmedian(errors) < 2.0
    assert np.nanpercentile(errors, 95) < 5.0
    assert placement.laps == pytest.approx(700 / build_track(ROAD).length_m, abs=0.1)


def test_each_episode_has_its_own_place_and_direction(tmp_path: Path) -> None:
    forward = drive_log(tmp_path / "there", build_track(ROAD), [(100.0, 400.0)])
    back = drive_log(tmp_path / "back", build_track(ROAD, reverse=True), [(600.0, 400.0)])
    both = tmp_path / "both"
    both.mkdir()
    lines = (forward.folder / "driving_log.csv").read_text()
    lines += (back.folder / "driving_log.csv").read_text().replace("2020_01_01", "2020_01_02")
    (both / "driving_log.csv").write_text(lines)
    placement = place_recording(both, build_tracks((ROAD,)))
    assert placement.direction == "both"
    n = len(forward.s_m)
    assert placement.is_reverse[:n][placement.is_placed[:n]].mean() < 0.05
    assert placement.is_reverse[n:][placement.is_placed[n:]].mean() > 0.95
    errors = along_errors_m(placement.s_m, np.concatenate([forward.s_m, back.s_m]))
    assert np.nanpercentile(errors, 95) < 5.0


@pytest.mark.parametrize("driven", ["random:5", "random:6"])
def test_a_drive_on_another_track_is_unknown(tmp_path: Path, driven: str) -> None:
    log = drive_log(tmp_path, build_track(driven), [(0.0, 700.0)])
    placement = place_recording(log.folder, build_tracks((ROAD,)))
    assert placement.track is None
    assert placement.direction is None
    assert not placement.is_placed.any()
    assert placement.laps == 0


@pytest.mark.parametrize("length_m", [12.0, 80.0])
def test_a_short_episode_is_unknown_though_others_are_not(tmp_path: Path, length_m: float) -> None:
    log = drive_log(tmp_path, build_track(ROAD), [(140.0, 500.0), (200.0, length_m)])
    placement = place_recording(log.folder, build_tracks((ROAD,)))
    assert placement.is_placed[placement.episode == 0].mean() > 0.9
    assert not placement.is_placed[placement.episode == 1].any()


@pytest.mark.parametrize(
    ("folder", "track", "is_reverse"),
    [
        ("recordings/udacity_lake_ccw", "lake", False),
        ("recordings/udacity_lake_cw", "lake", True),
        ("recordings/jungle", "jungle", False),
        *((f"other_drivers/lake_{who}", "lake", False) for who in "abc"),
    ],
)
def test_real_drives_are_found(driving_data: Path, folder: str, track: str, is_reverse: bool) -> None:
    along = find_along_track(load_recording(driving_data / folder, "listed"), build_tracks())
    assert along.name == track
    assert (along.confidence > 0.8).mean() > 0.95
    assert (along.is_reverse == is_reverse).all()


def test_a_real_lap_begins_where_its_first_frame_is(driving_data: Path) -> None:
    along = find_along_track(load_recording(driving_data / "recordings/udacity_lake_ccw", "listed"), build_tracks())
    assert along.s_m[0] == pytest.approx(876, abs=4)  # as matched by hand


@pytest.mark.parametrize("folder", ["other_drivers/mountain", "recordings/lake_recover"])
def test_another_track_and_short_recoveries_are_unknown(driving_data: Path, folder: str) -> None:
    along = find_along_track(load_recording(driving_data / folder, "listed"), build_tracks())
    assert along.confidence.max() < 0.5


def test_without_time_stamps_the_rate_is_found(tmp_path: Path) -> None:
    log = drive_log(tmp_path, build_track(ROAD), [(140.0, 500.0)], period_s=0.08, stamped=False)
    placement = place_recording(log.folder, build_tracks((ROAD,)))
    assert placement.track == ROAD
    assert np.nanmedian(along_errors_m(placement.s_m, log.s_m)) < 4.0


def test_a_long_drive_is_placed_in_parts_of_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = drive_log(tmp_path / "whole", build_track(ROAD), [(140.0, 400.0)])
    tracks = build_tracks((ROAD,))
    whole = find_along_track(load_recording(log.folder, check=None), tracks)
    monkeypatch.setattr("simulator_bridge.placement.markov._MOST_NUMBERS", 60 * (2 * len(tracks[ROAD]) + 1))
    parts = find_along_track(load_recording(log.folder, check=None), tracks)
    np.testing.assert_allclose(parts.s_m, whole.s_m)
    np.testing.assert_allclose(parts.confidence, whole.confidence)


def test_a_log_without_speeds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "driving_log.csv").write_text("center,steering\nIMG/a.jpg,0.1\nIMG/b.jpg,0.2\n")
    with pytest.raises(RecordingError, match="expected a column of speeds"):
        place_recording(tmp_path, build_tracks((ROAD,)))
