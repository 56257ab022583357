"""The fine print of the wire: whose decimal comma, which separators, what an image may be made of."""

from __future__ import annotations

import numpy as np
import pytest

from simulator_bridge.errors import ProtocolError
from simulator_bridge.messages import (
    FRAME_SHAPE,
    encode_frame,
    has_decimal_comma,
    parse_control,
    parse_telemetry,
    telemetry_to_wire,
)

JPEG = encode_frame(np.full(FRAME_SHAPE, 100, np.uint8))
FIELDS = ("steering_angle", "throttle", "speed")


def telemetry(**changes: object) -> dict[str, object]:
    return {**telemetry_to_wire(JPEG, 1.25, 0.5, 12.0), **changes}


@pytest.mark.parametrize("name", FIELDS)
def test_a_decimal_comma_in_any_one_number_tells_the_culture(name: str) -> None:
    parsed = parse_telemetry(telemetry(**{name: "0,5000"}), 0.0)
    assert parsed is not None
    assert parsed.decimal_comma
    assert has_decimal_comma({name: "0,5000"})


def test_plain_numbers_have_no_decimal_comma() -> None:
    parsed = parse_telemetry(telemetry(**dict.fromkeys(FIELDS, 0.5)), 0.0)
    assert parsed is not None
    assert not parsed.decimal_comma
    assert not has_decimal_comma({"throttle": [], "speed": "nonsense"})


def test_the_size_before_resizing_is_kept() -> None:
    small = encode_frame(np.full((80, 120, 3), 100, np.uint8))
    parsed = parse_telemetry(telemetry_to_wire(small, 0.0, 0.0, 0.0), 0.0)
    assert parsed is not None
    assert parsed.sent_size == (120, 80)
    assert parsed.frame.shape == FRAME_SHAPE


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ([1, 2], r"telemetry: expected an object, got list \[1, 2\]"),
        ({"speed": "1"}, r"telemetry: no 'steering_angle', only \['speed'\]"),
        (telemetry(throttle="fast"), "telemetry: expected a finite number as throttle, got 'fast'"),
        (telemetry(image=7), "telemetry: expected base64 text as image, got 7"),
    ],
)
def test_what_is_wrong_with_a_telemetry_is_said_with_what_came(payload: object, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        parse_telemetry(payload, 0.0)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("go", "steer: expected an object, got str 'go'"),
        ({"steering_angle": 1.5}, "steer: expected a string as steering_angle, got 1.5"),
        ({"steering_angle": "left"}, "steer: expected a number as steering_angle, got 'left'"),
        ({"steering_angle": "\u0661", "throttle": "0"}, "steer: expected a number as steering_angle"),  # Arabic 1
    ],
)
def test_what_is_wrong_with_a_control_is_said_with_what_came(payload: object, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        parse_control(payload)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5", 0.5), ("0,000.5", 0.5), ("-1.5", -1.0), ("1.5", 1.0), ("2.5e-1", 0.25), ("25E-2", 0.25)],
)
def test_the_simulator_reads_a_point_as_the_decimal_separator_unless_told_otherwise(text: str, value: float) -> None:
    assert parse_control({"steering_angle": text, "throttle": "0"}).steering_angle == value


def test_a_number_of_64_characters_is_read_and_a_longer_one_is_not() -> None:
    parsed = parse_telemetry(telemetry(speed="1." + "0" * 62), 0.0)
    assert parsed is not None
    assert parsed.speed_mph == 1.0
    with pytest.raises(ProtocolError, match="speed"):
        parse_telemetry(telemetry(speed="1." + "0" * 63), 0.0)


def test_base64_with_other_characters_in_it_is_refused() -> None:
    image = str(telemetry()["image"])
    with pytest.raises(ProtocolError, match="not base64"):
        parse_telemetry(telemetry(image=image[:8] + "\n" + image[8:]), 0.0)
