"""One rule for a car that stands: the server, a takeover and the browser's recording leave the same moments out."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from drive.cockpit.takeover_recording import TakeoverRecording
from drive.decision import Decision, Mode
from drive.drive_recorder import DriveRecorder, RecorderPool
from simulator_bridge.messages import FRAME_SHAPE, Control, Telemetry, encode_frame
from simulator_bridge.recording import load_recording
from simulator_bridge.recording.recorder import Recorder
from simulator_bridge.recording.standing import STANDING_MPH, is_driven

FRAME = np.full(FRAME_SHAPE, 90, np.uint8)
JPEG = encode_frame(FRAME)
MOMENTS = [  # speed, throttle, whether it is recorded
    (12.0, 0.3, True), (0.0, 0.0, False), (0.0, -1.0, False), (0.0, 0.5, True), (STANDING_MPH, 0.0, True),
    (0.4, 0.0, False), (8.0, -0.5, True),
]  # fmt: skip


def decision(at_s: float, speed_mph: float, throttle: float, mode: Mode = Mode.AUTONOMY) -> Decision:
    telemetry = Telemetry(FRAME, 0.0, 0.0, speed_mph, at_s, decimal_comma=False, jpeg=JPEG)
    return Decision(telemetry, Control(0.1, 0.1), Control(0.2, throttle), mode)


@pytest.mark.parametrize(("speed_mph", "throttle", "wanted"), MOMENTS)
def test_a_moment_is_recorded_if_the_car_moves_or_somebody_gives_throttle(
    speed_mph: float, throttle: float, wanted: bool
) -> None:
    assert is_driven(throttle, speed_mph) == wanted


def test_a_drive_and_a_takeover_are_recorded_by_the_same_rule(tmp_path: Path) -> None:
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        recorder = DriveRecorder(pool)
        for step, (speed_mph, throttle, _) in enumerate(MOMENTS):
            recorder.observe(decision(float(step), speed_mph, throttle))
    (tmp_path / "takeover").mkdir()
    takeover = TakeoverRecording(tmp_path / "takeover", [], {})
    for step, (speed_mph, throttle, _) in enumerate(MOMENTS):
        takeover.add_manual(decision(float(step), speed_mph, throttle, Mode.TAKEOVER))
    takeover.close()
    wanted = [speed_mph for speed_mph, _, is_wanted in MOMENTS if is_wanted]
    for folder in ("drive", "takeover"):
        assert load_recording(tmp_path / folder).speed_mph.tolist() == pytest.approx(wanted)


@pytest.mark.parametrize(("stands_s", "n_episodes"), [(0.5, 1), (2.0, 2)])
def test_a_car_that_stands_for_over_a_second_begins_an_episode(
    stands_s: float, n_episodes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times_s = np.arange(0.0, 6.0, 0.1)
    now = datetime(2024, 1, 1)
    monkeypatch.setattr("drive.drive_recorder.Recorder", partial(Recorder, clock=lambda: now))
    with closing(RecorderPool(tmp_path / "drive")) as pool:
        recorder = DriveRecorder(pool)
        for time_s in times_s:
            now = datetime(2024, 1, 1) + timedelta(seconds=float(time_s))
            stands = 2.0 < time_s < 2.0 + stands_s
            recorder.observe(decision(float(time_s), 0.0 if stands else 10.0, 0.0))
    recording = load_recording(tmp_path / "drive")
    assert len(recording) == pytest.approx(len(times_s) - 10 * stands_s, abs=2)
    assert recording.n_episodes == n_episodes
