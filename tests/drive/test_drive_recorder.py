from __future__ import annotations

import threading
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from drive.decision import Decision
from drive.drive_recorder import DriveRecorder, RecorderPool
from simulator_bridge.messages import FRAME_SHAPE, Control, Telemetry, encode_frame
from simulator_bridge.recording import load_recording

FRAME = np.full(FRAME_SHAPE, 90, np.uint8)
JPEG = encode_frame(FRAME)
NOON, SECOND = datetime(2026, 7, 1, 12), timedelta(seconds=1)


def decision(
    received_at: float,
    applied: Control = Control(0.0, 0.3),  # noqa: B008 - immutable
    speed_mph: float = 12.5,
    simulated_s: float | None = None,
) -> Decision:
    telemetry = Telemetry(
        FRAME, 0.0, 0.0, speed_mph, received_at, decimal_comma=False, jpeg=JPEG, simulated_s=simulated_s
    )
    return Decision(telemetry, Control(0.9, 0.9), applied)


def test_a_drive_is_recorded_as_it_was_seen_and_driven(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        recorder = DriveRecorder(pool)
        for step in range(3):
            recorder.observe(decision(step * 0.2, Control(0.25, -0.5)))
    recording = load_recording(tmp_path / "drive")
    assert recording.steering_angle.tolist() == [0.25] * 3, "the applied control, not the model's"
    assert recording.throttle.tolist() == [0.0] * 3
    assert recording.brake.tolist() == [0.5] * 3
    assert recording.speed_mph.tolist() == [12.5] * 3
    assert recording.image_path("center", 0).read_bytes() == JPEG


def test_recording_keeps_to_the_simulators_own_rate(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        recorder = DriveRecorder(pool)
        for step in range(100):
            recorder.observe(decision(step * 0.01))
    assert 14 <= len(load_recording(tmp_path / "drive")) <= 15


def test_rows_have_the_times_of_a_simulator_that_runs_faster_than_ours(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        for _ in range(2):  # cars, one after the other
            recorder = DriveRecorder(pool)
            for step in range(40):
                recorder.observe(decision(step * 0.001, simulated_s=100.0 + step * 0.05))
            recorder.observe(decision(0.041, simulated_s=0.0))  # begins again
            recorder.close()
    recording = load_recording(tmp_path / "drive")
    assert recording.episode.tolist() == [*[0] * 20, 1, *[2] * 20, 3]
    assert np.diff(recording.time_s[:20]) == pytest.approx(np.full(19, 0.1), abs=0.0015)


def test_a_car_that_stands_is_not_recorded_and_a_new_episode_begins_when_it_starts_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    monkeypatch.setattr("simulator_bridge.recording.recorder._steady_clock", lambda: lambda: NOON + now_s[0] * SECOND)
    held, start_off = Control(0.2, -1.0), Control(0.2, 0.5)
    drive = [(start_off, 12.0)] * 10 + [(held, 0.0)] * 20 + [(start_off, 0.0)] * 10
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        recorder = DriveRecorder(pool)
        for step, (control, speed_mph) in enumerate(drive):
            now_s[0] = 0.1 * step
            recorder.observe(decision(now_s[0], control, speed_mph))
    recording = load_recording(tmp_path / "drive")
    assert recording.episode.tolist() == [0] * 10 + [1] * 10
    assert recording.speed_mph.tolist() == [12.0] * 10 + [0.0] * 10


def test_a_car_that_only_stands_takes_no_recorder(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive", at_once=False)) as pool:
        recorder = DriveRecorder(pool)
        recorder.observe(decision(0.0, Control(0.5, 0.0), speed_mph=0.0))
    assert recorder.recorder is None
    assert not (tmp_path / "drive").exists()


def test_a_paused_recorder_writes_nothing_and_resumes_in_the_same_folder(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        recorder = DriveRecorder(pool)
        recorder.observe(decision(0.0))
        recorder.pause()
        recorder.observe(decision(1.0))
        recorder.start()
        recorder.observe(decision(2.0))
    assert len(load_recording(tmp_path / "drive")) == 2
    assert not (tmp_path / "drive-2").exists()


def test_a_client_that_drives_nothing_takes_no_recorder(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        ghost, car = DriveRecorder(pool), DriveRecorder(pool)
        car.observe(decision(0.0))
        assert (ghost.recorder, ghost.is_on) == (None, True)
        assert car.recorder is not None
        assert car.recorder.folder.name == "drive"
    assert not (tmp_path / "drive-2").exists()


def test_a_car_whose_drive_cannot_be_recorded_says_so_once_and_drives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "drive-2").write_text("in the way")
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        first, second = DriveRecorder(pool), DriveRecorder(pool)
        first.observe(decision(0.0))
        second.observe(decision(0.0))
        second.observe(decision(1.0))
        assert not second.is_on
        assert second.failed is not None
    assert [line for line in caplog.messages if "without being recorded" in line] == [
        f"a car drives without being recorded: {second.failed}"
    ]


def test_a_car_that_has_left_withholds_no_recorder_from_the_next(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        left = DriveRecorder(pool, is_on=False)
        left.close()
        left.start()  # a page pressed Record in that instant
        assert not left.is_on
        assert [pool.take().folder.name, pool.take().folder.name] == ["drive", "drive-2"]


def test_a_car_that_leaves_while_its_recorder_opens_gives_that_back(tmp_path: Path) -> None:
    class LeavingPool(RecorderPool):
        """The car leaves after the recorder was taken, before the car has it."""

        def take(self):  # type: ignore[no-untyped-def]
            taken = super().take()
            leaving.close()
            return taken

    with closing(LeavingPool(tmp_path / "drive")) as pool:
        leaving = DriveRecorder(pool, is_on=False)
        leaving.start()
        assert (leaving.is_on, leaving.recorder) == (False, None)
        assert RecorderPool.take(pool).folder.name == "drive"


def test_pressing_record_twice_at_once_takes_one_recorder(tmp_path: Path) -> None:
    both_have_one = threading.Barrier(2, timeout=10)

    class SlowPool(RecorderPool):
        def take(self):  # type: ignore[no-untyped-def]
            taken = super().take()
            both_have_one.wait()
            return taken

    with closing(SlowPool(tmp_path / "drive")) as pool:
        recorder = DriveRecorder(pool, is_on=False)
        pages = [threading.Thread(target=recorder.start) for _ in range(2)]
        for page in pages:
            page.start()
        for page in pages:
            page.join()
        assert recorder.is_on
        assert recorder.recorder is not None
        other = RecorderPool.take(pool)
        assert {recorder.recorder.folder.name, other.folder.name} == {"drive", "drive-2"}, "the second was given back"


def test_two_cars_at_once_record_into_folders_of_their_own(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        first, second = pool.take(), pool.take()
        assert (first.folder.name, second.folder.name) == ("drive", "drive-2")
        pool.give_back(first)
        assert pool.take() is first, "a car that comes back goes on where it left"
