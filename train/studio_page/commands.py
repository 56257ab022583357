"""What a page may ask for, checked before anything is done: nothing else gets past here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator_bridge.pages.live_channel import CommandError
from train.studio_page.manual_input import Grip
from train.studio_page.training_job import TrainingRequest

TAKE_BACK_S = (5, 10)
SLOWEST_MPH, FASTEST_MPH = 5, 30


@dataclass(frozen=True)
class Record:
    """Record from now on, or no more."""

    on: bool


@dataclass(frozen=True)
class DeleteLast:
    """Delete the last seconds of the recording, and put the car where it was then."""

    seconds: int


@dataclass(frozen=True)
class ResetCar:
    """Put the car on the road."""


@dataclass(frozen=True)
class Limit:
    """Drive at most so fast by hand."""

    mph: int


@dataclass(frozen=True)
class Train:
    """Train on the recording."""

    plan: TrainingRequest


@dataclass(frozen=True)
class Drive:
    """Let the newest model drive."""

    mph: int


@dataclass(frozen=True)
class Stop:
    """Stop the training, or the model's drive."""


@dataclass(frozen=True)
class DriveManually:
    """Back to driving by hand."""


Command = Record | DeleteLast | ResetCar | Limit | Train | Drive | Stop | DriveManually


def parse_grip(message: Mapping[str, Any]) -> Grip | None:
    """The grip in a page's message; None if it is another one.

    Raises:
        CommandError: If it is no grip that there can be.
    """
    values = message.get("hold")
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 4 or not all(_is_number(value) for value in values[:3]):
        raise CommandError("expected hold: [steering, throttle, brake, active]")
    try:
        return Grip(float(values[0]), float(values[1]), float(values[2]), values[3] is True)
    except ValueError as error:
        raise CommandError(str(error)) from None


def parse_command(message: Mapping[str, Any]) -> Command:
    """What a page asks for.

    Raises:
        CommandError: If there is no such thing.
    """
    name = message.get("do")
    parse = _PARSERS.get(name) if isinstance(name, str) else None
    if parse is None:
        raise CommandError(f"expected do: one of {', '.join(_PARSERS)}; got {str(name)[:40]!r}")
    return parse(message)


def _parse_record(message: Mapping[str, Any]) -> Command:
    return Record(message.get("on") is True)


def _parse_take_back(message: Mapping[str, Any]) -> Command:
    seconds = message.get("seconds")
    if seconds not in TAKE_BACK_S:
        raise CommandError(f"expected seconds: one of {TAKE_BACK_S}")
    return DeleteLast(int(seconds))


def _parse_train(message: Mapping[str, Any]) -> Command:
    asked = {name: message[name] for name in ("arch", "epochs") if name in message}
    try:
        return Train(TrainingRequest(**asked))
    except (TypeError, ValueError) as error:
        raise CommandError(str(error)[:200]) from None


def _mph(message: Mapping[str, Any]) -> int:
    mph = message.get("mph")
    if not _is_number(mph) or not SLOWEST_MPH <= mph <= FASTEST_MPH:  # type: ignore[operator]
        raise CommandError(f"expected mph: from {SLOWEST_MPH} to {FASTEST_MPH}")
    return int(mph)  # type: ignore[arg-type]


_PARSERS: dict[str, Callable[[Mapping[str, Any]], Command]] = {
    "record": _parse_record,
    "take_back": _parse_take_back,
    "put_back": lambda message: ResetCar(),
    "limit": lambda message: Limit(_mph(message)),
    "train": _parse_train,
    "drive": lambda message: Drive(_mph(message)),
    "stop": lambda message: Stop(),
    "by_hand": lambda message: DriveManually(),
}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
