"""Rows without a center image that can be used: which commands read them, and what is counted and said."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import Recording, load_recording, load_recordings
from simulator_bridge.recording.gathering import load_gathered
from tests.support.made_recording import make_recording


def image(folder: Path, row: int, camera: str = "center") -> Path:
    return sorted((folder / "IMG").glob(f"{camera}_*"))[row]


def with_sides(folder: Path) -> Recording:
    [recording] = load_gathered([folder], any_camera=True).recordings
    return recording


def counts(recording: Recording) -> dict[str, int]:
    return {reason: drop.count for reason, drop in recording.dropped.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six rows: the second without its center image, the third with a left image only, the fourth without any."""
    made = make_recording(tmp_path / "lap", n=6, steering=[0, 0.1, 0.2, 0.3, 0.4, 0.5])
    gone = [(1, "center"), (2, "right"), (3, "center"), (3, "left"), (3, "right")]
    paths = [image(made, row, camera) for row, camera in gone]
    image(made, 2).write_bytes(b"")
    for path in paths:
        path.unlink()
    return made


def test_a_row_without_a_center_image_serves_with_its_side_images(folder: Path) -> None:
    recording = with_sides(folder)
    assert recording.steering_angle == pytest.approx([0, 0.1, 0.2, 0.4, 0.5])
    assert recording.has_image("center").tolist() == [True, False, False, True, True]
    assert recording.has_image("left").tolist() == [True] * 5
    assert recording.has_image("right").tolist() == [True, True, False, True, True]
    assert [recording.first_camera(row) for row in range(5)] == ["center", "left", "left", "center", "center"]
    assert counts(recording) == {"center: missing image": 1}
    assert recording.n_episodes == 1
    assert recording.notes[-1] == (
        "2 rows have no center image that can be used: trained on by the side images, neither validated on nor driven"
    )


def test_whoever_needs_the_center_image_gets_the_other_rows_and_the_reasons(folder: Path) -> None:
    for recording in (load_recording(folder), *load_recordings([folder]), with_sides(folder).with_center()):
        assert recording.steering_angle == pytest.approx([0, 0.4, 0.5])
        assert recording.has_image("center").all()
        assert counts(recording) == {"center: missing image": 2, "center: empty image": 1}
    assert not any("no center image" in note for note in load_recordings([folder])[0].notes)


def test_a_recording_of_one_side_camera_alone(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=4)
    for camera in ("center", "right"):
        for path in (folder / "IMG").glob(f"{camera}_*"):
            path.unlink()
    assert len(with_sides(folder)) == 4
    with pytest.raises(RecordingError, match=r"no row can be used: center: missing image \(4 rows"):
        load_recordings([folder])


def test_a_row_of_side_images_counts_once_within_a_log_and_over_recordings(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "one", n=5)
    image(folder, 2).unlink()
    log = folder / "driving_log.csv"
    log.write_text(log.read_text() + log.read_text().splitlines(keepends=True)[2])
    shutil.copytree(folder, tmp_path / "two")
    one, two = load_gathered([tmp_path / "one", tmp_path / "two"], any_camera=True).recordings
    assert (len(one), counts(one)) == (5, {"duplicate row": 1})
    assert (len(two), counts(two)) == (0, {"duplicate row": 1, "image again, of another row or log": 5})


@pytest.mark.parametrize("header", [False, True])
def test_a_row_may_leave_the_center_column_empty(header: bool, tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=6, header=header)
    log = folder / "driving_log.csv"
    log.write_text(re.sub(r"^IMG/center_[^,]*_(300|500)\.jpg,", ",", log.read_text(), flags=re.MULTILINE))
    recording = with_sides(folder)
    assert recording.has_image("center").tolist() == [True, True, True, False, True, False]
    assert np.diff(recording.time_s) == pytest.approx(np.full(5, 0.1), abs=1e-3)
    assert recording.n_episodes == 1
    assert counts(load_recording(folder)) == {"center: missing image": 2}


def test_a_row_without_any_path_is_no_row(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3, cameras=("center",), header=True)
    log = folder / "driving_log.csv"
    log.write_text(re.sub(r"^IMG/center_[^,]*_100\.jpg,", ",", log.read_text(), flags=re.MULTILINE))
    assert counts(with_sides(folder)) == {"no image path in the line": 1}


def test_a_duplicate_row_does_not_come_back_by_its_side_images(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3)
    log = folder / "driving_log.csv"
    log.write_text(log.read_text() + log.read_text())
    assert len(with_sides(folder)) == 3
