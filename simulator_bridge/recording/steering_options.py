"""The options that tell the unit of logs which do not tell it themselves; every command that learns has them."""

from __future__ import annotations

from typing import Any

from simulator_bridge.cli.options import option
from simulator_bridge.recording.log.recording_json import SETTINGS_NAME
from simulator_bridge.recording.log.steering_unit import UNITS, Side, SteeringUnit, Unit, parse_side


def steering_unit_option(**facts: Any) -> Any:
    """`--steering-unit`: of logs that do not tell it."""
    return option(
        None,
        "unit of the steering in logs that do not tell theirs, 25 degrees of the wheels being full lock; not given: "
        f"normalised to [-1, 1]. {SETTINGS_NAME} beside a log says it for good",
        choices=UNITS,
        **facts,
    )


def steering_sign_option(**facts: Any) -> Any:
    """`--steering-sign`: of logs that do not tell it."""
    return option(
        None,
        "side to which positive steering steers in logs that do not tell it, right (or 1) or left (or -1); not given: "
        "right",
        metavar="SIDE",
        convert=parse_side,
        **facts,
    )


def steering_of(unit: Unit | None, sign: Side | None) -> SteeringUnit | None:
    """The unit that the two options tell; None if neither is given."""
    if unit is None and sign is None:
        return None
    flags = " ".join(flag for flag, value in (("--steering-unit", unit), ("--steering-sign", sign)) if value)
    return SteeringUnit(unit or "normalised", sign or "right", source=flags)
