"""The path of a recorded drive, every 0.02 s: what a replay's car deviates from.

Rows without time stamps or speed cannot be replayed. Where the car moved further between two rows than a frame may be
moved, the path ends and another one begins: a path has one or several stretches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.placement.placing import build_tracks, place_recording
from simulator_bridge.recording import Recording, load_only_recording
from simulator_bridge.recording.driven_steering import driven_steering
from simulator_bridge.simulator.replay.placed_rows import PlacedRows, rows_of
from simulator_bridge.simulator.replay.steering_response import FloatArray, SteeringResponse, fit_response
from simulator_bridge.udacity_car import MPS_PER_MPH
from simulator_bridge.view.view_limits import FORWARD_LIMIT_M

STEP_S = 0.02  # between two points of a path: a physics step of the built-in simulator
CLOCK_S = 1e-4  # time stamps are whole milliseconds, in seconds since 1970 as a float: 2.4e-7 s off
FIT_OVER_S = 3.0  # people steer in pulses, and weave: what the road asks for shows over this time
LEAST_PLACED = 0.5  # share of a drive: what is placed of less may lie on another road of the same shape
SHORTEST_M = 10.0  # of a stretch: less shows nothing of who drives

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stretch:
    """A path without a gap: M points every `STEP_S`, the first at its first row.

    Attributes:
        s_m: (M,) along the whole recorded path.
        speed_mps: (M,).
        steering_angle: (M,) that moved the car.
        curvature: (M,) 1/m, + = left: what the recorded steering makes of the car.
        row: (M,) of the recording: the last at or before each point.
        row_s_m: (M,) where that row's frame was taken, along the path.
        row_turn: (M,) radians that the path has turned left since.
    """

    s_m: FloatArray
    speed_mps: FloatArray
    steering_angle: FloatArray
    curvature: FloatArray
    row: IntArray
    row_s_m: FloatArray
    row_turn: FloatArray

    def __len__(self) -> int:
        return len(self.s_m)


@dataclass(frozen=True, eq=False)
class RecordedPath:
    """The stretches of one recording, one after the other, as if there were no gaps.

    Attributes:
        recording: What was recorded.
        stretches: At least one.
        response: From steering to curvature, of the recorded car and of the virtual one.
        placed: Of the recording's rows; None where it is not placed on a track.
    """

    recording: Recording
    stretches: tuple[Stretch, ...]
    response: SteeringResponse = field(default_factory=SteeringResponse)
    placed: PlacedRows | None = None

    @property
    def length_m(self) -> float:
        """Of all stretches."""
        return float(self.stretches[-1].s_m[-1])

    @property
    def duration_s(self) -> float:
        """Of all stretches."""
        return STEP_S * sum(len(stretch) - 1 for stretch in self.stretches)


def load_recorded_path(folder: Path) -> RecordedPath:
    """The path of the recording in a folder, placed on its track if that is found; see `find_path`.

    Raises:
        RecordingError: If it cannot be read or replayed.
    """
    recording = load_only_recording(folder)
    _check(recording)
    placement = place_recording(recording.log, build_tracks())
    return find_path(recording, rows_of(placement.of_lines(recording.line)))


def find_path(recording: Recording, placed: PlacedRows | None = None) -> RecordedPath:
    """The path of a recording, from its steering and speed.

    Args:
        recording: Of one drive.
        placed: Fits the response to the road, tilts the ground and says where the road ends.

    Raises:
        RecordingError: If rows have no time stamps or no speed, or lie too far apart.
    """
    _check(recording)
    moved_m = _moved_m(recording)
    parts = np.split(np.arange(len(recording)), np.flatnonzero(moved_m[1:] > FORWARD_LIMIT_M) + 1)
    parts = [rows for rows in parts if moved_m[rows[1:]].sum() >= SHORTEST_M]
    if not parts:
        usual_m = float(np.median(moved_m[np.isfinite(moved_m)])) if np.isfinite(moved_m).any() else 0.0
        raise RecordingError(
            f"{recording.log}: expected a drive of at least {SHORTEST_M:g} m with rows at most {FORWARD_LIMIT_M:g} m "
            f"apart, got rows {usual_m:.1f} m apart: record more rows a second"
        )
    steering_angle = driven_steering(recording)
    response = SteeringResponse() if placed is None else _fit(recording, steering_angle, parts, placed)
    stretches, begin_m = [], 0.0
    for rows in parts:
        stretches.append(_stretch(recording, steering_angle, rows, response, begin_m))
        begin_m = float(stretches[-1].s_m[-1])
    return RecordedPath(recording, tuple(stretches), response, placed)


def slope_at(path: RecordedPath, row: int) -> float:
    """How the ground rises before the car of a row, against that under it; 0 where it is not known."""
    slope = 0.0 if path.placed is None else float(path.placed.slope[row])
    return slope if math.isfinite(slope) else 0.0


def _check(recording: Recording) -> None:
    if not np.isfinite(recording.time_s).all():
        raise RecordingError(f"{recording.log}: a replay needs image names with time stamps: these have none")
    if not np.isfinite(recording.speed_mph).all():
        raise RecordingError(f"{recording.log}: a replay needs the speed of every row: this log has none")


def _moved_m(recording: Recording) -> FloatArray:
    """(N,) metres since the row before; infinite where an episode begins, and at the first row."""
    speed = recording.speed_mph.astype(np.float64) * MPS_PER_MPH
    moved = np.diff(recording.time_s) * 0.5 * (speed[1:] + speed[:-1])
    return np.concatenate([[np.inf], np.where(np.diff(recording.episode) == 0, moved, np.inf)])


def _stretch(
    recording: Recording, steering_angle: FloatArray, rows: IntArray, response: SteeringResponse, begin_m: float
) -> Stretch:
    time_s = recording.time_s[rows] - recording.time_s[rows[0]]
    steps_s = np.arange(0.0, time_s[-1], STEP_S)
    speed = np.interp(steps_s, time_s, recording.speed_mph[rows] * MPS_PER_MPH)
    steering = np.interp(steps_s, time_s, steering_angle[rows])
    curvature = response.lagging(response.steady(steering, speed), STEP_S)
    s_m = begin_m + np.concatenate([[0.0], np.cumsum(STEP_S * speed[:-1])])
    turn = np.concatenate([[0.0], np.cumsum(curvature[1:] * np.diff(s_m))])
    last = np.searchsorted(time_s, steps_s + CLOCK_S, side="right") - 1
    row_s_m, row_turn = np.interp(time_s[last], steps_s, s_m), np.interp(time_s[last], steps_s, turn)
    return Stretch(s_m, speed, steering, curvature, rows[last], row_s_m, turn - row_turn)


def _fit(
    recording: Recording, steering_angle: FloatArray, parts: list[IntArray], placed: PlacedRows
) -> SteeringResponse:
    """The response with which the recorded steering follows the road."""
    n_steps = round(FIT_OVER_S / STEP_S)
    mean = np.full(n_steps, 1 / n_steps)
    averages = []
    for rows in parts:
        stretch = _stretch(recording, steering_angle, rows, SteeringResponse(), 0.0)
        if len(stretch) >= n_steps:
            columns = (stretch.curvature, stretch.speed_mps, placed.curvature[stretch.row])
            averages.append([np.convolve(column, mean, "valid") for column in columns])
    if not averages:
        return SteeringResponse()
    turn, speed_mps, curvature = np.concatenate(averages, axis=1)
    if np.isfinite(curvature).mean() < LEAST_PLACED:
        return SteeringResponse()
    return fit_response(turn, speed_mps, curvature)
