from __future__ import annotations

import contextlib
import csv
import logging
import os
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import FRAME_SHAPE, Frame, decode_frame, encode_frame
from simulator_bridge.recording import CAMERAS, load_recording
from simulator_bridge.recording.appender import RecordingAppender
from simulator_bridge.recording.recorder import Recorder

NOON = datetime(2026, 7, 1, 12, 0, 0)


def flat_frame(level: int) -> Frame:
    return np.full(FRAME_SHAPE, level, np.uint8)


def add_row(
    recorder: Recorder, number: float = 0, at: datetime | None = None, cameras: tuple[str, ...] = CAMERAS
) -> None:
    """A row that carries its number as its speed."""
    recorder.add(
        {camera: encode_frame(flat_frame(10 * index)) for index, camera in enumerate(cameras)},
        steering_angle=0.25,
        throttle=0.5,
        brake=0.0,
        speed_mph=number,
        time=at,
    )


def record_at(folder: Path, *seconds_after_noon: float) -> None:
    """One session with a row at each of these times."""
    with Recorder(folder) as recorder:
        for seconds in seconds_after_noon:
            add_row(recorder, at=NOON + timedelta(seconds=seconds))


def stamps(folder: Path) -> list[str]:
    """Minute, second and millisecond in the names of the center images, in the order of the rows."""
    recording = load_recording(folder)
    return [recording.image_path("center", row).stem[-9:] for row in range(len(recording))]


def test_three_cameras_come_back_as_recorded(tmp_path: Path) -> None:
    with Recorder(tmp_path / "lap") as recorder:
        recorder.add(
            {"left": flat_frame(50), "center": flat_frame(100), "right": flat_frame(150)}, -0.125, 0.75, 0.5, 12.5, NOON
        )
    recording = load_recording(tmp_path / "lap")
    values = [recording.steering_angle, recording.throttle, recording.brake, recording.speed_mph]
    assert [float(value[0]) for value in values] == [-0.125, 0.75, 0.5, 12.5]
    levels = {camera: decode_frame(recording.image_path(camera, 0).read_bytes()).mean() for camera in CAMERAS}
    assert levels == pytest.approx({"center": 100, "left": 50, "right": 150}, abs=2)  # JPEG rounding


