"""How well a moved frame agrees with the frame that was taken there, beside doing nothing: the proof of the view.

Sideways, one camera's frame is moved to another camera of the same row. Forward, a center frame is moved to where the
car was some rows later, by its recorded path.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import Frame
from simulator_bridge.recording import read_frame
from simulator_bridge.simulator.replay.recorded_path import RecordedPath, Stretch, slope_at
from simulator_bridge.simulator.replay.recorded_road import build_recorded_road
from simulator_bridge.simulator.replay.turning_point import car_move
from simulator_bridge.track import Track
from simulator_bridge.view.hood_edge import hood_mask
from simulator_bridge.view.moved_frame import move_frame
from simulator_bridge.view.view_transform import CarMove, ground_before_camera

NEAR_M, FAR_M, HALF_WIDTH_M = 3.0, 30.0, 4.0  # of the road before a camera that is compared
ROWS_AHEAD = (1, 2, 3, 4, 6, 8)
YAW_BINS_DEG = (0, 5, 10, 15, 20, 30)
FEWEST = 5  # pairs of frames, to be a line of the table


@dataclass(frozen=True)
class ViewError:
    """Pairs of frames that were moved alike.

    Attributes:
        what: From where to where.
        n: How many pairs.
        moved: Mean absolute difference of the moved frame from the one taken there, grey levels, on the road.
        as_it_is: Of the frame as it is.
        better_percent: Pairs in which moving it was better.
    """

    what: str
    n: int
    moved: float
    as_it_is: float
    better_percent: float


def sideways_errors(path: RecordedPath, n: int) -> list[ViewError]:
    """Each camera moved to the place of each other one, in about `n` rows."""
    recording = path.recording
    rows = np.linspace(0, len(recording) - 1, min(n, len(recording))).astype(int).tolist()
    pairs = [(source, wanted) for source in recording.images for wanted in recording.images if source != wanted]
    errors = []
    for source, wanted in pairs:
        found = []
        for row in rows:
            if not (recording.images[source].has(row) and recording.images[wanted].has(row)):
                continue
            seen, there = (read_frame(recording.image_path(camera, row)) for camera in (source, wanted))
            found.append(_compare(seen, there, CarMove(slope=slope_at(path, row)), source, wanted))
        if found:
            errors.append(_summary(f"{source} to {wanted}", found))
    return errors


def forward_errors(path: RecordedPath, n: int) -> list[ViewError]:
    """Center frames moved to a later row, about `n` for each number of rows, by how far the car turned meanwhile."""
    road = build_recorded_road(path)
    errors = []
    for ahead in ROWS_AHEAD:
        bins: dict[int, list[tuple[float, float]]] = {}
        moves = list(_moves(path, road, ahead))
        for row, move in moves[:: max(1, len(moves) // n)]:
            seen, there = (read_frame(path.recording.image_path("center", each)) for each in (row, row + ahead))
            turned = int(np.searchsorted(YAW_BINS_DEG, abs(math.degrees(move.yaw)), side="right")) - 1
            bins.setdefault(turned, []).append(_compare(seen, there, move))
        usual_m = float(np.median([move.forward_m for _, move in moves])) if moves else 0.0
        for turned, found in sorted(bins.items()):
            if len(found) >= FEWEST:
                errors.append(_summary(f"{usual_m:.1f} m ahead, turned {_range(turned)}", found))
    return errors


def _moves(path: RecordedPath, road: Track, ahead: int) -> Iterator[tuple[int, CarMove]]:
    """The rows of a path, and the car's move until `ahead` rows later."""
    for stretch in path.stretches:
        first = np.flatnonzero(np.diff(stretch.row, prepend=-1))  # the point at which each row begins
        for here, there in zip(first, first[ahead:], strict=False):
            row = int(stretch.row[here])
            yield row, replace(_move_between(stretch, road, int(here), int(there)), slope=slope_at(path, row))


def _move_between(stretch: Stretch, road: Track, here: int, there: int) -> CarMove:
    (x, y, _, heading), (x2, y2, _, heading2) = (road.pose_at(float(stretch.row_s_m[step])) for step in (here, there))
    dx, dy = x2 - x, y2 - y
    cos, sin = math.cos(heading), math.sin(heading)
    return car_move(cos * dx + sin * dy, cos * dy - sin * dx, math.remainder(heading2 - heading, math.tau))


def _compare(
    seen: Frame, there: Frame, move: CarMove, source: str = "center", wanted: str = "center"
) -> tuple[float, float]:
    """Mean absolute differences on the road: of the moved frame, and of the frame as it is."""
    moved = move_frame({source: seen}, source, move, wanted).frame
    road = road_mask(wanted)
    goal = there[road].astype(np.int16)
    return float(np.abs(moved[road] - goal).mean()), float(np.abs(seen[road] - goal).mean())


def road_mask(camera: str) -> npt.NDArray[np.bool_]:
    """(160, 320) the pixels that show the ground before a camera, without the hood."""
    ahead_m, left_m = ground_before_camera()
    return (ahead_m > NEAR_M) & (ahead_m < FAR_M) & (np.abs(left_m) < HALF_WIDTH_M) & ~hood_mask(camera)


def _summary(what: str, found: Sequence[tuple[float, float]]) -> ViewError:
    moved, as_it_is = np.array(found).T
    return ViewError(
        what, len(found), float(moved.mean()), float(as_it_is.mean()), 100 * float((moved < as_it_is).mean())
    )


def _range(turned: int) -> str:
    upper = f" to {YAW_BINS_DEG[turned + 1]}" if turned + 1 < len(YAW_BINS_DEG) else " and more"
    return f"{YAW_BINS_DEG[turned]}{upper} degrees"
