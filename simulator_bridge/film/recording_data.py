"""A recording as the data of a video: its rows over the video's time, without the gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator_bridge.film.drive_data import DriveData, FloatArray, Route
from simulator_bridge.film.routes import find_route, step_times
from simulator_bridge.recording import Recording

CUT_S = 0.4  # how long the last picture before a gap is shown
LEAST_STEP_S = 0.01  # between two pictures


def film_data(recording: Recording, title: str) -> DriveData:
    """All rows of a recording, in real time."""
    dt = np.maximum(step_times(recording), LEAST_STEP_S)
    dt[np.flatnonzero(np.diff(recording.episode, prepend=recording.episode[:1]))] = CUT_S
    dt[:1] = 0.0
    return DriveData(
        title=title,
        time_s=np.cumsum(dt),
        episode=recording.episode,
        recorded=recording.steering_angle.astype(np.float64),
        predicted=None,
        throttle=recording.throttle.astype(np.float64),
        brake=recording.brake.astype(np.float64),
        speed_mph=recording.speed_mph.astype(np.float64),
        route=find_route(recording),
    )


def cut_out(data: DriveData, rows: slice) -> DriveData:
    """Some of the rows, their time starting at 0."""
    return replace(
        data,
        time_s=data.time_s[rows] - data.time_s[rows][0],
        episode=data.episode[rows],
        recorded=data.recorded[rows],
        predicted=None if data.predicted is None else data.predicted[rows],
        throttle=data.throttle[rows],
        brake=data.brake[rows],
        speed_mph=data.speed_mph[rows],
        route=None if data.route is None else _cut_route(data.route, rows),
    )


def with_predictions(data: DriveData, predicted: FloatArray) -> DriveData:
    """The same with a model's steering for each frame, (N,)."""
    return replace(data, predicted=predicted)


def _cut_route(route: Route, rows: slice) -> Route:
    return replace(route, xy=route.xy[rows], heading=route.heading[rows], part=route.part[rows])
