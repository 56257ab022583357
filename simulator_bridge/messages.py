"""The messages between the simulator and the server: wire payloads <-> typed messages.

Pure: no socket, no clock, no log. The wire format is that of Udacity's simulator: every number is a string in the
computer's regional format (`"1,234.5000"` or `"1.234,5000"`); the steering angle arrives in degrees and is sent
normalised. Everything from outside is checked here; what is malformed raises `ProtocolError`.
"""

from __future__ import annotations

import binascii
import math
import re
import reprlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from simulator_bridge.cli.json_values import finite_or_none
from simulator_bridge.errors import ProtocolError

Frame = npt.NDArray[np.uint8]
"""A camera image: uint8, (160, 320, 3), **RGB**."""

FRAME_HEIGHT_PX, FRAME_WIDTH_PX = 160, 320
FRAME_SHAPE = (FRAME_HEIGHT_PX, FRAME_WIDTH_PX, 3)
JPEG_QUALITY = 75  # the simulator's own
MIN_IMAGE_SIDE_PX = 32  # less shows no road
NARROWEST_IMAGE, WIDEST_IMAGE = 0.5, 8.0  # width over height: a camera's, also one whose sky and hood were cut off
MAX_IMAGE_PIXELS = 1920 * 1080  # decoded in about 10 ms; a "50,000 x 50,000" JPEG is refused by its header
MAX_JPEG_SCANS = 64  # a usual progressive JPEG has about 10; each scan costs a pass over all pixels

_NUMBER = re.compile(r"-?(\d+|\d{1,3}(?:([.,])\d{3})+)(?:([.,])(\d+))?(?:[eE]([+-]?\d+))?", re.ASCII)
_NOT_IN_NUMBERS = str.maketrans({" ": "", "\u00a0": "", "\u202f": "", "'": "", "\u2019": "", "\u2212": "-"})
_MAX_NUMBER_LENGTH = 64
_DATA_URL = re.compile(r"data:image/[\w.+-]+(;[\w=.-]+)*;base64", re.ASCII)
_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame; not DHT, JPG, DAC
_JPEG_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RST0-7 have no length


@dataclass(frozen=True, eq=False)
class Telemetry:
    """The state of the car at one moment, from the simulator; all numbers are finite."""

    frame: Frame
    steering_angle_deg: float  # of the wheels, positive to the right
    throttle: float
    speed_mph: float
    received_at: float  # monotonic clock, seconds
    decimal_comma: bool  # the sender's regional format: answer in the same
    jpeg: bytes | None = None  # the image as received, if it is a JPEG of FRAME_SHAPE: it can be recorded unchanged
    sent_size: tuple[int, int] = (FRAME_WIDTH_PX, FRAME_HEIGHT_PX)  # (width, height) before resizing, pixels
    simulated_s: float | None = None  # by the simulator's own clock; only the built-in one sends it

    @property
    def time_s(self) -> float:
        """Its time, seconds: by the simulator's clock, which runs at another rate in lock-step, otherwise by ours."""
        return self.received_at if self.simulated_s is None else self.simulated_s


@dataclass(frozen=True)
class Control:
    """A command to the car; both numbers are finite and in [-1, 1].

    Raises:
        ValueError: If they are not; the pilot clips them.
    """

    steering_angle: float  # times udacity_car.MAX_STEERING_DEG; positive to the right
    throttle: float  # negative brakes, then reverses

    def __post_init__(self) -> None:
        for name, value in (("steering_angle", self.steering_angle), ("throttle", self.throttle)):
            if not -1.0 <= value <= 1.0:  # false for NaN too
                raise ValueError(f"{name} must be a finite number in [-1, 1], got {value!r}")


SAFE_CONTROL = Control(steering_angle=0.0, throttle=0.0)


