"""Recordings are found wherever they stand, and each image counts once over all of them."""

from __future__ import annotations

import datetime
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import find_recordings, load_only_recording, load_recording, load_recordings
from simulator_bridge.recording.gathering import load_gathered
from tests.support.made_recording import START, draw_frame, jpeg, make_recording

LOG = "driving_log.csv"


def with_windows_paths(folder: Path) -> Path:
    """The log names images as a computer with Windows did."""
    log = folder / LOG
    log.write_text(log.read_text().replace("IMG/", "C:\\Users\\X\\Desktop\\set\\IMG\\"))
    return folder


def into_camera_folders(folder: Path) -> None:
    for camera in ("center", "left", "right"):
        (folder / "cameras" / camera).mkdir(parents=True)
        for path in (folder / "IMG").glob(f"{camera}_*"):
            path.rename(folder / "cameras" / camera / path.name)
    (folder / "IMG").rmdir()


def into(place: str) -> Callable[[Path], None]:
    def move(folder: Path) -> None:
        images = (folder / "IMG").rename(folder.parent / "moved")
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        images.rename(folder / place)

    return move


def log_into(place: str) -> Callable[[Path], None]:
    def move(folder: Path) -> None:
        (folder / place).mkdir(exist_ok=True)
        (folder / LOG).rename(folder / place / LOG)

    return move


MOVES = {
    "in another folder": into("db"),
    "below another folder": into("a/b/frames"),
    "in IMG in IMG": into("IMG/IMG"),
    "in a folder for each camera": into_camera_folders,
    "with the log in IMG": log_into("IMG"),
    "with the log in a folder beside": log_into("csv"),
}


def below_what_is_beside(folder: Path) -> None:
    log_into("csv")(folder)
    into("frames/all")(folder)


def by_a_path_from_above_the_log(folder: Path) -> None:
    log = folder / LOG
    log.write_text(log.read_text().replace("C:\\Users\\X\\Desktop\\set\\IMG\\", "data/IMG/"))
    log_into("logs")(folder)
    into("data/IMG")(folder)


MOVES |= {"below a folder beside": below_what_is_beside, "by a path from above": by_a_path_from_above_the_log}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_images_are_found(move: Callable[[Path], None], tmp_path: Path) -> None:
    folder = with_windows_paths(make_recording(tmp_path / "lap", n=4))
    move(folder)
    gathered = load_gathered([folder])
    [recording] = gathered.recordings
    assert len(recording) == 4
    assert all(recording.has_image(camera).all() for camera in ("center", "left", "right"))
    assert recording.image_path("left", 2).read_bytes()
    assert gathered.unnamed == []


def test_a_note_says_which_folder_was_taken(tmp_path: Path) -> None:
    folder = with_windows_paths(make_recording(tmp_path, n=2))
    into("db")(folder)
    assert load_recording(folder).notes == (
        f"images taken from db{os.sep}; the log says C:\\Users\\X\\Desktop\\set\\IMG\\",
    )


def test_of_two_folders_the_one_with_the_named_files_wins(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=5, cameras=("center",))
    (folder / "data").mkdir()
    log = ""
    for i, path in enumerate(sorted((folder / "IMG").iterdir())):
        log += f"IMG/{i}.jpg,0.{i}\n"
        path.rename(folder / "data" / f"{i}.jpg")
    (folder / LOG).write_text(log)
    (folder / "IMG/3.jpg").write_bytes(jpeg(draw_frame(0.9)))  # another picture of that name
    recording = load_recording(folder)
    assert [path.parent.name for path in recording.images["center"]] == ["data"] * 5


def test_names_that_others_may_have_are_not_taken_from_elsewhere(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "lap", n=3, cameras=("center",))
    for i, path in enumerate(sorted((folder / "IMG").iterdir())):
        path.rename(folder / "IMG" / f"{i}.jpg")
    (folder / LOG).write_text("".join(f"IMG/{i}.jpg,0.{i}\n" for i in range(4)))  # the last image is missing
    (folder / "old").mkdir()
    (folder / "old/3.jpg").write_bytes(jpeg(draw_frame(0)))
    assert len(load_recording(folder)) == 3


@pytest.mark.parametrize(("n_beside", "n_found"), [(2, 0), (9, 9), (10, 10)])
def test_a_folder_beside_needs_most_of_the_names_that_others_may_have(
    tmp_path: Path, n_beside: int, n_found: int
) -> None:
    """A few pictures called 1.jpg, 2.jpg, ... in a neighbour's folder are the neighbour's."""
    (tmp_path / "lap").mkdir()
    (tmp_path / "lap" / LOG).write_text("".join(f"{i}.jpg,0.{i}\n" for i in range(10)))
    (tmp_path / "pictures").mkdir()
    for i in range(n_beside):
        (tmp_path / "pictures" / f"{i}.jpg").write_bytes(jpeg(draw_frame(i / 10)))
    assert len(load_recording(tmp_path / "lap", "listed")) == n_found


