"""The messages of Donkey's simulator: wire <-> our types. Pure: no socket, no clock, no log.

The simulator sends JSON numbers, or numbers with a decimal comma in some countries; its clients send strings. Steering
is normalised both ways: 1 is the car's own full lock, to the right. Speeds are m/s, `cte` is metres right of the path.

Source: sdsandbox's TcpCarHandler.cs and TcpMenuHandler.cs, gym-donkeycar's donkey_sim.py and sim_client.py.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator_bridge.errors import ProtocolError
from simulator_bridge.messages import Control, Telemetry, parse_telemetry
from simulator_bridge.udacity_car import MAX_STEERING_DEG, MPS_PER_MPH

Message = dict[str, Any]

PROTOCOL_VERSION = "2"
SCENES = (  # of the simulator's menu; the client of 2019 asks for one of the first four by its number
    "generated_road", "warehouse", "sparkfun_avc", "generated_track", "mountain_track", "roboracingleague_1",
    "waveshare", "mini_monaco", "warren", "circuit_launch", "thunderhill",
)  # fmt: skip
STANDING_MPH = 1.0  # slower than this a negative throttle reverses; faster, it brakes


@dataclass(frozen=True)
class DonkeyControl:
    """What a client asks of the car; finite and clipped."""

    steering_angle: float  # [-1, 1], positive to the right
    throttle: float  # [-1, 1], negative drives backwards
    brake: float = 0.0  # [0, 1]


def parse_donkey_telemetry(message: Mapping[str, Any], received_at: float) -> Telemetry:
    """Read a `telemetry` message: a frame of any size, steering in [-1, 1], speed in m/s.

    Args:
        message: As decoded from JSON.
        received_at: Monotonic clock, seconds.

    Raises:
        ProtocolError: If anything in it is missing or cannot be read.
    """
    telemetry = parse_telemetry({**message, "time": None}, received_at)
    if telemetry is None:
        raise ProtocolError("telemetry: expected an image, got an empty message")
    time_s = message.get("time")
    return replace(
        telemetry,
        steering_angle_deg=_clip(telemetry.steering_angle_deg) * MAX_STEERING_DEG,
        speed_mph=telemetry.speed_mph / MPS_PER_MPH,
        simulated_s=_number_or_none(time_s) if time_s is not None else None,
    )


def control_to_donkey(control: Control, speed_mph: float) -> Message:
    """Write a `control` message; a negative throttle brakes a car that drives, and reverses one that stands."""
    brakes = control.throttle < 0.0 and speed_mph >= STANDING_MPH
    return {
        "msg_type": "control",
        "steering": f"{control.steering_angle:.4f}",
        "throttle": f"{0.0 if brakes else control.throttle:.4f}",
        "brake": f"{-control.throttle if brakes else 0.0:.4f}",
    }


STOP: Message = {"msg_type": "control", "steering": "0.0", "throttle": "0.0", "brake": "1.0"}


def parse_donkey_control(message: Mapping[str, Any]) -> DonkeyControl:
    """Read a `control` message of a client; clipped as the simulator does. Without `brake` it does not brake.

    Raises:
        ProtocolError: If a number is missing or none.
    """
    return DonkeyControl(
        steering_angle=_clip(read_number(message, "steering")),
        throttle=_clip(read_number(message, "throttle")),
        brake=max(_clip(read_number(message, "brake", default=0.0)), 0.0),
    )


def read_number(message: Mapping[str, Any], name: str, default: float | None = None) -> float:
    """A number of a client's message, written as a string or as a number.

    Args:
        message: As decoded from JSON.
        name: Of its field.
        default: If there is no such field; None: it must be there.

    Raises:
        ProtocolError: If it is missing, or no finite number.
    """
    value = message.get(name, default)
    number = _number_or_none(value)
    if number is None:
        raise ProtocolError(f"{message['msg_type']}: expected a finite number as {name}, got {reprlib.repr(value)}")
    return number


def _number_or_none(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > 40:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _clip(value: float) -> float:
    return min(max(value, -1.0), 1.0)
