from __future__ import annotations

import base64
import json
import math
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator_bridge.errors import ProtocolError
from simulator_bridge.messages import (
    FRAME_SHAPE,
    SAFE_CONTROL,
    Control,
    Frame,
    control_to_wire,
    decode_frame,
    encode_frame,
    has_decimal_comma,
    image_size,
    parse_control,
    parse_telemetry,
    telemetry_to_wire,
)


def gradient() -> Frame:
    """Red grows to the right, green downwards, no blue: colour order and orientation show."""
    frame = np.zeros(FRAME_SHAPE, np.uint8)
    frame[:, :, 0] = np.linspace(0, 255, FRAME_SHAPE[1])
    frame[:, :, 1] = np.linspace(0, 255, FRAME_SHAPE[0])[:, None]
    return frame


def payload(**changes: Any) -> dict[str, Any]:
    wire: dict[str, Any] = dict(telemetry_to_wire(encode_frame(gradient()), 1.25, 0.3, 0.2674))
    wire.update(changes)
    return wire


def as_base64(image: bytes) -> str:
    return base64.b64encode(image).decode()


def png_that_claims(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def jpeg_that_claims(width: int, height: int) -> bytes:
    jpeg = encode_frame(gradient())
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def test_telemetry_goes_out_as_unity_writes_it() -> None:
    wire = telemetry_to_wire(b"\xff\xd8\xff\xd9", -1.25, 0.3, 1234.5)
    assert json.dumps(wire) == (
        '{"steering_angle": "-1.2500", "throttle": "0.3000", "speed": "1,234.5000", "image": "/9j/2Q=="}'
    )
    comma = telemetry_to_wire(b"\xff\xd8\xff\xd9", -1.25, 0.3, 1234.5, decimal_comma=True)
    assert (comma["steering_angle"], comma["speed"]) == ("-1,2500", "1.234,5000")


@pytest.mark.parametrize("decimal_comma", [False, True])
def test_telemetry_survives_the_wire(decimal_comma: bool) -> None:
    jpeg = encode_frame(gradient())
    telemetry = parse_telemetry(telemetry_to_wire(jpeg, -24.5, 1.0, 1029.25, decimal_comma), received_at=7.5)
    assert telemetry is not None
    assert (telemetry.steering_angle_deg, telemetry.throttle, telemetry.speed_mph) == (-24.5, 1.0, 1029.25)
    assert telemetry.decimal_comma is decimal_comma
    assert telemetry.received_at == 7.5
    assert telemetry.jpeg == jpeg
    assert telemetry.frame.shape == FRAME_SHAPE
    assert telemetry.frame.dtype == np.uint8


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.5000", 1234.5),
        ("1.234,5000", 1234.5),
        ("1 234,5000", 1234.5),
        ("1\u00a0234,5000", 1234.5),
        ("1\u202f234,5000", 1234.5),
        ("1\u2019234.5000", 1234.5),
        ("0,0000", 0.0),
        ("-0.2674", -0.2674),
        ("\u22120,2674", -0.2674),
        ("12,345,678.0000", 12345678.0),
        ("7.9E-05", 7.9e-05),
        ("5", 5.0),
        (5, 5.0),
        (0.25, 0.25),
    ],
)
def test_numbers_of_every_culture_are_read(text: object, number: float) -> None:
    telemetry = parse_telemetry(payload(speed=text), 0.0)
    assert telemetry is not None
    assert telemetry.speed_mph == number


@pytest.mark.parametrize("empty", [None, {}])
def test_empty_telemetry_is_manual_mode(empty: object) -> None:
    assert parse_telemetry(empty, 0.0) is None


MALFORMED: dict[str, object] = {
    "text": "telemetry",
    "list": [1, 2],
    "number": 3,
    "missing speed": {name: value for name, value in payload().items() if name != "speed"},
    "missing image": {name: value for name, value in payload().items() if name != "image"},
    "NaN text": payload(speed="NaN"),
    "NaN": payload(speed=math.nan),
    "infinity": payload(throttle=math.inf),
    "1e400": payload(throttle="1e400"),
    "huge integer": payload(throttle=10**400),
    "bool": payload(throttle=True),
    "null number": payload(steering_angle=None),
    "list as number": payload(steering_angle=[[0.05]]),
    "words": payload(steering_angle="left"),
    "ambiguous groups": payload(speed="1,234,567"),
    "endless number": payload(speed="1" * 100_000),
    "no base64": payload(image="%%%%"),
    "non-ASCII base64": payload(image="/9j/é"),
    "empty image": payload(image=""),
    "image as number": payload(image=5),
    "no image": payload(image=as_base64(b"hello, world")),
    "half a JPEG": payload(image=as_base64(encode_frame(gradient())[:3000])),
    "JPEG header only": payload(image=as_base64(encode_frame(gradient())[:100] + b"\xff\xd9")),
    "JPEG bomb": payload(image=as_base64(jpeg_that_claims(50_000, 50_000))),
    "PNG bomb": payload(image=as_base64(png_that_claims(50_000, 50_000))),
    "PNG header only": payload(image=as_base64(png_that_claims(320, 160))),
    "1x1": payload(image=as_base64(encode_frame(gradient()[:1, :1]))),
    "endless JPEG scans": payload(image=as_base64(encode_frame(gradient())[:-2] + b"\xff\xda" * 70 + b"\xff\xd9")),
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_telemetry_is_refused_with_a_short_reason(malformed: object) -> None:
    with pytest.raises(ProtocolError) as raised:
        parse_telemetry(malformed, 0.0)
    assert 10 < len(str(raised.value)) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values, st.sampled_from(["steering_angle", "throttle", "speed", "image"]))
