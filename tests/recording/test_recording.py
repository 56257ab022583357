"""Recordings on disk: where images are found, which rows go, episodes, folders of folders, what is written."""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import (
    CAMERAS,
    Recording,
    find_recordings,
    format_row,
    image_name,
    image_time_s,
    load_recording,
    load_recordings,
    read_frame,
)
from tests.support.made_recording import START, draw_frame, jpeg, make_recording


def drops(recording: Recording) -> dict[str, tuple[int, int]]:
    return {reason: (drop.count, drop.first_line) for reason, drop in recording.dropped.items()}


def rewrite(folder: Path, change: Callable[[str], str]) -> None:
    log = folder / "driving_log.csv"
    log.write_text(change(log.read_text(encoding="utf-8")), encoding="utf-8")


def image(folder: Path, row: int, camera: str = "center") -> Path:
    return sorted((folder / "IMG").glob(f"{camera}_*"))[row]


def test_a_made_recording_reads_back(tmp_path: Path) -> None:
    recording = load_recording(make_recording(tmp_path, n=20, steering=lambda i: i / 20))
    assert len(recording) == 20
    assert recording.steering_angle == pytest.approx(np.arange(20) / 20)
    assert recording.throttle == pytest.approx(np.full(20, 0.3))
    assert recording.line.tolist() == list(range(1, 21))
    assert np.diff(recording.time_s) == pytest.approx(np.full(19, 0.1), abs=1e-3)
    assert recording.n_episodes == 1
    assert not recording.dropped
    for camera in CAMERAS:
        assert len(recording.images[camera]) == 20
        assert recording.image_path(camera, 7) == image(tmp_path, 7, camera)


def test_arrays_cannot_be_changed(tmp_path: Path) -> None:
    recording = load_recording(make_recording(tmp_path, n=2))
    with pytest.raises(ValueError, match="read-only"):
        recording.steering_angle[0] = 1


@pytest.mark.parametrize(
    ("said", "real"),
    [
        (r"C:\Users\Deepanshu Goyal\data\IMG", "IMG"),
        ("/Users/me/car sim/track1/IMG", "IMG"),
        ("/home/me/Masaüstü/IMG", "IMG"),
        ("IMG", "img"),
        ("IMG_Ori", "IMG_Ori"),
        (r"IMG_Ori", "IMG"),
        (r".\data\t1_backwards\IMG", "data/t1_backwards/IMG"),
        (r".\data\t1_backwards\IMG", "IMG"),
        ("data22/IMG", "data22/IMG"),
        ("data22/IMG", "IMG"),
        ("/home/me/track1_recover/IMG", "track1_recover/IMG"),
        ("../other/IMG", "IMG"),
        (".", "IMG"),
        ("Masau\u0308stu\u0308/IMG", "Masa\u00fcst\u00fc/IMG"),
    ],
)
def test_images_are_found(said: str, real: str, tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "lap", n=3)
    (folder / "IMG").rename(tmp_path / "moved")
    (folder / real).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "moved").rename(folder / real)
    slash = "\\" if "\\" in said else "/"
    rewrite(folder, lambda text: text.replace("IMG/", said + slash))
    recording = load_recording(folder)
    assert len(recording) == 3
    assert recording.image_path("left", 0).parent == folder / real


def test_extension_in_another_case_is_found(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=2)
    for path in list((folder / "IMG").iterdir()):
        path.rename(path.with_suffix(".JPG"))
    assert len(load_recording(folder)) == 2