def parse_telemetry(payload: object, received_at: float) -> Telemetry | None:
    """Read the argument of a `telemetry` event.

    >>> jpeg = encode_frame(np.zeros(FRAME_SHAPE, np.uint8))
    >>> payload = telemetry_to_wire(jpeg, steering_angle_deg=-2.5, throttle=0.3, speed_mph=20.1, decimal_comma=True)
    >>> payload["speed"]
    '20,1000'
    >>> telemetry = parse_telemetry(payload, received_at=0.0)
    >>> telemetry.speed_mph, telemetry.decimal_comma, telemetry.frame.shape
    (20.1, True, (160, 320, 3))
    >>> parse_telemetry({}, received_at=0.0) is None
    True

    Args:
        payload: The decoded JSON. Numbers may be strings of any regional format, or numbers.
        received_at: When it arrived; monotonic clock, seconds.

    Returns:
        The telemetry, its frame resized to FRAME_SHAPE if necessary; None if it is empty: a person drives (manual
        mode).

    Raises:
        ProtocolError: If anything in it is missing or cannot be read.
    """
    if payload is None or payload == {}:
        return None
    if not isinstance(payload, dict):
        raise ProtocolError(f"telemetry: expected an object, got {type(payload).__name__} {reprlib.repr(payload)}")
    steering_angle_deg, comma_a = _read_field(payload, "steering_angle")
    throttle, comma_b = _read_field(payload, "throttle")
    speed_mph, comma_c = _read_field(payload, "speed")
    image = _read_image(payload)
    size = image_size(image)
    as_sent = image[:2] == b"\xff\xd8" and size == (FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
    return Telemetry(
        frame=decode_frame(image),
        steering_angle_deg=steering_angle_deg,
        throttle=throttle,
        speed_mph=speed_mph,
        received_at=received_at,
        decimal_comma=comma_a or comma_b or comma_c,
        jpeg=image if as_sent else None,
        sent_size=size,
        simulated_s=_read_time(payload),
    )


def has_decimal_comma(payload: object) -> bool:
    """Whether any number of a telemetry, even a malformed one, was written with a decimal comma."""
    if not isinstance(payload, dict):
        return False
    for name in ("steering_angle", "throttle", "speed"):
        try:
            if _read_field(payload, name)[1]:
                return True
        except ProtocolError:
            continue
    return False


def control_to_wire(control: Control, decimal_comma: bool) -> dict[str, str]:
    """Write the argument of a `steer` event: strings with 4 decimals, never an exponent, in the simulator's culture.

    >>> control_to_wire(Control(steering_angle=-0.05, throttle=0.3), decimal_comma=True)
    {'steering_angle': '-0,0500', 'throttle': '0,3000'}
    """
    return {
        "steering_angle": _write_number(control.steering_angle, decimal_comma, grouping=""),
        "throttle": _write_number(control.throttle, decimal_comma, grouping=""),
    }


def telemetry_to_wire(
    jpeg: bytes, steering_angle_deg: float, throttle: float, speed_mph: float, decimal_comma: bool = False
) -> dict[str, str]:
    """Write the argument of a `telemetry` event as Unity does: `ToString("N4")`, base64.

    >>> telemetry_to_wire(b"a JPEG", steering_angle_deg=-2.5, throttle=0.3, speed_mph=1234.5)
    {'steering_angle': '-2.5000', 'throttle': '0.3000', 'speed': '1,234.5000', 'image': 'YSBKUEVH'}

    Args:
        jpeg: The encoded camera image.
        steering_angle_deg: Wheel angle, degrees.
        throttle: In [0, 1].
        speed_mph: Miles per hour.
        decimal_comma: Write `"1.234,5000"` instead of `"1,234.5000"`.
    """
    return {
        "steering_angle": _write_number(steering_angle_deg, decimal_comma, grouping=","),
        "throttle": _write_number(throttle, decimal_comma, grouping=","),
        "speed": _write_number(speed_mph, decimal_comma, grouping=","),
        "image": binascii.b2a_base64(jpeg, newline=False).decode("ascii"),
    }


def parse_control(payload: object, decimal_comma: bool = False) -> Control:
    """Read the argument of a `steer` event as the simulator does: `float.Parse` in its regional format, then clipped.

    A dot under a culture of decimal commas is a thousands separator and is skipped, so `"0.05"` becomes 5, full lock.

    >>> wire = {"steering_angle": "0.05", "throttle": "0"}
    >>> parse_control(wire).steering_angle, parse_control(wire, decimal_comma=True).steering_angle
    (0.05, 1.0)

    Raises:
        ProtocolError: Where the simulator throws an exception: no object, a field is missing or no string, no number.
    """
    if not isinstance(payload, dict):
        raise ProtocolError(f"steer: expected an object, got {type(payload).__name__} {reprlib.repr(payload)}")
    return Control(
        steering_angle=_float_parse(payload, "steering_angle", decimal_comma),
        throttle=_float_parse(payload, "throttle", decimal_comma),
    )


def image_size(image: bytes) -> tuple[int, int]:
    """Read (width, height) in pixels from the header of a JPEG or PNG without decoding it.

    >>> image_size(encode_frame(np.zeros(FRAME_SHAPE, np.uint8)))
    (320, 160)

    Raises:
        ProtocolError: If it is neither, or its header is damaged.
    """
    if image[:8] == b"\x89PNG\r\n\x1a\n" and image[12:16] == b"IHDR" and len(image) >= 24:
        width, height = struct.unpack(">II", image[16:24])
        return width, height
    if image[:2] != b"\xff\xd8":
        raise ProtocolError(f"image: expected a JPEG, got {len(image)} bytes that begin with {image[:8]!r}")
    at = 2
    while at + 9 <= len(image) and image[at] == 0xFF:
        marker = image[at + 1]
        if marker in _JPEG_SIZE_MARKERS:
            height, width = struct.unpack(">HH", image[at + 5 : at + 9])
            return width, height
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _JPEG_BARE_MARKERS:
            at += 2
        else:
            at += 2 + int.from_bytes(image[at + 2 : at + 4], "big")
    raise ProtocolError(f"image: expected a JPEG, got {len(image)} bytes without a JPEG frame header")


def is_frame_size(width: int, height: int) -> bool:
    """Whether an image of so many pixels is taken for a camera's, and resized to FRAME_SHAPE: live or recorded.

    >>> is_frame_size(640, 480), is_frame_size(16, 16), is_frame_size(640, 40)
    (True, False, False)
    """
    return (
        min(width, height) >= MIN_IMAGE_SIDE_PX
        and width * height <= MAX_IMAGE_PIXELS
        and NARROWEST_IMAGE <= width / height <= WIDEST_IMAGE
    )


def decode_frame(jpeg: bytes) -> Frame:
    """Decode a camera image (JPEG, or PNG) to RGB; another size is resized to FRAME_SHAPE.

    >>> red = np.full((120, 160, 3), (255, 0, 0), np.uint8)
    >>> frame = decode_frame(encode_frame(red))
    >>> frame.shape, frame[80, 160].tolist()
    ((160, 320, 3), [254, 0, 0])

    Raises:
        ProtocolError: If it is no complete image of a supported size.
    """
    import cv2  # here, not above: programs that only need the types must start fast

    decoded = decode_as_sent(jpeg)
    if decoded.shape == FRAME_SHAPE:
        return decoded
    return cast(Frame, cv2.resize(decoded, (FRAME_WIDTH_PX, FRAME_HEIGHT_PX), interpolation=cv2.INTER_AREA))


def decode_as_sent(jpeg: bytes) -> Frame:
    """Decode a camera image (JPEG, or PNG) to RGB, uint8 (height, width, 3) of its own size.

    The size is read from the header first: an image that claims to be huge or tiny is refused before any decoding.

    Raises:
        ProtocolError: If it is no complete image of a supported size.
    """
    import cv2

    width, height = image_size(jpeg)
    if not is_frame_size(width, height):
        raise ProtocolError(f"image: expected {FRAME_WIDTH_PX}x{FRAME_HEIGHT_PX} pixels, got {width}x{height}")
    if jpeg[:2] == b"\xff\xd8":
        if b"\xff\xd9" not in jpeg[-64:]:  # a few bytes may follow the end marker
            raise ProtocolError(f"image: the JPEG is cut short after {len(jpeg)} bytes")
        if jpeg.count(b"\xff\xda") > MAX_JPEG_SCANS:
            raise ProtocolError(f"image: the JPEG has more than {MAX_JPEG_SCANS} scans")
    try:
        decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ProtocolError(f"image: {len(jpeg)} bytes cannot be decoded") from error
    if decoded is None:
        raise ProtocolError(f"image: {len(jpeg)} bytes cannot be decoded")
    return cast(Frame, decoded)


def encode_frame(frame: Frame, quality: int = JPEG_QUALITY) -> bytes:
    """Encode an RGB frame as the simulator does: JPEG, quality 75, 4:2:0.

    >>> encode_frame(np.zeros(FRAME_SHAPE, np.uint8))[:2].hex()  # the start of every JPEG
    'ffd8'

    Raises:
        ValueError: If it is not uint8 (height, width, 3).
    """
    import cv2

    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(f"expected a uint8 frame (height, width, 3), got {frame.dtype} {frame.shape}")
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()


def _read_field(payload: Mapping[str, object], name: str) -> tuple[float, bool]:
    if name not in payload:
        raise ProtocolError(f"telemetry: no {name!r}, only {reprlib.repr(sorted(map(str, payload)))}")
    value = payload[name]
    if isinstance(value, str):
        number, decimal_comma = _parse_number(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number, decimal_comma = _to_float(value), False
    else:
        number, decimal_comma = math.nan, False
    if not math.isfinite(number):
        raise ProtocolError(f"telemetry: expected a finite number as {name}, got {reprlib.repr(value)}")
    return number, decimal_comma


def _read_time(payload: Mapping[str, object]) -> float | None:
    """The field `time`, an addition of the built-in simulator; None if it is missing or malformed."""
    value = payload.get("time")
    return finite_or_none(_parse_number(value)[0]) if isinstance(value, str) else None


def _to_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return math.inf


def _parse_number(text: str) -> tuple[float, bool]:
    """Read a number of any regional format: the last of `.` and `,` is the decimal separator.

    Returns:
        The number (NaN if it is none) and whether its decimal separator is a comma.
    """
    match = _NUMBER.fullmatch(text.translate(_NOT_IN_NUMBERS)) if len(text) <= _MAX_NUMBER_LENGTH else None
    if match is None:
        return math.nan, False
    whole, group_separator, decimal_separator, decimals, exponent = match.groups()
    if group_separator and group_separator == (decimal_separator or group_separator):
        return math.nan, False  # "1,234,5000" is no valid number, "1,234,567" has no decimals: both are ambiguous
    digits = re.sub(r"[.,]", "", whole)
    sign = "-" if match.group().startswith("-") else ""
    return float(f"{sign}{digits}.{decimals or 0}e{exponent or 0}"), decimal_separator == ","


def _write_number(value: float, decimal_comma: bool, grouping: str) -> str:
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value!r}")
    text = f"{value:{grouping}.4f}"
    if text == "-0.0000":
        text = "0.0000"
    return text.translate(str.maketrans(".,", ",.")) if decimal_comma else text


def _float_parse(payload: Mapping[str, object], name: str, decimal_comma: bool) -> float:
    text = payload.get(name)
    if not isinstance(text, str):
        raise ProtocolError(f"steer: expected a string as {name}, got {reprlib.repr(text)}")
    decimal, group = (",", ".") if decimal_comma else (".", ",")
    plain = text.strip().replace(group, "").replace(decimal, ".")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", plain, re.ASCII):
        raise ProtocolError(f"steer: expected a number as {name}, got {reprlib.repr(text)}")
    return min(max(float(plain), -1.0), 1.0)


def _read_image(payload: Mapping[str, object]) -> bytes:
    text = payload.get("image")
    if not isinstance(text, str) or not text:
        raise ProtocolError(f"telemetry: expected base64 text as image, got {reprlib.repr(text)}")
    if text.startswith("data:"):  # of a simulator in a browser: a data URL
        head, text = text[:100].partition(",")[0], text.partition(",")[2]
        if not _DATA_URL.fullmatch(head):
            raise ProtocolError(f"telemetry: expected data:image/...;base64, before the image, got {head!r:.60}")
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:  # binascii.Error, or characters outside ASCII
        raise ProtocolError(f"telemetry: the image is not base64: {error}") from None
