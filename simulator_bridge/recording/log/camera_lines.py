"""Logs with a line for each camera (Udacity's challenge 2): which side image belongs to which center image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording.log.csv_cells import IMAGE_ENDINGS
from simulator_bridge.recording.log.log_format import CAMERAS
from simulator_bridge.recording.log.log_times import column_times

_MAX_AWAY = 0.5  # of the step between two center images: farther, another one is nearer


@dataclass(frozen=True, slots=True)
class CameraLine:
    """A line with one image: its number, its part of the log, and its time as written there."""

    line: int
    part: int
    camera: str
    path: str
    time: str


def camera_named(cell: str) -> str | None:
    """The camera that a cell such as `left_camera` names; None if it names none."""
    return next((camera for camera in CAMERAS if camera in cell.lower()), None)


def first_image(cell: str) -> str:
    """The first image of a cell with several, `a.png;b.png`, as AirSim writes it for several cameras."""
    first, semicolon, _ = cell.partition(";")
    return first if semicolon and first.lower().endswith(IMAGE_ENDINGS) else cell


def nearest_centers(
    sides: Sequence[CameraLine], centers: Sequence[CameraLine]
) -> Iterator[tuple[CameraLine, int | None]]:
    """For each side image the number of the nearest center image of its part; None if it is nearer to a missing one.

    Near in time, or in lines where the log has no times.
    """
    for part in {side.part for side in sides}:
        own = [side for side in sides if side.part == part]
        there = [i for i, center in enumerate(centers) if center.part == part]
        wanted, at = _places(own, [centers[i] for i in there])
        if not there:
            yield from ((side, None) for side in own)
            continue
        order = np.argsort(at, kind="stable")
        steps = np.diff(at[order])
        reach = _MAX_AWAY * float(np.median(steps)) if len(steps) else np.inf
        after = np.clip(np.searchsorted(at[order], wanted), 1, max(1, len(order) - 1))
        before = after - 1
        after = np.minimum(after, len(order) - 1)
        nearer = np.where(np.abs(at[order][after] - wanted) < np.abs(wanted - at[order][before]), after, before)
        for side, place, asked in zip(own, nearer, wanted, strict=True):
            row = there[int(order[place])]
            yield side, row if abs(at[order][place] - asked) <= reach else None


def _places(*lines: Sequence[CameraLine]) -> list[npt.NDArray[np.float64]]:
    times = [column_times([line.time for line in some]) for some in lines]
    if all(np.isfinite(time).all() for time in times):
        return times
    return [np.array([line.line for line in some], np.float64) for some in lines]
