"""What the outputs of somebody's model mean: steering, throttle; numbers, or bins as Donkey cars have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.policy import Action
from models.runtimes.runtime import Array, TensorSpec
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

MIN_BINS = 3
THROTTLE_RANGE = (
    0.5  # of the bins of a throttle, from 0: donkeycar, utils.linear_unbin(throttle, N=20, offset=0, R=0.5)
)
_STEERS = re.compile(r"steer|angle", re.IGNORECASE)
_SPEEDS = re.compile(r"speed_mph")  # of ours; what others mean by a speed is not known
_SAYS_NOTHING = re.compile(r"(\w*(output|dense|identity|activation|softmax|call)[\w:]*|\d+)", re.IGNORECASE)
_THROTTLES = re.compile(r"throttle|\bgas\b|accel", re.IGNORECASE)


@dataclass(frozen=True)
class Value:
    """Where in the outputs a number is.

    Attributes:
        output: Number of the output.
        column: In it; None: the output is a distribution over bins.
        n_bins: Of the distribution.
        low: Value of the first bin.
        step: From one bin to the next.
    """

    output: int
    column: int | None = 0
    n_bins: int = 0
    low: float = -1.0
    step: float = 0.0

    def of(self, outputs: Sequence[Array]) -> float:
        """The number, of the outputs of one frame."""
        values = np.ravel(outputs[self.output])
        if self.column is not None:
            return float(values[self.column])
        return self.low + self.step * float(np.argmax(values)) if np.isfinite(values).all() else float("nan")


@dataclass(frozen=True)
class OutputReading:
    """How an action is read from a model's outputs.

    Attributes:
        steering: Where the steering angle is.
        throttle: Where the throttle is, if the model has one.
        speed: The same of the speed to drive at.
        notes: What was assumed, for people.
    """

    steering: Value
    throttle: Value | None = None
    speed: Value | None = None
    notes: tuple[str, ...] = ()

    def action(self, outputs: Sequence[Array]) -> Action:
        """The action, of the outputs of one frame."""
        throttle, speed = (None if each is None else each.of(outputs) for each in (self.throttle, self.speed))
        return Action(self.steering.of(outputs), throttle, speed)


def plan_outputs(specs: Sequence[TensorSpec], samples: Sequence[Sequence[Array]]) -> OutputReading:
    """Find out what a model's outputs mean, from their names, sizes and some answers.

    Args:
        specs: Of the outputs.
        samples: The outputs for some frames; tell a distribution from other numbers.

    Raises:
        ModelFileError: If no steering angle is in them.
    """
    sizes = [max(int(np.size(output)) for output in outputs) for outputs in zip(*samples, strict=True)]
    shapes = ", ".join(str(spec) for spec in specs)
    if not sizes or min(sizes) < 1:
        raise ModelFileError(f"expected a steering angle as output; the model has {shapes or 'no output'}")
    names = [spec.name for spec in specs]
    first = _named(_STEERS, names) or 0
    steering = _value(first, sizes[first], samples, -1.0, 2.0, shapes)
    notes: list[str] = []
    if steering.n_bins:
        notes.append(f"its steering is the likeliest of {steering.n_bins} bins from -1 to 1")
    if len(specs) == 1:
        throttle = Value(0, 1) if sizes[0] > 1 and not steering.n_bins else None
        if throttle is not None:
            notes.append("its first number is taken as steering, its second as throttle, more are not used")
        return OutputReading(steering, throttle, None, tuple(notes))
    second, speed = _named(_THROTTLES, names), _named(_SPEEDS, names)
    if second is None and speed is None:  # by their order, unless their names say that they are something else
        others = [i for i in range(len(specs)) if i != first and _SAYS_NOTHING.fullmatch(names[i])]
        second = others[0] if others else None
    throttle = None if second is None else _value(second, sizes[second], samples, 0.0, THROTTLE_RANGE, shapes)
    used = {i: what for i, what in ((first, "steering"), (second, "throttle"), (speed, "speed")) if i is not None}
    notes.append("its outputs are taken as: " + ", ".join(
        f"{one_line(name, 40)} {used.get(i, 'not used')}" for i, name in enumerate(names)
    ))  # fmt: skip
    return OutputReading(steering, throttle, None if speed is None else Value(speed), tuple(notes))


def _named(pattern: re.Pattern[str], names: Sequence[str]) -> int | None:
    return next((i for i, name in enumerate(names) if pattern.search(name)), None)


def _value(number: int, size: int, samples: Sequence[Sequence[Array]], low: float, span: float, shapes: str) -> Value:
    if size < MIN_BINS:
        return Value(number)
    if all(_is_distribution(np.ravel(outputs[number])) for outputs in samples):
        bins = size - 1 if low < 0 else size  # a throttle's last bin stands below its range
        return Value(number, None, size, low, span / bins)
    if size > MIN_BINS:
        raise ModelFileError(
            "expected a steering angle, with a throttle, or a distribution over bins as output; the model has "
            f"{shapes}, whose numbers are none"
        )
    return Value(number)


def _is_distribution(values: Array) -> bool:
    return bool(np.isfinite(values).all() and values.min() >= -1e-3 and abs(float(values.sum()) - 1) < 0.02)
