from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge.messages import FRAME_SHAPE, Control
from simulator_bridge.simulator.scene import renderer
from simulator_bridge.simulator.scene.hood import hood_of
from simulator_bridge.simulator.scene.layers import Label
from simulator_bridge.simulator.scene.renderer import SimulatorError, open_pipe
from simulator_bridge.simulator.scene.scene_options import RENDERERS
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import build_track
from simulator_bridge.udacity_cameras import FOCAL_PX, RIGHT_M, UP_M
from tests.support.paths import ROOT

ALL_CAMERAS = ("left", "center", "right")
BACKEND = os.environ.get("SIMULATOR_BACKEND", "tinydisplay")


@pytest.fixture(scope="module")
def lake() -> Iterator[Simulation]:
    try:
        open_pipe(BACKEND)
    except SimulatorError as error:
        pytest.skip(str(error))
    with Simulation(build_track("lake"), seed=3, cameras=ALL_CAMERAS, backend=BACKEND) as simulation:
        yield simulation


@pytest.mark.skipif(BACKEND == "egl", reason="this is that process")
def test_everything_here_holds_on_egl_too() -> None:
    # in a process of its own: Mesa's software driver and TensorFlow, which other tests import, crash in one
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", __file__]
    environment = {**os.environ, "SIMULATOR_BACKEND": "egl"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if "no renderer opens for 'egl'" in result.stdout:
        pytest.skip("EGL does not open on this machine")
    assert result.returncode == 0, result.stdout[-4000:]


def columns_of(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    return np.flatnonzero(mask).astype(np.float64)


def test_frames_are_rgb_top_down(lake: Simulation) -> None:
    lake.reset(s_m=10)
    frames = lake.render()
    assert tuple(frames) == ALL_CAMERAS
    for frame in frames.values():
        assert frame.shape == FRAME_SHAPE
        assert frame.dtype == np.uint8
    sky, road = frames["center"][2, 150:170].mean(axis=0), frames["center"][110, 150:170].mean(axis=0)
    assert sky[2] > sky[0] + 30  # blue is the last channel, and the sky is on top
    assert abs(road[2] - road[0]) < 30  # asphalt is grey


def test_horizon_lies_where_real_frames_have_it(lake: Simulation) -> None:
    bridge = float(np.flatnonzero(lake.track.features.bridge).mean() * lake.track.ds_m)
    lake.reset(s_m=bridge)  # level, and open to all sides
    water = lake.render_labels()["center"] == Label.WATER
    first_water_row = np.flatnonzero(water.any(axis=1)).min()
    assert 55 <= first_water_row <= 68  # it begins a little below the horizon of rows 57 to 62


def test_side_cameras_see_the_road_shifted_by_their_baseline(lake: Simulation) -> None:
    lake.reset(s_m=30)
    labels = lake.render_labels()
    row = 100
    middle = {}
    for name in ALL_CAMERAS:
        lines = columns_of(labels[name][row] == Label.LINE)
        assert lines.size >= 2
        middle[name] = (lines.min() + lines.max()) / 2
    depth_m = UP_M * FOCAL_PX / (row - 59)
    for name in ("left", "right"):
        shift_px = -RIGHT_M[name] / depth_m * FOCAL_PX
        assert middle[name] - middle["center"] == pytest.approx(shift_px, rel=0.2)


def test_hood_covers_the_lowest_rows_in_the_middle_as_in_real_frames() -> None:
    rows = np.flatnonzero(hood_of("center").mask[:, 160])
    assert 20 <= rows.size <= 25
    assert rows.max() == 159
    assert not hood_of("center").mask[:, 10].any()


def test_labels_lie_on_what_the_frame_shows(lake: Simulation) -> None:
    lake.reset(s_m=30)
    frame, label = lake.render()["center"], lake.render_labels()["center"]
    assert label.shape == FRAME_SHAPE[:2]
    assert label.dtype == np.uint8
    assert set(np.unique(label)) <= {int(value) for value in Label}
    assert np.array_equal(label == Label.CAR, hood_of("center").mask)
    assert label[1, 160] == Label.SKY
    assert label[120, 160] == Label.ROAD
    sky = frame[label == Label.SKY].astype(float)
    line = frame[80:][label[80:] == Label.LINE].astype(float).mean(axis=0)
    assert (sky[:, 2] > sky[:, 0]).mean() > 0.95
    assert line[0] > line[2] + 25  # the lake's lines are yellow


def test_labels_name_every_class_of_the_lake_somewhere(lake: Simulation) -> None:
    seen: set[int] = set()
    for s_m in np.linspace(0, lake.track.length_m, 16, endpoint=False):
        lake.reset(s_m=float(s_m))
        seen |= set(np.unique(lake.render_labels()["center"]).tolist())
    assert seen == {int(value) for value in Label}


def test_center_alone_shows_what_it_shows_among_three(lake: Simulation) -> None:
    lake.reset(s_m=200, cte=0.5)
    among_three = lake.render()["center"]
    with Simulation(lake.track, seed=3, cameras=("center",), backend=lake.renderer.split()[0]) as alone:
        alone.reset(s_m=200, cte=0.5)
        frames = alone.render()
    assert tuple(frames) == ("center",)
    assert np.abs(frames["center"].astype(int) - among_three).mean() < 1.0


def test_the_cameras_left_out_show_what_they_show_among_three(lake: Simulation) -> None:
    with Simulation(lake.track, seed=3, cameras=("center",), backend=BACKEND) as center_only:
        lake.reset(200.0)
        center_only.reset(200.0)
        before, others = center_only.render()["center"], center_only.render_others()
        assert set(others) == {"left", "right"}
        among_three = lake.render()
        for name, frame in others.items():
            assert np.abs(frame.astype(int) - among_three[name]).mean() < 1.0
        np.testing.assert_array_equal(center_only.render()["center"], before)
    assert lake.render_others() == {}


def test_rendering_twice_gives_the_same_picture_and_labels_leave_no_trace(lake: Simulation) -> None:
    lake.reset(s_m=400)
    first = lake.render()["left"]
    lake.render_labels()
    assert np.array_equal(lake.render()["left"], first)


def test_many_frames_do_not_grow_the_process(lake: Simulation) -> None:
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("memory is read from /proc, which this system has not")

    def pages() -> int:
        gc.collect()  # tests before this one may have made Python's own collector rare
        return int(status.read_text().split()[1])

    def drive(n_frames: int) -> None:
        for _ in range(n_frames):
            lake.step(Control(0.1, 0.2))
            lake.render()

    def growth() -> float:
        before = pages()
        drive(200)
        return (pages() - before) * 4096 / 200  # bytes a frame

    lake.reset()
    drive(60)  # fills the caches
    # Without Panda3D's garbage collection it is 4500, always; the rest of this process may grow by chance, once
    assert any(growth() < 2000 for _ in range(3))


def test_unknown_backend_is_named_with_the_known_ones() -> None:
    with pytest.raises(SimulatorError, match=r"'vulkan': expected one of auto, tinydisplay, egl"):
        open_pipe("vulkan")


def test_machine_without_any_renderer_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(renderer, "_pipe", lambda name: None)
    with pytest.raises(
        SimulatorError, match=r"apt-get install libx11-6 \(for tinydisplay\), or libegl1 libgl1-mesa-dri"
    ):
        open_pipe("auto")


def test_egl_is_refused_beside_tensorflow_instead_of_crashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    with pytest.raises(SimulatorError, match="tinydisplay, or in another process"):
        open_pipe("egl")


def test_auto_takes_the_next_backend_when_the_first_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    names = list(RENDERERS)
    pipe = object()
    monkeypatch.setattr(renderer, "_pipe", lambda name: pipe if name == names[1] else None)
    assert open_pipe("auto") == (names[1], pipe)


def test_auto_prefers_the_software_renderer_which_is_the_same_on_every_machine() -> None:
    try:
        open_pipe("tinydisplay")
    except SimulatorError as error:
        pytest.skip(str(error))
    assert open_pipe("auto")[0] == "tinydisplay"


def test_shadows_of_trees_darken_the_road_and_leave_its_classes_alone(lake: Simulation) -> None:
    backend = lake.renderer.split()[0]
    with Simulation(build_track("jungle"), cameras=("center",), backend=backend) as jungle:
        shadows = jungle.world.root.find("**/shadows")
        darkened = 0
        for s_m in np.linspace(0, jungle.track.length_m, 12, endpoint=False):
            jungle.reset(s_m=float(s_m))
            shaded, labels = jungle.render()["center"].astype(int), jungle.render_labels()["center"]
            shadows.hide()
            sunny, labels_without = jungle.render()["center"].astype(int), jungle.render_labels()["center"]
            shadows.show()
            assert np.array_equal(labels, labels_without)
            assert np.all(shaded <= sunny)
            darker = shaded.sum(axis=2) < sunny.sum(axis=2) - 30
            darkened += int(darker[labels == Label.ROAD].sum())
    assert darkened > 500


def test_unknown_camera_is_refused() -> None:
    with pytest.raises(SimulatorError, match="roof"):
        Simulation(build_track("lake"), cameras=("roof",))


RUN = """
import hashlib, sys
from simulator_bridge.messages import Control
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import build_track
from simulator_bridge.udacity_cameras import FOCAL_PX, RIGHT_M, UP_M
digest = hashlib.sha256()
with Simulation(build_track("random:4"), seed=11, weather="random", cameras=("center", "left")) as simulation:
    simulation.reset(s_m=50.0, cte=0.3, heading_error=0.05)
    for k in range(25):
        state = simulation.step(Control(0.3 if k % 3 else -0.2, 0.8))
        digest.update(repr(state.pose).encode())
        for frame in simulation.render().values():
            digest.update(frame.tobytes())
print(digest.hexdigest())
"""


def test_two_processes_with_one_seed_give_identical_poses_and_frames() -> None:
    runs = [
        subprocess.run([sys.executable, "-c", RUN], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
        for _ in range(2)
    ]
    assert len(runs[0].stdout.strip()) == hashlib.sha256().digest_size * 2
    assert runs[0].stdout == runs[1].stdout