@pytest.mark.parametrize(
    "escape", ["{outside}/IMG/", "../outside/IMG/", "..\\outside\\IMG\\", "IMG/../../outside/IMG/"]
)
def test_no_image_outside_the_recordings_folder_is_ever_used(escape: str, tmp_path: Path) -> None:
    outside = make_recording(tmp_path / "outside", n=2)
    folder = tmp_path / "lap"
    folder.mkdir()
    shutil.copy(outside / "driving_log.csv", folder)
    rewrite(folder, lambda text: text.replace("IMG/", escape.format(outside=outside)))
    assert drops(load_recording(folder)) == {"center: missing image": (2, 1)}


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "wrong size":
        path.write_bytes(jpeg(np.zeros((8, 160, 3), np.uint8)))
    else:
        path.write_bytes(
            {"empty": b"", "half": data[: len(data) // 2], "text": b"not an image", "stub": data[:20]}[how]
        )


DAMAGES = {
    "missing": "missing image",
    "empty": "empty image",
    "half": "truncated image",
    "stub": "truncated image",
    "text": "not a JPEG or PNG image",
    "wrong size": "image of 160x8 pixels, expected a camera's, such as 320x160",
}


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_center_image_drops_its_row(how: str, tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=5, steering=[0, 0.1, 0.2, 0.3, 0.4])
    damage(image(folder, 2), how)
    recording = load_recording(folder)
    assert recording.steering_angle == pytest.approx([0, 0.1, 0.3, 0.4])
    assert drops(recording) == {f"center: {DAMAGES[how]}": (1, 3)}
    assert recording.image_path("center", 2) == image(folder, 2 if how == "missing" else 3)


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("camera", ["left", "right"])
def test_a_row_without_a_side_image_serves_with_the_others(how: str, camera: str, tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=5)
    damage(image(folder, 2, camera), how)
    recording = load_recording(folder)
    assert len(recording) == 5
    assert not recording.dropped
    assert recording.has_image(camera).tolist() == [True, True, False, True, True]
    assert recording.has_image("center").all()
    assert recording.notes == (
        f"some rows are read without the {camera} camera: 1 of 5 of its images cannot be used ({DAMAGES[how]})",
    )


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_frame_is_refused_by_name_and_reason(how: str, tmp_path: Path) -> None:
    path = image(make_recording(tmp_path, n=1), 0)
    damage(path, how)
    with pytest.raises(RecordingError, match=r"unreadable image" if how == "missing" else DAMAGES[how]) as refusal:
        read_frame(path)
    assert str(path) in str(refusal.value)


def test_only_decoding_finds_damage_between_header_and_end(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3)
    path = image(folder, 1)
    data = path.read_bytes()
    tables = data.index(b"\xff\xc4")
    path.write_bytes(data[: tables + 4] + b"\xff" * 30 + data[tables + 34 :])
    assert len(load_recording(folder, check="header")) == 3
    assert drops(load_recording(folder, check="decode")) == {"center: undecodable image": (1, 2)}


def test_listed_check_looks_at_names_only(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3)
    image(folder, 0).write_bytes(b"")
    image(folder, 1).unlink()
    assert drops(load_recording(folder, check="listed")) == {"center: missing image": (1, 2)}


def test_frame_is_rgb_and_png_is_read_too(tmp_path: Path) -> None:
    frame = draw_frame(0.3)
    cv2.imwrite(str(tmp_path / "a.png"), frame[:, :, ::-1])
    assert np.array_equal(read_frame(tmp_path / "a.png"), frame)


def test_frame_header_behind_long_comments_is_found(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=1)
    data = image(folder, 0).read_bytes()
    comment = b"\xff\xfe" + (5002).to_bytes(2, "big") + bytes(5000)
    image(folder, 0).write_bytes(data[:2] + comment + data[2:])
    assert len(load_recording(folder)) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_place_of_an_image_does_not_block(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=2)
    image(folder, 0).unlink()
    os.mkfifo(folder / "IMG" / image_name("center", START))
    assert drops(load_recording(folder)) == {"center: a pipe, expected a file": (1, 1)}


def test_recording_without_side_images_has_no_side_cameras(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=4)
    for path in (folder / "IMG").glob("left_*"):
        path.unlink()
    recording = load_recording(folder)
    assert set(recording.images) == {"center", "right"}
    assert len(recording) == 4
    assert "without the left camera: 4 of 4" in recording.notes[0]


def test_one_camera_recording_says_nothing_of_the_others(tmp_path: Path) -> None:
    recording = load_recording(make_recording(tmp_path, n=4, cameras=("center",)))
    assert set(recording.images) == {"center"}
    assert recording.notes == ()


def test_all_images_missing_leaves_no_row_and_the_reason(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=4)
    shutil.rmtree(folder / "IMG")
    recording = load_recording(folder)
    assert len(recording) == recording.n_episodes == 0
    assert drops(recording) == {"center: missing image": (4, 1)}
    with pytest.raises(RecordingError, match=r"no row can be used: center: missing image \(4 rows, first in line 1\)"):
        load_recordings([folder])


def test_duplicated_block_is_dropped_and_counted(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=6)
    rewrite(folder, lambda text: text + "".join(text.splitlines(keepends=True)[2:5]))
    recording = load_recording(folder)
    assert (len(recording), recording.n_episodes) == (6, 1)
    assert drops(recording) == {"duplicate row": (3, 7)}


def test_one_image_with_two_labels_keeps_the_first(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=2, steering=[0.1, 0.2])
    rewrite(folder, lambda text: text + text.splitlines()[0].replace("0.1,", "0.9,") + "\n")
    recording = load_recording(folder)
    assert recording.steering_angle == pytest.approx([0.1, 0.2])
    assert drops(recording) == {"image again with other numbers": (1, 3)}


def test_gap_over_a_second_starts_an_episode(tmp_path: Path) -> None:
    make_recording(tmp_path, n=3, rate_hz=1)
    make_recording(tmp_path, n=2, start=START + datetime.timedelta(seconds=3.1))
    assert load_recording(tmp_path).episode.tolist() == [0, 0, 0, 1, 1]


def test_time_going_back_starts_an_episode(tmp_path: Path) -> None:
    make_recording(tmp_path, n=2)
    make_recording(tmp_path, n=2, start=START - datetime.timedelta(seconds=0.5))
    assert load_recording(tmp_path).episode.tolist() == [0, 0, 1, 1]


def test_another_recorder_starts_an_episode(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=4)

    def from_two(text: str) -> str:
        lines = text.splitlines(keepends=True)
        return "".join(
            line.replace("IMG/", f"/home/{who}/IMG/") for line, who in zip(lines, ("a", "a", "b", "b"), strict=True)
        )

    rewrite(folder, from_two)
    assert load_recording(folder).episode.tolist() == [0, 0, 1, 1]


def test_dropped_rows_leave_a_gap_that_splits(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=30)
    for row in range(12, 24):
        (folder / "IMG" / image_name("center", START + datetime.timedelta(seconds=row / 10))).unlink()
    assert load_recording(folder).n_episodes == 2


def test_names_without_time_stamps_make_one_episode(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3)
    log = ""
    for i in range(3):
        image(folder, 0).rename(folder / "IMG" / f"frame{i}.jpg")
        log += f"IMG/frame{i}.jpg,,,0.{i},0.5,0,9.5\n"
    rewrite(folder, lambda _: log)
    recording = load_recording(folder)
    assert recording.episode.tolist() == [0, 0, 0]
    assert np.isnan(recording.time_s).all()


def test_rows_of_real_recordings(driving_data: Path) -> None:
    found = {path.name: load_recording(path) for path in find_recordings([driving_data / "recordings"])}
    assert {name: len(recording) for name, recording in found.items() if not recording.format} == {
        "jungle": 800,
        "lake_recover": 300,
        "udacity_lake_ccw": 850,
        "udacity_lake_cw": 850,
    }
    assert not any(recording.dropped for recording in found.values())
    assert found["lake_recover"].n_episodes > 5
    assert read_frame(found["jungle"].image_path("right", 799)).shape == (160, 320, 3)


def test_recordings_are_found_at_any_depth_and_once(tmp_path: Path) -> None:
    inner = make_recording(tmp_path / "data/monday/lap1", n=1)
    outer = make_recording(tmp_path / "data", n=1)
    assert find_recordings([tmp_path, inner, outer / "driving_log.csv"]) == [outer, inner, outer / "driving_log.csv"]
    assert find_recordings([inner, tmp_path]) == [inner, outer]


def test_a_link_that_leads_back_up_ends(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "lap", n=1)
    (folder / "again").symlink_to(tmp_path, target_is_directory=True)
    assert find_recordings([tmp_path]) == [folder]


def test_a_log_of_another_name_is_read_if_its_images_are_there(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=2)
    log = (folder / "driving_log.csv").rename(folder / "cleaned.csv")
    assert find_recordings([folder]) == [log]
    assert [len(recording) for recording in load_recordings([log])] == [2]
    shutil.rmtree(folder / "IMG")
    with pytest.raises(RecordingError, match=r"got 1 other logs such as cleaned\.csv, without images"):
        find_recordings([folder])


def test_folders_that_hold_no_recording_say_what_they_hold(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such file or folder"):
        find_recordings([tmp_path / "nowhere"])
    with pytest.raises(RecordingError, match="nothing of the kind"):
        find_recordings([tmp_path])


def test_rows_are_formatted_as_the_simulator_does() -> None:
    time = datetime.datetime(2016, 12, 1, 13, 30, 48, 287999)
    names = {camera: image_name(camera, time) for camera in CAMERAS}
    assert names["left"] == "left_2016_12_01_13_30_48_287.jpg"
    row = format_row(names, -0.9000002, 0.9855326, -0.0, 7.9e-05)
    stamp = "2016_12_01_13_30_48_287"
    assert row == (
        f"IMG/center_{stamp}.jpg,IMG/left_{stamp}.jpg,IMG/right_{stamp}.jpg,-0.9000002,0.9855326,0,7.9E-05\n"
    )
    assert format_row({"center": "c.jpg"}, 0.1, 1, 0, 30.2) == "IMG/c.jpg,,,0.1,1,0,30.2\n"
    assert image_time_s(names["right"]) == datetime.datetime(2016, 12, 1, 13, 30, 48, 287000, datetime.UTC).timestamp()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_row_that_nobody_could_read_is_not_formatted(value: float) -> None:
    with pytest.raises(RecordingError, match="speed"):
        format_row({"center": "c.jpg"}, 0, 0, 0, value)
    with pytest.raises(RecordingError, match="center"):
        format_row({"left": "l.jpg"}, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "name", ["center_2016_13_01_13_30_48_287.jpg", "center_2016_12_01_25_30_48_287.jpg", "a.jpg", ""]
)
def test_invalid_time_stamps_are_unknown(name: str) -> None:
    assert np.isnan(image_time_s(name))


def test_many_rows_are_kept_small(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=1)
    paths = [f"x{i}.jpg" for i in range(5000)]
    source = image(folder, 0)
    for name in paths:
        os.link(source, folder / "IMG" / name)
    rewrite(folder, lambda _: "".join(f"/home/somebody/IMG/{name},,,0.25,0.5,0,9.5\n" for name in paths))
    recording = load_recording(folder)
    assert len(recording) == 5000
    assert recording.images["center"].nbytes < 20 * 5000