def test_one_camera_rows_have_udacitys_seven_columns_and_read_as_one_camera(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        add_row(recorder, 9, NOON, cameras=("center",))
    line = (tmp_path / "driving_log.csv").read_text()
    assert line == "IMG/center_2026_07_01_12_00_00_000.jpg,,,0.25,0.5,0,9\n"
    recording = load_recording(tmp_path)
    assert set(recording.images) == {"center"}
    assert recording.speed_mph.tolist() == [9]


def test_jpeg_bytes_are_written_as_they_came(tmp_path: Path) -> None:
    jpeg = encode_frame(flat_frame(7), quality=31)
    with Recorder(tmp_path) as recorder:
        recorder.add({"center": jpeg}, 0, 0, 0, 0)
    assert load_recording(tmp_path).image_path("center", 0).read_bytes() == jpeg


def test_a_frame_may_be_reused_after_add(tmp_path: Path) -> None:
    frame = flat_frame(200)
    with Recorder(tmp_path) as recorder, blocked_disk(recorder):
        recorder.add({"center": frame}, 0, 0, 0, 0)
        frame[:] = 0
    assert decode_frame(load_recording(tmp_path).image_path("center", 1).read_bytes()).mean() == pytest.approx(
        200, abs=2
    )


@contextlib.contextmanager
def blocked_disk(recorder: Recorder) -> Iterator[None]:
    """A disk that takes nothing until the end; it is busy with a first row, number 0."""
    is_busy, may_go_on = threading.Event(), threading.Event()
    append = RecordingAppender.append

    def wait_and_append(*arguments: Any) -> None:
        is_busy.set()
        may_go_on.wait()
        append(*arguments)

    with mock.patch.object(RecordingAppender, "append", wait_and_append):
        add_row(recorder, 0, cameras=("center",))
        is_busy.wait()
        try:
            yield
        finally:
            may_go_on.set()
            recorder.flush()


def test_a_slow_disk_never_blocks_add_and_drops_are_counted_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Recorder(tmp_path, queue_size=4) as recorder, blocked_disk(recorder):
        for number in range(1, 8):  # would hang here if add waited for the disk
            add_row(recorder, number, cameras=("center",))
        assert recorder.n_dropped == 3
    assert load_recording(tmp_path).speed_mph.tolist() == [0, 1, 2, 3, 4]
    assert (recorder.n_written, recorder.n_dropped) == (5, 3)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [f"{tmp_path}: the disk is too slow, 3 rows dropped so far"]
    assert f"{tmp_path}: 5 rows recorded, 3 dropped" in caplog.messages


def test_rows_after_close_are_dropped_and_counted(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        add_row(recorder)
    add_row(recorder)
    assert (recorder.n_written, recorder.n_dropped) == (1, 1)
    assert len(load_recording(tmp_path)) == 1


@pytest.mark.parametrize(
    ("cameras", "numbers", "message"),
    [
        (("left",), (0, 0, 0, 0), "expected frames of 'center'"),
        (("center", "left"), (0, 0, 0, 0), "expected frames of 'center'"),
        (("center",), (1.5, 0, 0, 0), "steering_angle in"),
        (("center",), (float("nan"), 0, 0, 0), "steering_angle in"),
        (("center",), (0, 0, 0, float("inf")), "finite"),
    ],
)
def test_rows_that_no_reader_would_accept_are_refused(
    tmp_path: Path, cameras: tuple[str, ...], numbers: tuple[float, float, float, float], message: str
) -> None:
    with Recorder(tmp_path) as recorder, pytest.raises(ValueError, match=message):
        recorder.add(dict.fromkeys(cameras, b"jpeg"), *numbers)


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder, pytest.raises(ValueError, match=r"got uint8 \(120, 160, 3\) of 'center'"):
        recorder.add({"center": np.zeros((120, 160, 3), np.uint8)}, 0, 0, 0, 0)


def test_rows_of_one_millisecond_get_images_of_their_own(tmp_path: Path) -> None:
    record_at(tmp_path, 0, 0.0004, 0, 0.01)
    assert stamps(tmp_path) == ["00_00_000", "00_00_001", "00_00_002", "00_00_010"]


def test_a_clock_set_back_starts_a_new_episode_and_keeps_the_intervals(tmp_path: Path) -> None:
    record_at(tmp_path, 3600, 3600.1, 0, 0.1)
    recording = load_recording(tmp_path)
    assert recording.episode.tolist() == [0, 0, 1, 1]
    assert np.diff(recording.time_s) == pytest.approx([0.1, 2, 0.1], abs=1e-5)


def test_a_resumed_recording_goes_on_as_a_new_episode_even_if_its_time_starts_again(tmp_path: Path) -> None:
    record_at(tmp_path, 0, 0.1)
    record_at(tmp_path, 0, 0.1)
    record_at(tmp_path, 60, 60.1)
    assert stamps(tmp_path) == ["00_00_000", "00_00_100", "00_02_100", "00_02_200", "01_00_000", "01_00_100"]
    assert load_recording(tmp_path).episode.tolist() == [0, 0, 1, 1, 2, 2]


def test_a_torn_last_line_is_cut_off_on_resuming(tmp_path: Path) -> None:
    record_at(tmp_path, 0, 1)
    log = tmp_path / "driving_log.csv"
    whole = log.read_bytes()
    first, second = whole.splitlines(keepends=True)
    for n_kept in range(len(second)):
        for zeros in (b"", b"\0" * 5):  # a power cut may leave zeros
            log.write_bytes(first + second[:n_kept] + zeros)
            with Recorder(tmp_path):
                assert log.read_bytes() == first


def test_a_log_that_is_one_torn_line_starts_again(tmp_path: Path) -> None:
    record_at(tmp_path, 0)
    log = tmp_path / "driving_log.csv"
    log.write_bytes(log.read_bytes()[:-1])
    record_at(tmp_path, 0)
    assert stamps(tmp_path) == ["00_00_000"]


@pytest.mark.parametrize(
    "foreign",
    [
        b"center,left,right,steering,throttle,brake,speed\n",
        b"C:\\sim\\IMG\\center_2017_01_01_10_00_00_000.jpg,l,r,0,0,0,0\n",
        b"IMG/center_2017_01_01_10_00_00_000.jpg,l,r,0,0,0,0\nnotes, no newline",
        b"notes",
    ],
)
def test_the_log_of_another_tool_is_refused_and_left_alone(tmp_path: Path, foreign: bytes) -> None:
    (tmp_path / "driving_log.csv").write_bytes(foreign)
    with pytest.raises(RecordingError, match="written by another tool"):
        Recorder(tmp_path)
    assert (tmp_path / "driving_log.csv").read_bytes() == foreign
    assert os.listdir(tmp_path) == ["driving_log.csv"]


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RecordingError, match=r"new or empty folder or a recording, found 'thesis.tex'"):
        Recorder(tmp_path)


def test_a_file_in_the_way_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "lap").touch()
    with pytest.raises(RecordingError, match="cannot record into it: File exists"):
        Recorder(tmp_path / "lap")