def test_whatever_a_field_holds_is_read_or_refused_but_never_another_error(value: object, name: str) -> None:
    try:
        telemetry = parse_telemetry(payload(**{name: value}), 0.0)
    except ProtocolError:
        return
    assert telemetry is not None
    assert math.isfinite(telemetry.speed_mph + telemetry.throttle + telemetry.steering_angle_deg)


@given(st.binary(max_size=300))
def test_whatever_an_image_holds_is_read_or_refused(noise: bytes) -> None:
    jpeg = encode_frame(gradient())
    for data in (noise, jpeg[:200] + noise, jpeg[:2] + noise + jpeg[2:]):
        try:
            frame = decode_frame(data)
        except ProtocolError:
            continue
        assert frame.shape == FRAME_SHAPE


def test_a_decimal_comma_is_noticed_in_otherwise_malformed_telemetry() -> None:
    assert has_decimal_comma(payload(image=None, speed="0,0000"))
    assert not has_decimal_comma(payload(image=None))
    assert not has_decimal_comma(["0,0000"])


def test_frames_are_rgb() -> None:
    frame = decode_frame(encode_frame(gradient(), quality=95))
    assert np.abs(frame.astype(int) - gradient()).mean() < 3  # JPEG's own loss


def test_jpegs_are_what_the_simulator_makes() -> None:
    jpeg = encode_frame(gradient())
    at = jpeg.index(b"\xff\xc0")
    assert jpeg[at + 11] == 0x22, "chroma is halved both ways: 4:2:0"


@pytest.mark.parametrize("shape", [(240, 640, 3), (120, 160, 3)])
def test_frames_of_another_size_are_resized_and_not_passed_on_as_jpeg(shape: tuple[int, int, int]) -> None:
    image = encode_frame(np.full(shape, 99, np.uint8))
    telemetry = parse_telemetry(payload(image=as_base64(image)), 0.0)
    assert telemetry is not None
    assert telemetry.frame.shape == FRAME_SHAPE
    assert telemetry.jpeg is None


def test_png_frames_are_read() -> None:
    _, png = cv2.imencode(".png", cv2.cvtColor(gradient(), cv2.COLOR_RGB2BGR))
    assert image_size(png.tobytes()) == (320, 160)
    np.testing.assert_array_equal(decode_frame(png.tobytes()), gradient())


def test_an_orientation_tag_does_not_turn_the_frame() -> None:
    jpeg = encode_frame(gradient())
    tiff = (
        b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03\x00\x00\x00\x00\x00\x00"
    )
    turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(tiff) + 2) + tiff + jpeg[2:]
    np.testing.assert_array_equal(decode_frame(turned), decode_frame(jpeg))


@pytest.mark.parametrize(
    ("control", "decimal_comma", "wire"),
    [
        (Control(0.05, 0.3), False, {"steering_angle": "0.0500", "throttle": "0.3000"}),
        (Control(0.05, 0.3), True, {"steering_angle": "0,0500", "throttle": "0,3000"}),
        (Control(-1.0, 1.0), False, {"steering_angle": "-1.0000", "throttle": "1.0000"}),
        (Control(-1e-9, 7.9e-05), False, {"steering_angle": "0.0000", "throttle": "0.0001"}),
        (
            Control(float(np.float32(0.25)), np.float64(-0.5)),
            False,
            {"steering_angle": "0.2500", "throttle": "-0.5000"},
        ),
    ],
)
def test_controls_go_out_as_plain_strings(control: Control, decimal_comma: bool, wire: dict[str, str]) -> None:
    assert control_to_wire(control, decimal_comma) == wire


@given(st.floats(-1, 1), st.floats(-1, 1), st.booleans())
def test_the_simulator_reads_what_it_is_sent(steering_angle: float, throttle: float, decimal_comma: bool) -> None:
    read = parse_control(control_to_wire(Control(steering_angle, throttle), decimal_comma), decimal_comma)
    assert read.steering_angle == pytest.approx(steering_angle, abs=5.1e-5)  # 4 decimals
    assert read.throttle == pytest.approx(throttle, abs=5.1e-5)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1.0001, -1.0001])
def test_a_control_out_of_range_cannot_be_made(value: float) -> None:
    with pytest.raises(ValueError, match="steering_angle"):
        Control(value, 0.0)
    with pytest.raises(ValueError, match="throttle"):
        Control(0.0, value)


def test_a_german_simulator_reads_a_decimal_point_as_full_lock() -> None:
    assert parse_control({"steering_angle": "0.05", "throttle": "0,3"}, decimal_comma=True).steering_angle == 1.0


@pytest.mark.parametrize(
    "wire",
    [
        None,
        "0.05",
        [0.05, 0.3],
        {"steering_angle": 0.05, "throttle": 0.3},
        {"steering_angle": "0.05"},
        {"steering_angle": "nan", "throttle": "0.3"},
        {"steering_angle": "[[0.05]]", "throttle": "0.3"},
    ],
)
def test_answers_that_stop_the_simulator_are_recognised(wire: object) -> None:
    with pytest.raises(ProtocolError, match="steer"):
        parse_control(wire)


def test_the_safe_control_rolls_straight_on() -> None:
    assert Control(0.0, 0.0) == SAFE_CONTROL


@pytest.mark.parametrize(
    ("field", "time_s"), [("12.3400", 12.34), ("soon", 7.5), (None, 7.5), ("1e400", 7.5), (3, 7.5)]
)
def test_the_simulators_own_clock_counts_where_it_can_be_read(field: object, time_s: float) -> None:
    payload = telemetry_to_wire(encode_frame(np.zeros(FRAME_SHAPE, np.uint8)), 0.0, 0.0, 0.0)
    telemetry = parse_telemetry({**payload, "time": field}, received_at=7.5)
    assert telemetry is not None
    assert telemetry.time_s == time_s
