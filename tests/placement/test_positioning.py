"""The offset and the heading error of rows, from frames whose poses are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge.messages import Frame
from simulator_bridge.placement.placing import build_tracks, place_recording, place_rows
from simulator_bridge.recording import Recording, load_recording
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import build_track
from tests.support.driven_log import DrivenLog, drive_log

ROAD = "random:7"

Numbers = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> DrivenLog:
    """260 m of a drive in the built-in simulator, weaving by half a metre."""
    track = build_track(ROAD)
    with Simulation(track, seed=1) as simulation:

        def draw(s_m: float, offset_m: float, heading_error: float) -> Frame:
            simulation.reset(s_m, offset_m, heading_error)
            return simulation.render()["center"]

        return drive_log(tmp_path_factory.mktemp("drive"), track, [(150.0, 260.0)], weaving=0.1, draw=draw)


def test_offset_and_heading_are_those_of_the_car(driven: DrivenLog) -> None:
    placement = place_recording(driven.folder, build_tracks((ROAD,)))
    assert placement.track == ROAD
    known = np.isfinite(placement.offset_m)
    assert known.mean() > 0.9
    assert driven.offset_m.std() > 0.2  # it did weave
    across, heading = placement.offset_m - driven.offset_m, placement.heading_error_rad - driven.heading_error_rad
    assert np.nanmedian(np.abs(across)) < 0.1
    assert np.nanpercentile(np.abs(across), 95) < 0.3
    assert np.degrees(np.nanmedian(np.abs(heading))) < 1.0
    assert np.degrees(np.nanpercentile(np.abs(heading), 95)) < 3.0


def test_frames_that_do_not_show_the_road_tell_no_offset(driven: DrivenLog, tmp_path: Path) -> None:
    (tmp_path / "IMG").mkdir()
    (tmp_path / "driving_log.csv").write_bytes((driven.folder / "driving_log.csv").read_bytes())
    for image in (driven.folder / "IMG").iterdir():
        (tmp_path / "IMG" / image.name).write_bytes(b"no image")
    placement = place_recording(tmp_path, build_tracks((ROAD,)))
    assert placement.is_placed.mean() > 0.9
    assert not np.isfinite(placement.offset_m).any()


def test_the_side_cameras_of_a_real_car_are_beside_the_center(driving_data: Path) -> None:
    rows = first_rows(load_recording(driving_data / "recordings" / "udacity_lake_ccw", "listed"), 200)
    tracks = build_tracks(("lake",))
    offset_m = {camera: place_rows(rows, tracks, camera).offset_m for camera in rows.images}
    left, right = offset_m["left"] - offset_m["center"], offset_m["center"] - offset_m["right"]
    assert np.nanmedian(left) == pytest.approx(0.81, abs=0.08)
    assert np.nanmedian(right) == pytest.approx(0.83, abs=0.08)
    assert quartiles_apart(left) < 0.15
    assert quartiles_apart(right) < 0.15


def first_rows(recording: Recording, n: int) -> Recording:
    """The first rows of a recording."""
    columns = ("steering_angle", "throttle", "brake", "speed_mph", "time_s", "episode", "line")
    arrays = {column: getattr(recording, column)[:n] for column in columns}
    return replace(recording, images={camera: paths[:n] for camera, paths in recording.images.items()}, **arrays)


def quartiles_apart(values: Numbers) -> float:
    low, high = np.nanpercentile(values, [25, 75])
    return float(high - low)
