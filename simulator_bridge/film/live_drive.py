"""The data of a drive that is still running, as the panels of a video need it."""

from __future__ import annotations

import numpy as np

from simulator_bridge.film.drive_data import DriveData, Edges, Route

ROOM = 4096  # rows at first, some three minutes; doubled when full


class LiveDrive:
    """Grows by one row at a time.

    Args:
        title: See `DriveData.title`.
        road: See `Route.road`.
        room: Rows at first.

    Attributes:
        data: Rows to come are NaN, at time infinity. Replaced by a larger one when it is full.
    """

    def __init__(self, title: str, road: Edges, room: int = ROOM) -> None:
        self.data = _empty(title, road, room)
        self._road = road
        self._n = 0

    def add(
        self,
        time_s: float,
        pose: tuple[float, float, float],
        steering_angle: float,
        throttle: float,
        speed_mph: float,
        *,
        is_cut: bool,
    ) -> int:
        """Append a row; returns its number.

        Args:
            time_s: Since the drive began.
            pose: Metres east and north, heading in radians.
            steering_angle: As applied, in [-1, 1], positive turns right.
            throttle: In [-1, 1], below 0 it brakes.
            speed_mph: Of the car.
            is_cut: The car was put here, it did not drive here.
        """
        if self._n == len(self.data.time_s):
            self.data = _doubled(self.data, self._road)
        data, row = self.data, self._n
        data.time_s[row] = time_s
        data.recorded[row] = steering_angle
        data.throttle[row], data.brake[row] = max(throttle, 0.0), max(-throttle, 0.0)
        data.speed_mph[row] = speed_mph
        data.episode[row:] = (data.episode[row - 1] if row else 0) + is_cut
        if data.route is not None:
            data.route.xy[row], data.route.heading[row] = pose[:2], pose[2]
        self._n += 1
        return row


def _empty(title: str, road: Edges, room: int) -> DriveData:
    nan = np.full(room, np.nan)
    route = Route(
        np.full((room, 2), np.nan), nan.copy(), np.zeros(room, np.int32), "where the simulator has the car", road
    )
    return DriveData(
        title=title,
        time_s=np.full(room, np.inf),
        episode=np.zeros(room, np.int32),
        recorded=nan.copy(),
        predicted=None,
        throttle=nan.copy(),
        brake=nan.copy(),
        speed_mph=nan.copy(),
        route=route,
        recorded_name="applied",
    )


def _doubled(data: DriveData, road: Edges) -> DriveData:
    n = len(data.time_s)
    larger = _empty(data.title, road, 2 * n)
    pairs = [(getattr(larger, name), values) for name, values in vars(data).items() if isinstance(values, np.ndarray)]
    if data.route is not None and larger.route is not None:
        pairs += [(larger.route.xy, data.route.xy), (larger.route.heading, data.route.heading)]
    for new, old in pairs:
        new[:n] = old
    larger.episode[n:] = data.episode[-1]
    return larger
