from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator_bridge.donkey.donkey_address import parse_address
from simulator_bridge.donkey.donkey_messages import (
    DonkeyControl,
    control_to_donkey,
    parse_donkey_control,
    parse_donkey_telemetry,
)
from simulator_bridge.errors import ProtocolError, UsageError
from simulator_bridge.messages import FRAME_SHAPE, Control
from tests.support.donkey.donkey_simulator import telemetry


@pytest.mark.parametrize(("size", "encoding"), [((160, 120), ".jpg"), ((320, 160), ".png"), ((64, 64), ".png")])
def test_telemetry_is_read_in_our_units(size: tuple[int, int], encoding: str) -> None:
    read = parse_donkey_telemetry({"msg_type": "telemetry", **telemetry(*size, encoding)}, received_at=7.0)
    assert (read.steering_angle_deg, read.throttle, read.received_at, read.time_s) == (25.0, 0.3, 7.0, 1.5)
    assert read.speed_mph == pytest.approx(4.474, abs=1e-3)
    assert read.frame.shape == FRAME_SHAPE
    assert read.sent_size == size
    np.testing.assert_allclose(read.frame[10, 100], [255, 0, 0], atol=8)
    np.testing.assert_allclose(read.frame[150, 100], [0, 0, 255], atol=8)


@pytest.mark.parametrize(
    "changes",
    [{"image": None}, {"image": "!"}, {"speed": "fast"}, {"steering_angle": float("nan")}, {"throttle": True}],
)
def test_malformed_telemetry_is_said(changes: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match=r"expected|not base64"):
        parse_donkey_telemetry({"msg_type": "telemetry", **telemetry(**changes)}, received_at=0.0)


def test_a_negative_throttle_brakes_a_car_that_drives_and_reverses_one_that_stands() -> None:
    control = Control(-0.5, -0.25)
    driving, standing = control_to_donkey(control, speed_mph=4.0), control_to_donkey(control, speed_mph=0.0)
    assert driving == {"msg_type": "control", "steering": "-0.5000", "throttle": "0.0000", "brake": "0.2500"}
    assert (standing["throttle"], standing["brake"]) == ("-0.2500", "0.0000")


def test_a_control_is_read_as_the_simulator_clips_it() -> None:
    wire = {"msg_type": "control", "steering": "3", "throttle": -0.5, "brake": "0.25"}
    assert parse_donkey_control(wire) == DonkeyControl(1.0, -0.5, 0.25)
    assert parse_donkey_control({"msg_type": "control", "steering": "0", "throttle": "1"}) == DonkeyControl(0.0, 1.0)
    for bad in ("nan", "inf", "", "left", None, True, [1], "1" * 100):
        with pytest.raises(ProtocolError, match="finite number as steering"):
            parse_donkey_control({**wire, "steering": bad})


@pytest.mark.parametrize("text", ["", ":", "host:", "host:0", "host:x", "host:99999", ":9091", "http://host:1"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="expected HOST:PORT, such as"):
        parse_address(text, 9091)
