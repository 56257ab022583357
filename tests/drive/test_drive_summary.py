from __future__ import annotations

from pathlib import Path

from drive.cockpit.drive_summary import DriveSummary
from drive.decision import NO_FRAME, Decision, Mode
from simulator_bridge.messages import SAFE_CONTROL, Telemetry


def decision(at_s: float, speed_mph: float, mode: Mode = Mode.AUTONOMY) -> Decision:
    return Decision(Telemetry(NO_FRAME, 0.0, 0.0, speed_mph, at_s, False), SAFE_CONTROL, SAFE_CONTROL, mode)


def test_time_way_speed_and_takeovers_are_summed_up() -> None:
    summary = DriveSummary(3)
    for tenth in range(1001):
        manual = 200 <= tenth < 300 or 500 <= tenth < 550
        summary.observe(decision(tenth / 10, 20.0, Mode.TAKEOVER if manual else Mode.AUTONOMY))
    summary.folder = Path("run1")
    assert str(summary) == (
        "car 3: 1 min 40 s, 0.89 km; 20.0 mph, at most 20.0; 1001 frames; 2 takeovers of 15 s in all; "
        "recorded into run1"
    )


def test_a_pause_and_a_clock_that_goes_back_are_no_driving() -> None:
    summary = DriveSummary(1)
    for at_s in (0.0, 1.0, 101.0, 5.0, 6.0):
        summary.observe(decision(at_s, 10.0))
    assert str(summary).startswith("car 1: 3 s, 0.01 km; 10.0 mph")
