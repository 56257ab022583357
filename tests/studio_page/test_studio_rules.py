"""The rules of the driving page: control authority, commands, and when a recording is enough."""

from __future__ import annotations

import math
from typing import Any

import pytest

from simulator_bridge.messages import Control
from simulator_bridge.pages.live_channel import CommandError
from train.studio_page.commands import parse_command, parse_input
from train.studio_page.drivers import control_of, key_reach
from train.studio_page.manual_input import INPUT_TIMEOUT_S, NO_INPUT, DriverInput, ManualInput
from train.studio_page.real_time_meter import RealTimeMeter
from train.studio_page.recording_quality import RowFacts, assess
from train.studio_page.training_job import ARCHITECTURES, PRETRAINED


def test_the_networks_offered_are_there() -> None:
    from models.architectures.registry import ARCHITECTURES as REGISTERED

    assert set(ARCHITECTURES) <= set(REGISTERED)
    assert [name for name in ARCHITECTURES if REGISTERED[name].default_weights == "imagenet"] == list(PRETRAINED)


def test_one_page_at_a_time_is_in_control() -> None:
    manual_input, left, right = ManualInput(), DriverInput(-0.5, 1.0, is_active=True), DriverInput(0.5, is_active=True)
    assert manual_input.update(1, left, 10.0)
    assert not manual_input.update(2, right, 10.1)
    assert (manual_input.read(10.2), manual_input.driver(10.2)) == (left, 1)
    assert manual_input.update(1, DriverInput(-0.2), 10.3), "released, and on its way back"
    assert manual_input.read(10.3).steering_angle == -0.2
    assert manual_input.update(2, right, 10.4)
    assert (manual_input.read(10.4), manual_input.driver(10.4)) == (right, 2)


def test_control_ends_with_a_page_that_falls_silent_or_leaves() -> None:
    manual_input, held = ManualInput(), DriverInput(-0.5, 1.0, is_active=True)
    manual_input.update(1, held, 10.0)
    assert manual_input.read(10.01 + INPUT_TIMEOUT_S) == NO_INPUT
    manual_input.update(1, held, 20.0)
    manual_input.release(2)
    assert manual_input.read(20.0) == held
    manual_input.release(1)
    assert manual_input.read(20.0) == NO_INPUT


@pytest.mark.parametrize(
    ("driver_input", "speed_mph", "control"),
    [
        (DriverInput(0.3, 1.0), 10.0, Control(0.3, 1.0)),
        (DriverInput(0.3, 1.0), 24.5, Control(0.3, 0.5)),
        (DriverInput(0.0, 1.0), 30.0, Control(0.0, 0.0)),
        (DriverInput(0.0, 1.0, 1.0), 20.0, Control(0.0, -0.04)),
        (DriverInput(0.0, 0.0, 1.0), 2.0, Control(0.0, -1.0)),
    ],
    ids=["free", "near the limit", "over the limit", "the brake wins", "reverse"],
)
def test_pedals(driver_input: DriverInput, speed_mph: float, control: Control) -> None:
    assert control_of(driver_input, speed_mph, limit_mph=25.0) == control


def test_keys_turn_the_wheel_all_the_way_when_slow_and_as_far_as_the_tyres_hold_when_fast() -> None:
    assert key_reach(0.0) == key_reach(10.0) == 1.0
    angle = key_reach(25.0) * math.radians(25)
    speed_mps = 25 / 2.23693629
    assert speed_mps**2 * math.tan(angle) / 2.87 == pytest.approx(8.0), "m/s2 to the side"


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"do": "rm"},
        {"do": ["train"]},
        {"do": "delete_last", "seconds": 10**9},
        {"do": "delete_last", "seconds": [5]},
        {"do": "train", "arch": "../../x", "epochs": 1},
        {"do": "train", "epochs": 10**6},
        {"do": "train", "epochs": "1; rm"},
        {"do": "drive", "mph": 300},
        {"do": "drive"},
        {"do": "limit", "mph": True},
        {"input": [0, 0, 0]},
        {"input": [2, 0, 0, True]},
        {"input": [math.nan, 0, 0, True]},
        {"input": ["0", 0, 0, True]},
    ],
    ids=str,
)
def test_an_unknown_or_wrong_message_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(CommandError):
        parse_input(message) or parse_command(message)


def row(number: int, **changes: Any) -> RowFacts:
    """Of a drive at 10 m/s that weaves a little, 10 rows a second."""
    steering = 0.1 * math.sin(number / 5)
    usual = RowFacts(
        number / 10, 0, steering, speed_mph=22.4, s_m=number % 200, cte=0.0, heading_error=0.0, is_off_road=False
    )
    return usual._replace(**changes)


def test_four_laps_of_a_short_road_are_enough() -> None:
    quality = assess([row(number) for number in range(801)], length_m=200.0)
    assert quality.is_enough
    assert quality.minutes == pytest.approx(80 / 60)
    assert quality.laps == pytest.approx(4.0)
    assert quality.coverage == 1.0
    assert quality.left == pytest.approx(0.5, abs=0.05)
    assert quality.jerk_per_s == pytest.approx(10 * 0.1 * 2 / math.pi / 5, rel=0.05)


@pytest.mark.parametrize(
    ("rows", "advice"),
    [
        ([], "Nothing is recorded yet"),
        ([row(number) for number in range(150)], "Drive the rest of the lap: 75 % of the road"),
        ([row(number) for number in range(300)], "Drive on: 30 s are recorded"),
        ([row(number, steering_angle=0.0) for number in range(800)], "100 % of the rows steer straight"),
        ([row(number, steering_angle=0.5 * (-1) ** number) for number in range(800)], "jerky"),
        ([row(number, is_off_road=100 < number < 150) for number in range(800)], "Off the road once: the network"),
        ([row(number, s_m=50) for number in range(800)], "5 % of the road"),
    ],
    ids=["none", "part", "short", "straight", "jerky", "off road", "parked"],
)
def test_what_is_missing_is_said_first(rows: list[RowFacts], advice: str) -> None:
    quality = assess(rows, length_m=200.0)
    assert not quality.is_enough
    assert advice in quality.advice[0].text


def test_a_break_between_episodes_is_no_driving() -> None:
    rows = [row(number, episode=number // 100, time_s=number / 10 + 60 * (number // 100)) for number in range(200)]
    quality = assess(rows, length_m=200.0)
    assert quality.minutes == pytest.approx(19.8 / 60)
    assert quality.laps == pytest.approx(198 / 200)


def test_the_real_time_factor_is_that_of_the_last_seconds_and_of_one_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    meter = RealTimeMeter()
    assert meter.to_json() is None
    for frame in range(200):
        now[0] += 0.5 if frame < 20 else 0.05
        meter.add_frame(frame * 0.04)
    assert meter.to_json() == {"frames_per_s": 20.0, "real_time_factor": 0.8}
    meter.add_frame(0.0)  # put down again
    assert meter.to_json() is None
