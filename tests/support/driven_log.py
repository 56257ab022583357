"""A log of a drive on a track whose places are known: a bicycle that the expert steers, weaving."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.messages import Control, Frame, encode_frame
from simulator_bridge.recording.log.log_format import IMAGE_FOLDER, LOG_NAME, format_row, image_name
from simulator_bridge.simulator.expert import Expert
from simulator_bridge.track import Track
from simulator_bridge.udacity_car import STEERING_LAG_S
from tests.support.bicycle import Bicycle
from tests.support.made_recording import START

STEP_S = 0.02


@dataclass(frozen=True)
class DrivenLog:
    """A folder with a log, and where the car was at each of its N rows.

    Attributes:
        folder: Holds the log.
        s_m: (N,) along the lap of the track as driven.
        offset_m: (N,) + = left of the centre line.
        heading_error_rad: (N,) + = pointing left of the road.
    """

    folder: Path
    s_m: npt.NDArray[np.float64]
    offset_m: npt.NDArray[np.float64]
    heading_error_rad: npt.NDArray[np.float64]


def drive_log(
    folder: Path,
    track: Track,
    starts: Sequence[tuple[float, float]],
    *,
    period_s: float = 0.1,
    pause_s: float = 20.0,
    weaving: float = 0.15,
    stamped: bool = True,
    draw: Callable[[float, float, float], Frame] | None = None,
) -> DrivenLog:
    """Drive and write the log.

    Args:
        folder: Made if missing.
        track: As driven.
        starts: Where each episode begins and how long it is, both in metres along the track.
        period_s: From row to row.
        pause_s: Between two episodes.
        weaving: Largest steering that is added, back and forth in 2.5 s.
        stamped: Whether the images' names have time stamps.
        draw: Draws the frame at s, offset and heading error; None: there are no images.
    """
    (folder / IMAGE_FOLDER).mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    truth: list[tuple[float, float, float]] = []
    time_s = 0.0
    for start_m, length_m in starts:
        car, expert, driven_m, wheels = Bicycle(track, start_m), Expert(track), 0.0, 0.0
        car.speed_mph = 20.0
        place = track.locate(car.pose.x, car.pose.y)
        while driven_m < length_m:
            control = expert(car.pose, car.speed_mph)
            steering = float(np.clip(control.steering_angle + weaving * math.sin(2.5 * time_s), -1, 1))
            name = image_name("center", START + datetime.timedelta(seconds=time_s)) if stamped else f"{len(lines)}.jpg"
            lines.append(format_row({"center": name}, steering, 0.3, 0.0, car.speed_mph))
            heading_error = math.remainder(car.pose.heading - place.heading, math.tau)
            truth.append((place.s_m, place.cte, heading_error))
            if draw is not None:
                (folder / IMAGE_FOLDER / name).write_bytes(encode_frame(draw(*truth[-1])))
            for _ in range(round(period_s / STEP_S)):
                wheels += (steering - wheels) * -math.expm1(-STEP_S / STEERING_LAG_S)
                car.step(Control(wheels, control.throttle), STEP_S)
            now = track.locate(car.pose.x, car.pose.y, place.index)
            driven_m += math.remainder(now.s_m - place.s_m, track.length_m)
            place, time_s = now, time_s + period_s
        time_s += pause_s
    (folder / LOG_NAME).write_text("".join(lines))
    return DrivenLog(folder, *np.array(truth).T)
