from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge.messages import FRAME_SHAPE, Frame
from simulator_bridge.recording import CAMERAS, Recording, load_recording, read_frame
from simulator_bridge.simulator.scene.renderer import SimulatorError
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import build_track
from simulator_bridge.view.hood_edge import fixed_mask
from simulator_bridge.view.moved_frame import move_frame, nearest_camera
from simulator_bridge.view.view_limits import SIDEWAYS_LIMIT_M, offset_limits
from simulator_bridge.view.view_transform import CarMove
from tests.support.driving.small_track import write_oval

ROAD = np.s_[75:135, 60:260]  # rows and columns that show the road


@pytest.fixture
def noise() -> Frame:
    return np.random.default_rng(0).integers(0, 256, FRAME_SHAPE, np.uint8)


def difference(one: Frame, other: Frame) -> float:
    return float(np.abs(one[ROAD].astype(float) - other[ROAD]).mean())


def test_a_car_on_its_path_sees_the_recorded_frame(noise: Frame) -> None:
    frame, invented = move_frame({"center": noise}, "center", CarMove())
    np.testing.assert_array_equal(frame, noise)
    assert invented == 0.0

    nearly_there = move_frame({"center": noise}, "center", CarMove(left_m=2e-4)).frame
    above_hood = np.s_[:132]
    assert np.abs(nearly_there[above_hood].astype(int) - noise[above_hood]).max() <= 8  # of 255, 0.02 px away


def test_the_hood_stays_and_comes_from_the_camera_that_is_shown(noise: Frame) -> None:
    other = np.zeros_like(noise)
    moved = move_frame({"center": noise, "left": other}, "left", CarMove(left_m=0.9, yaw=0.1)).frame

    np.testing.assert_array_equal(moved[fixed_mask("center")], noise[fixed_mask("center")])
    assert moved[~fixed_mask("center")].max() == 0  # and everything else comes from the other


def test_turning_invents_what_lies_beyond_the_border() -> None:
    frame = np.zeros(FRAME_SHAPE, np.uint8)
    frame[:, 319] = 200  # the last column is repeated
    moved = move_frame({"center": frame}, "center", CarMove(yaw=-0.2))

    assert moved.invented > 0.05
    assert moved.frame[40, 319].tolist() == [200, 200, 200]
    assert move_frame({"center": frame}, "center", CarMove(forward_m=1.0)).invented < 0.02


@pytest.mark.parametrize(
    ("move", "name"),
    [
        (CarMove(), "center"),
        (CarMove(left_m=0.3), "center"),
        (CarMove(left_m=0.5), "left"),
        (CarMove(left_m=-2.0), "right"),
        (CarMove(left_m=0.3, yaw=0.2), "left"),  # the camera stands before the point about which the car turns
    ],
)
def test_the_nearest_camera_is_taken(move: CarMove, name: str) -> None:
    assert nearest_camera(move, CAMERAS) == name
    assert nearest_camera(move, ["center"]) == "center"


def test_side_cameras_widen_what_the_view_reaches() -> None:
    assert offset_limits(["center"]) == (SIDEWAYS_LIMIT_M, SIDEWAYS_LIMIT_M)
    left_m, right_m = offset_limits(CAMERAS)
    assert left_m == pytest.approx(0.81 + SIDEWAYS_LIMIT_M)
    assert right_m == pytest.approx(0.83 + SIDEWAYS_LIMIT_M)


def test_moved_frames_agree_with_rendered_ones(tmp_path: Path) -> None:
    """The renderer and the view know the same cameras: roll, pitch and yaw with their signs."""
    track = build_track(str(write_oval(tmp_path / "oval.csv")))
    try:
        simulation = Simulation(track, cameras=CAMERAS, backend="tinydisplay")
    except SimulatorError as error:
        pytest.skip(str(error))
    with simulation:
        simulation.reset(s_m=10.0)
        seen = {name: frame.copy() for name, frame in simulation.render().items()}
        simulation.reset(s_m=10.0, cte=0.3, heading_error=0.08)
        there = simulation.render()["center"]
    for wanted in ("left", "right"):
        moved = move_frame(seen, "center", CarMove(), wanted).frame
        assert difference(moved, seen[wanted]) < 0.6 * difference(seen["center"], seen[wanted])
    moved = move_frame(seen, "center", CarMove(0.0, 0.3, 0.08)).frame
    assert difference(moved, there) < 0.6 * difference(seen["center"], there)


def real_frames(recording: Recording, camera: str, rows: Sequence[int]) -> list[Frame]:
    return [read_frame(recording.image_path(camera, row)) for row in rows]


@pytest.mark.parametrize(("name", "at_most"), [("udacity_lake_cw", 0.45), ("jungle", 0.7)])
@pytest.mark.parametrize("wanted", ["left", "right"])
def test_real_center_frames_moved_to_a_side_camera_agree_with_its_own(
    driving_data: Path, name: str, at_most: float, wanted: str
) -> None:
    recording = load_recording(driving_data / "recordings" / name)
    rows = range(20, len(recording) - 20, 60)
    errors: list[npt.NDArray[np.float64]] = []
    for seen, there in zip(real_frames(recording, "center", rows), real_frames(recording, wanted, rows), strict=True):
        moved = move_frame({"center": seen}, "center", CarMove(), wanted).frame
        errors.append(np.array([difference(moved, there), difference(seen, there)]))
    with_view, doing_nothing = np.mean(errors, axis=0)
    assert with_view < at_most * doing_nothing
