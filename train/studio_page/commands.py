"""The commands of a page, parsed and checked before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator_bridge.pages.live_channel import CommandError
from train.studio_page.manual_input import DriverInput
from train.studio_page.studio_world import WorldChoice
from train.studio_page.training_job import TrainingRequest

DELETE_LAST_S = (5, 10)
SLOWEST_MPH, FASTEST_MPH = 5, 30


@dataclass(frozen=True)
class Record:
    """Start or stop recording."""

    on: bool


@dataclass(frozen=True)
class DeleteLast:
    """Delete the last seconds of the recording and return the car to where it was then."""

    seconds: int


@dataclass(frozen=True)
class ResetCar:
    """Put the car back on the road."""


@dataclass(frozen=True)
class Limit:
    """Set the speed limit of driving by hand."""

    mph: int


@dataclass(frozen=True)
class Train:
    """Train on the recording."""

    request: TrainingRequest


@dataclass(frozen=True)
class Drive:
    """Let the newest model drive at a set speed."""

    mph: int


@dataclass(frozen=True)
class Improve:
    """Let the newest model drive, and learn from what the expert would have done."""


@dataclass(frozen=True)
class Stop:
    """Stop the training, the round of corrections, or the model's drive."""


@dataclass(frozen=True)
class DriveManually:
    """Back to driving by hand."""


@dataclass(frozen=True)
class ChangeWorld:
    """Drive on another track, or in another weather."""

    choice: WorldChoice


Command = ChangeWorld | Record | DeleteLast | ResetCar | Limit | Train | Drive | Improve | Stop | DriveManually


def parse_input(message: Mapping[str, Any]) -> DriverInput | None:
    """The driver's input in a page's message; None if it holds a command.

    Raises:
        CommandError: If a value is missing or out of range.
    """
    values = message.get("input")
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 4 or not all(_is_number(value) for value in values[:3]):
        raise CommandError("expected input: [steering, throttle, brake, active]")
    try:
        return DriverInput(float(values[0]), float(values[1]), float(values[2]), values[3] is True)
    except ValueError as error:
        raise CommandError(str(error)) from None


def parse_command(message: Mapping[str, Any]) -> Command:
    """The command in a page's message.

    Raises:
        CommandError: If it is unknown or has a wrong value.
    """
    name = message.get("do")
    parse = _PARSERS.get(name) if isinstance(name, str) else None
    if parse is None:
        raise CommandError(f"expected do: one of {', '.join(_PARSERS)}; got {str(name)[:40]!r}")
    return parse(message)


def _parse_record(message: Mapping[str, Any]) -> Command:
    return Record(message.get("on") is True)


def _parse_delete_last(message: Mapping[str, Any]) -> Command:
    seconds = message.get("seconds")
    if seconds not in DELETE_LAST_S:
        raise CommandError(f"expected seconds: one of {DELETE_LAST_S}")
    return DeleteLast(int(seconds))


def _parse_train(message: Mapping[str, Any]) -> Command:
    settings = {name: message[name] for name in ("arch", "epochs") if name in message}
    try:
        return Train(TrainingRequest(**settings))
    except (TypeError, ValueError) as error:
        raise CommandError(str(error)[:200]) from None


def _parse_world(message: Mapping[str, Any]) -> Command:
    try:
        return ChangeWorld(WorldChoice(str(message.get("track")), message.get("weather")))  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise CommandError(str(error)[:200]) from None


def _mph(message: Mapping[str, Any]) -> int:
    mph = message.get("mph")
    if not _is_number(mph) or not SLOWEST_MPH <= mph <= FASTEST_MPH:  # type: ignore[operator]
        raise CommandError(f"expected mph: from {SLOWEST_MPH} to {FASTEST_MPH}")
    return int(mph)  # type: ignore[arg-type]


_PARSERS: dict[str, Callable[[Mapping[str, Any]], Command]] = {
    "change_world": _parse_world,
    "record": _parse_record,
    "delete_last": _parse_delete_last,
    "reset_car": lambda message: ResetCar(),
    "limit": lambda message: Limit(_mph(message)),
    "train": _parse_train,
    "drive": lambda message: Drive(_mph(message)),
    "improve": lambda message: Improve(),
    "stop": lambda message: Stop(),
    "drive_manually": lambda message: DriveManually(),
}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
