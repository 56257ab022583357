"""What the outputs of somebody's model mean: steering, throttle; numbers, or bins as Donkey cars have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.policy import Action
from models.runtimes.runtime import Array, TensorSpec
from simulator_bridge.errors import ModelFileError

MIN_BINS = 3
THROTTLE_RANGE = (
    0.5  # of the bins of a throttle, from 0: donkeycar, utils.linear_unbin(throttle, N=20, offset=0, R=0.5)
)
_STEERS = re.compile(r"steer|angle", re.IGNORECASE)
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
        notes: What was assumed, for people.
    """

    steering: Value
    throttle: Value | None = None
    notes: tuple[str, ...] = ()

    def action(self, outputs: Sequence[Array]) -> Action:
        """The action, of the outputs of one frame."""
        throttle = None if self.throttle is None else self.throttle.of(outputs)
        return Action(self.steering.of(outputs), throttle)


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
    first = next((i for i, spec in enumerate(specs) if _STEERS.search(spec.name)), 0)
    notes: list[str] = []
    steering = _value(first, sizes[first], samples, -1.0, 2.0, shapes)
    throttle: Value | None = None
    if steering.n_bins:
        notes.append(f"its steering is the likeliest of {steering.n_bins} bins from -1 to 1")
    if len(specs) > 1:
        others = [i for i in range(len(specs)) if i != first]
        second = next((i for i in others if _THROTTLES.search(specs[i].name)), others[0])
        throttle = _value(second, sizes[second], samples, 0.0, THROTTLE_RANGE, shapes)
        notes.append(f"its output {specs[first].name} is taken as steering, {specs[second].name} as throttle")
    elif sizes[0] > 1 and not steering.n_bins:
        throttle = Value(0, 1)
        notes.append("its first number is taken as steering, its second as throttle")
    ignored = len(specs) - 2 if len(specs) > 2 else sizes[0] - 2 if len(specs) == 1 and not steering.n_bins else 0
    if ignored > 0:
        notes.append(f"its other {ignored} output{'s'[: ignored != 1]} are not used")
    return OutputReading(steering, throttle, tuple(notes))


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