def test_a_log_that_cannot_be_opened_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "driving_log.csv").mkdir()
    with pytest.raises(RecordingError, match="cannot record into it: Is a directory"):
        Recorder(tmp_path)
    assert os.listdir(tmp_path) == ["driving_log.csv"]  # and no lock


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(RecordingError, match="cannot record into it: Permission denied"):
        Recorder(tmp_path)


def test_a_second_recorder_is_refused_until_the_first_closes(tmp_path: Path) -> None:
    with Recorder(tmp_path), pytest.raises(RecordingError, match="another recorder is writing"):
        Recorder(tmp_path)
    with Recorder(tmp_path):
        pass


def test_rows_of_other_cameras_are_refused_up_front_where_the_cameras_are_named(tmp_path: Path) -> None:
    record_at(tmp_path, 0)
    with pytest.raises(RecordingError, match="holds rows of cameras center, left, right, now come rows of center;"):
        Recorder(tmp_path, cameras=["center"])
    with Recorder(tmp_path, cameras=CAMERAS):
        pass


def test_rows_of_other_cameras_stop_recording_and_not_driving(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        add_row(recorder, cameras=("center",))
        add_row(recorder)
        recorder.flush()
        add_row(recorder)
    assert recorder.failed is not None
    assert "now come rows of center, left, right" in recorder.failed
    assert (recorder.n_written, recorder.n_dropped) == (1, 2)


def test_a_session_without_rows_leaves_an_empty_folder(tmp_path: Path) -> None:
    with Recorder(tmp_path / "lap"):
        pass
    assert os.listdir(tmp_path / "lap") == []


def images_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "IMG").iterdir())


def test_rows_taken_back_go_with_their_images_and_what_follows_is_a_new_episode(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        for number in range(10):
            add_row(recorder, number, NOON + timedelta(seconds=number / 10))
        assert recorder.remove_last(4) == 4
        assert recorder.n_written == 6
        for number in (20, 21):
            add_row(recorder, number, NOON + timedelta(seconds=1.0 + number / 1000))
    recording = load_recording(tmp_path)
    assert recording.speed_mph.tolist() == [*range(6), 20, 21]
    assert recording.episode.tolist() == [0] * 6 + [1] * 2
    assert not recording.dropped
    named = [recording.image_path(camera, row).name for camera in CAMERAS for row in range(len(recording))]
    assert images_in(tmp_path) == sorted(named)


def test_more_rows_than_there_are_may_be_taken_back(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        assert recorder.remove_last(5) == 0
        add_row(recorder, 1)
        assert recorder.remove_last(5) == 1
        assert (recorder.n_written, images_in(tmp_path)) == (0, [])
        add_row(recorder, 2)
    assert load_recording(tmp_path).speed_mph.tolist() == [2]


def test_taking_rows_back_that_is_cut_short_leaves_whole_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with Recorder(tmp_path) as recorder:
        for number in range(6):
            add_row(recorder, number)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", die)
            with pytest.raises(KeyboardInterrupt):
                recorder.remove_last(2)
    recording = load_recording(tmp_path)
    assert recording.speed_mph.tolist() == [0, 1, 2, 3]
    assert not recording.dropped
    assert len(images_in(tmp_path)) == 18, "all still there"


def test_rows_that_the_disk_does_not_give_back_are_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with Recorder(tmp_path) as recorder:
        add_row(recorder, 1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "truncate", refuse)
            with pytest.raises(RecordingError, match="cannot be taken back"):
                recorder.remove_last(1)
        add_row(recorder, 2)
    assert load_recording(tmp_path).speed_mph.tolist() == [1, 2]


def test_udacitys_way_of_reading_finds_seven_columns_and_its_images(tmp_path: Path) -> None:
    record_at(tmp_path, 0)
    with open(tmp_path / "driving_log.csv", newline="") as log:
        (row,) = csv.reader(log)
    assert len(row) == 7
    for camera, path in zip(CAMERAS, row[:3], strict=True):
        image = tmp_path / "IMG" / path.split("/")[-1]
        assert image.name.startswith(camera)
        assert image.is_file()
