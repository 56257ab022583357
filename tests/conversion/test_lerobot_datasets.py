from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import find_recordings, load_only_recording, load_recording, read_frame
from simulator_bridge.recording.formats import lerobot_frames
from tests.support.made_recording import make_recording
from tests.support.other_programs.frame_cache import frame_cache as frame_cache
from tests.support.other_programs.made_lerobot import CAMERA, FPS, LENGTHS, make_dataset

N = sum(LENGTHS)
STEERING = np.linspace(-0.5, 0.5, N, dtype=np.float32)
ACTION = {"action": (["gas_pedal", "steering_angle"], np.stack([np.full(N, 0.25, np.float32), STEERING], axis=1))}


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
@pytest.mark.parametrize("embedded", [False, True], ids=["video", "image"])
def test_a_dataset_of_others_is_read_with_its_frames(version: str, embedded: bool, tmp_path: Path) -> None:
    recording = load_only_recording(make_dataset(tmp_path / "set", version, ACTION, embedded=embedded))
    assert recording.format == "LeRobot dataset"
    np.testing.assert_array_equal(recording.steering_angle, STEERING)
    assert recording.throttle.tolist() == [0.25] * N
    assert recording.episode.tolist() == [0] * LENGTHS[0] + [1] * LENGTHS[1]
    within = np.diff(recording.time_s)[np.diff(recording.episode) == 0]
    np.testing.assert_allclose(within, 1 / FPS, rtol=1e-5)
    for i, path in enumerate(recording.images["center"]):
        assert abs(int(read_frame(path)[80, 160, 1]) - (20 + 20 * i)) <= 3


def test_a_dataset_is_found_as_one_recording(tmp_path: Path) -> None:
    make_dataset(tmp_path / "set", "v3.0", ACTION)
    make_recording(tmp_path / "lap", n=2)
    assert find_recordings([tmp_path]) == [tmp_path / "lap", tmp_path / "set"]
    assert len(load_recording(tmp_path / "set" / "meta" / "info.json")) == N


def test_speed_in_a_state_has_the_unit_that_its_name_tells(tmp_path: Path) -> None:
    state = {"observation.state": (["heading", "speed_kmh"], np.full((N, 2), 16.09344, np.float32))}
    recording = load_only_recording(make_dataset(tmp_path / "set", "v3.0", {**state, **ACTION}))
    np.testing.assert_allclose(recording.speed_mph, 10, rtol=1e-6)
    assert any("speed is speed_kmh of observation.state" in note for note in recording.notes)


def test_side_cameras_are_told_by_their_names(tmp_path: Path) -> None:
    cameras = [f"observation.images.{name}" for name in ("left_camera", "rear", "front", "right")]
    recording = load_only_recording(make_dataset(tmp_path / "set", "v3.0", ACTION, cameras))
    assert set(recording.images) == {"center", "left", "right"}
    assert any("cameras not used: observation.images.rear" in note for note in recording.notes)


def test_one_camera_of_any_name_is_the_center_one(tmp_path: Path) -> None:
    recording = load_only_recording(make_dataset(tmp_path / "set", "v3.0", ACTION, ["observation.images.laptop"]))
    assert set(recording.images) == {"center"}
    recording = load_only_recording(
        make_dataset(tmp_path / "two", "v3.0", ACTION, ["observation.images.laptop", "observation.images.phone"])
    )
    assert any("observation.images.laptop is taken for the center camera" in note for note in recording.notes)


def test_an_action_without_names_is_read_with_a_note(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", "v3.0", {"action": (None, ACTION["action"][1][:, ::-1])})
    recording = load_only_recording(dataset)
    np.testing.assert_array_equal(recording.steering_angle, STEERING)
    assert any("no names: read as steering, throttle" in note for note in recording.notes)


def test_a_dataset_of_a_robot_arm_is_refused_by_the_names_of_its_numbers(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", "v3.0", {"action": (["elbow.pos", "wrist.pos"], ACTION["action"][1])})
    with pytest.raises(RecordingError, match=r"a number named steering .* got the numbers elbow\.pos, wrist\.pos"):
        load_only_recording(dataset)


def test_rows_whose_video_is_damaged_or_missing_are_counted(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", "v2.1", ACTION)
    (dataset / "videos" / "chunk-000" / CAMERA / "episode_000001.mp4").unlink()
    recording = load_only_recording(dataset)
    assert len(recording) == LENGTHS[0]
    assert recording.dropped["no frame of the center camera"].count == LENGTHS[1]
    (dataset / "videos" / "chunk-000" / CAMERA / "episode_000000.mp4").write_bytes(b"version https://git-lfs")
    with pytest.raises(RecordingError, match="none of 8 rows can be used: no frame of the center camera"):
        load_only_recording(dataset)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codebase_version": "v1.6"}, "expected a LeRobot dataset of version 2.0, 2.1 or 3.0, got .*v1.6"),
        ({"fps": "fast"}, "expected fps"),
        ({"features": []}, "expected features"),
        ({"features": {"action": {"dtype": "float32", "shape": [1]}}}, "expected a camera"),
    ],
)
def test_an_info_that_is_no_datasets_is_named(change: dict[str, object], message: str, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", "v3.0", ACTION)
    info = dataset / "meta" / "info.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), **change}))
    with pytest.raises(RecordingError, match=message):
        load_only_recording(dataset)


@pytest.mark.parametrize("file", ["data/chunk-000/file-000.parquet", "meta/episodes/chunk-000/file-000.parquet"])
def test_a_damaged_parquet_file_is_named(file: str, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", "v3.0", ACTION)
    (dataset / file).write_bytes(b"PAR1 and no more")
    with pytest.raises(RecordingError, match=file):
        load_only_recording(dataset)
    (dataset / file).unlink()
    with pytest.raises(RecordingError, match="found none"):
        load_only_recording(dataset)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_dataset(tmp_path / "set", "v3.0", ACTION)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(RecordingError, match=r"cannot be unpacked there.*XDG_CACHE_HOME"):
        load_only_recording(dataset)


def test_another_process_may_unpack_the_same_frames_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_dataset(tmp_path / "set", "v3.0", ACTION, embedded=True)
    write = lerobot_frames._write_embedded

    def write_after_another(*arguments: Any) -> None:
        monkeypatch.setattr(lerobot_frames, "_write_embedded", write)
        load_only_recording(dataset)
        write(*arguments)

    monkeypatch.setattr(lerobot_frames, "_write_embedded", write_after_another)
    images = load_only_recording(dataset).images["center"]
    assert len(images) == N
    assert all(path.is_file() for path in images)
    assert len(list(images[0].parents[2].iterdir())) == 1  # nothing unfinished is left


def test_what_is_saved_beside_a_dataset_does_not_unpack_it_again(tmp_path: Path, frame_cache: Path) -> None:
    dataset = make_dataset(tmp_path / "set", "v3.0", ACTION)
    load_only_recording(dataset)
    [cache] = frame_cache.iterdir()
    (dataset / "meta" / "info.placement.json").write_text("{}")
    load_only_recording(dataset)
    assert list(frame_cache.iterdir()) == [cache]
