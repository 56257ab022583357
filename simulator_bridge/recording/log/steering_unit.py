"""The unit of a log's steering: the recorder's is normalised to [-1, 1], positive to the right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError, UsageError
from simulator_bridge.recording.log.csv_cells import folder_name
from simulator_bridge.recording.log.log_rows import LogRows
from simulator_bridge.udacity_car import MAX_STEERING_DEG, MAX_STEERING_RAD

Unit = Literal["normalised", "degrees", "radians"]
Side = Literal["right", "left"]
UNITS = get_args(Unit)

_FULL: dict[str, float] = {"normalised": 1.0, "degrees": MAX_STEERING_DEG, "radians": MAX_STEERING_RAD}
_SIDES: dict[str, Side] = {"right": "right", "left": "left", "1": "right", "+1": "right", "-1": "left"}
_ROUNDING = 1e-4  # steps of 0.05 add up to -1.0000001
_MIN_OUTSIDE, _MAX_SHARE_OUTSIDE = 4, 0.1  # more steering outside [-1, 1] than this is no accident


@dataclass(frozen=True)
class SteeringUnit:
    """How a log writes its steering.

    Attributes:
        unit: `degrees` and `radians` are those of the wheels, unless `full` says otherwise.
        positive: The side that positive numbers steer to.
        full: The number that means full lock (25 degrees of the wheels); None: 1, 25 degrees, or as many radians.
        source: Who says so, for the user.
    """

    unit: Unit = "normalised"
    positive: Side = "right"
    full: float | None = None
    source: str = ""

    @property
    def factor(self) -> float:
        """What a number is multiplied with to be normalised, positive to the right."""
        return (1 if self.positive == "right" else -1) / (self.full or _FULL[self.unit])

    def __str__(self) -> str:
        """In words, for a note."""
        full = f"{self.full or _FULL[self.unit]:.4g}"
        return f"steering read as {self.unit}, {full} is full lock, positive to the {self.positive} ({self.source})"


def parse_side(text: str) -> Side:
    """The side that positive steering steers to: `right` or `left`, or 1 or -1.

    Raises:
        UsageError: If it is none of them.
    """
    side = _SIDES.get(text.strip().lower())
    if side is None:
        raise UsageError("say to which side positive steering steers: right (or 1), left (or -1)")
    return side


def check_steering(
    rows: LogRows, log: Path, reasons: dict[int, str], unit: SteeringUnit | None = None, *, is_told: bool = False
) -> npt.NDArray[np.float32]:
    """The steering of M rows, float32 in [-1, 1]; rows outside are added to `reasons` (line -> reason).

    Args:
        rows: As the log says.
        log: Its path, for messages.
        reasons: Rows that are left out so far.
        unit: Of the rows whose header does not tell it; None: normalised.
        is_told: Of the others, too.

    Raises:
        RecordingError: If a recorder's rows are outside so often that the column is in another unit: degrees.
    """
    unknown = np.isnan(rows.steering_factor) | is_told
    factor = np.where(unknown, unit.factor if unit else 1.0, rows.steering_factor)
    steering = rows.numbers[:, 0] * factor
    outside = np.abs(steering) > 1 + _ROUNDING
    recorders: dict[str, int] = {}
    recorder = np.array([recorders.setdefault(folder_name(path), len(recorders)) for path in rows.first_images()])
    outside_of = np.bincount(recorder[outside], minlength=len(recorders))
    steered_of = np.bincount(recorder[steering != 0], minlength=len(recorders))
    for part in np.flatnonzero(outside_of):
        n_outside, n_steered = int(outside_of[part]), int(steered_of[part])
        if n_outside == n_steered or (n_outside >= _MIN_OUTSIDE and n_outside > _MAX_SHARE_OUTSIDE * n_steered):
            first = int(np.flatnonzero(outside & (recorder == part))[0])
            what = f"{n_outside} of {n_steered} values that are not 0 are outside"
            raise RecordingError(
                f"{log}:{rows.line[first]}: {_what_to_do(rows.numbers[first, 0], factor[first], what)}"
            )
    reasons.update(dict.fromkeys(rows.line[outside].tolist(), "steering outside [-1, 1]"))
    return np.clip(steering, -1, 1).astype(np.float32)


def _what_to_do(value: float, factor: float, what: str) -> str:
    if math.isclose(abs(factor), 1.0):
        return (
            f"expected steering in [-1, 1], got {value:g}, and {what}: degrees? Say so with --steering-unit degrees "
            '(or radians), or {"steering_unit": "degrees"} in a recording.json beside the log'
        )
    return (
        f"expected steering of at most {1 / abs(factor):.4g}, which is full lock, got {value:g}, and {what}: of a "
        'steering wheel? Name its full lock with {"steering_full": 450} in a recording.json beside the log'
    )