def test_images_of_another_recording_beside_are_left_to_it(tmp_path: Path) -> None:
    """The same drive twice: without side images here, whole and with its log among the images there."""
    make_recording(tmp_path / "whole", 6)
    shutil.copytree(tmp_path / "whole", tmp_path / "part")
    log_into("IMG")(tmp_path / "whole")
    for path in (tmp_path / "part" / "IMG").glob("left_*"):
        path.unlink()

    recording = load_recording(with_windows_paths(tmp_path / "part"))

    assert set(recording.images) == {"center", "right"}


def test_all_logs_of_a_folder_are_read_and_those_that_are_none_are_left_alone(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=4)
    lines = (folder / LOG).read_text().splitlines(keepends=True)
    (folder / LOG).write_text("".join(lines[:2]))
    (folder / "driving_log_1.csv").write_text("".join(lines[2:]))
    (folder / "laptimes.csv").write_text("lap,seconds\n1,40\n")
    first, second = load_recordings([folder])
    assert (len(first), len(second)) == (2, 2)
    assert second.notes == ("driving_log_1.csv adds 2 rows",)
    assert find_recordings([folder]) == [folder, folder / "driving_log_1.csv"]


def test_a_log_in_img_beside_the_one_at_the_root_is_read_too(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=4)
    lines = (folder / LOG).read_text().splitlines(keepends=True)
    (folder / LOG).write_text("".join(lines[:3]))
    (folder / "IMG" / LOG).write_text(lines[3].replace("IMG/", "F:\\Data\\IMG\\IMG\\"))
    assert [len(recording) for recording in load_recordings([folder])] == [3, 1]
    (folder / "IMG" / LOG).unlink()
    [unnamed] = load_gathered([folder]).unnamed
    assert (unnamed.folder, unnamed.n_unnamed, unnamed.n_images) == (folder / "IMG", 3, 12)


@pytest.mark.parametrize(
    "copy",
    [
        lambda text: text,
        lambda text: text.replace("0.3,", "0.30,"),
        lambda text: ",".join(f"{float(c):.2f}" if c[:1] in "-0" else c for c in text.split(",")),
    ],
    ids=["whole", "written anew", "rounded"],
)
def test_a_copied_log_adds_nothing(copy: Callable[[str], str], tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=4)
    lines = (folder / LOG).read_text().splitlines(keepends=True)
    (folder / "copy.csv").write_text("".join(copy(line.strip()) + "\n" for line in lines[1:]))
    first, second = load_recordings([folder])
    assert (len(first), len(second)) == (4, 0)
    assert sum(drop.count for drop in second.dropped.values()) == 3


def test_an_image_of_another_name_and_the_same_content_counts_once(tmp_path: Path) -> None:
    original = make_recording(tmp_path / "a", n=4)
    make_recording(tmp_path / "b", n=3, start=START + datetime.timedelta(hours=1), seed=1)
    source = sorted((original / "IMG").glob("center_*"))[2]
    shutil.copy(source, sorted((tmp_path / "b/IMG").glob("center_*"))[1])
    assert [len(recording) for recording in load_recordings([tmp_path])] == [4, 2]


def test_equal_images_in_a_row_are_a_car_that_stood_and_no_copies(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=6)
    images = sorted((folder / "IMG").glob("center_*"))
    shutil.copy(images[2], images[3])
    assert [len(recording) for recording in load_recordings([folder])] == [6]
    shutil.copy(images[0], images[5])  # not in a row: the same moment again
    assert [len(recording) for recording in load_recordings([folder])] == [5]


def test_the_only_recording_may_have_copies_of_its_log_beside_it(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3)
    shutil.copy(folder / LOG, folder / "driving_log_backup.csv")
    assert load_only_recording(folder).log == folder / LOG


def test_frames_of_another_size_are_read_and_said(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3, cameras=("center",))
    for path in (folder / "IMG").iterdir():
        path.write_bytes(jpeg(np.zeros((480, 640, 3), np.uint8)))
    recording = load_recording(folder)
    assert len(recording) == 3
    assert "3 of 640x480; they are resized to 320x160 pixels" in recording.notes[0]


def test_a_zip_is_named_as_one(tmp_path: Path) -> None:
    archive = tmp_path / "data.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data/driving_log.csv", "x")
    for path in (archive, tmp_path):
        with pytest.raises(RecordingError, match=r"data\.zip: this is a zip: unpack it"):
            load_recordings([path])
    with pytest.raises(RecordingError, match=r"data\.zip: this is a zip: unpack it"):
        load_recording(archive)


def test_what_macos_adds_to_a_zip_is_no_recording(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "data", n=3)
    shutil.copytree(folder, tmp_path / "__MACOSX/data")
    (folder / "IMG/._center_2020.jpg").write_bytes(b"\0\5")
    gathered = load_gathered([tmp_path])
    assert [recording.folder for recording in gathered.recordings] == [folder]
    assert gathered.unnamed == []
