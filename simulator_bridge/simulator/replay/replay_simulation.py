"""A virtual car beside a recorded path that sees the recorded frames from where it is; to be driven as any simulation.

It keeps abreast of the recorded car, at its speed, and turns by the difference between its own curvature and the
path's. With c metres left of the path and the angle h left of its direction, in the path's coordinates:

    way = ds (1 - c k_path) / cos h     dc = way sin h     dh = way k_car - ds k_path

Source: Bojarski et al. 2016, section 6; Amini et al. 2020 (VISTA).
"""

from __future__ import annotations

import math
from types import TracebackType
from typing import Self

import numpy as np

from simulator_bridge.messages import Control, Frame
from simulator_bridge.recording import read_frame
from simulator_bridge.simulator.judge.referee import wheel_positions
from simulator_bridge.simulator.replay.recorded_path import STEP_S, RecordedPath, Stretch, slope_at
from simulator_bridge.simulator.replay.recorded_road import build_recorded_road
from simulator_bridge.simulator.replay.turning_point import car_move
from simulator_bridge.simulator.scene.cameras import LabelFrame
from simulator_bridge.simulator.simulation import CONTROL_STEPS, State
from simulator_bridge.simulator.vehicle import Pose
from simulator_bridge.track import Track
from simulator_bridge.udacity_car import MAX_STEERING_DEG, MPS_PER_MPH, TURNING_POINT_M
from simulator_bridge.view.moved_frame import move_frame, nearest_camera
from simulator_bridge.view.view_transform import CarMove

LEAST_COSINE = 0.1  # of the heading error: a car across the path makes no way along it; the referee steps in before


class ReplaySimulation:
    """A car that replays a path. It starts on the path; after the last point it starts again.

    Attributes:
        track: The recorded path as a road.
        invented: Of each frame that was rendered, the share of its pixels that no camera saw.
    """

    renderer = "recorded frames"

    def __init__(self, path: RecordedPath) -> None:
        self.track: Track = build_recorded_road(path)
        self.invented: list[float] = []
        self._path = path
        self._frames: dict[str, Frame] = {}
        self._frames_row = -1
        self.reset()

    @property
    def state(self) -> State:
        """The car now; its pose is that of its turning point."""
        stretch, step = self._stretch, self._step
        x, y, z, heading = self.track.pose_at(float(stretch.s_m[step]), self._offset_m, self._heading_error)
        origin = Pose(x - TURNING_POINT_M * math.cos(heading), y - TURNING_POINT_M * math.sin(heading), z, heading)
        wheels = np.concatenate([wheel_positions(origin), np.zeros((4, 1))], axis=1)
        speed_mph = float(stretch.speed_mps[step]) / MPS_PER_MPH
        steering_deg = self._steering_angle * MAX_STEERING_DEG
        return State(Pose(x, y, z, heading), speed_mph, steering_deg, self._n_steps * STEP_S, False, wheels)

    def reset(self, s_m: float = 0.0, cte: float = 0.0, heading_error: float = 0.0, speed_mph: float = 0.0) -> State:
        """Put the car beside the path, steering as the recorded one; time starts again.

        Args:
            s_m: Metres along the path.
            cte: Metres left of it.
            heading_error: Radians, + = pointing left of it.
            speed_mph: Not used: the car drives as fast as the recorded one.
        """
        stretches = self._path.stretches
        starts = [stretch.s_m[0] for stretch in stretches]
        self._index = max(int(np.searchsorted(starts, s_m, side="right")) - 1, 0)
        # of a car that stood, the last moment: it drives on
        step = int(np.searchsorted(self._stretch.s_m, s_m + 1e-6, side="right")) - 1
        self._put_on(self._index, max(step, 0))
        self._offset_m, self._heading_error = cte, heading_error
        self._n_steps = 0
        return self.state

    def step(self, control: Control, n_steps: int = CONTROL_STEPS) -> State:
        """Drive with one control for `n_steps` steps of 0.02 s; its throttle changes nothing."""
        for _ in range(n_steps):
            self._steering_angle = control.steering_angle
            self._drive_on()
        return self.state

    def coast(self, n_steps: int) -> State:
        """Drive for `n_steps` steps of 0.02 s as the recorded car: nobody has decided yet."""
        for _ in range(n_steps):
            next_step = min(self._step + 1, len(self._stretch) - 1)
            self._steering_angle = float(self._stretch.steering_angle[next_step])
            self._drive_on()
        return self.state

    def render(self) -> dict[str, Frame]:
        """What the center camera sees now."""
        move = self._move()
        row = int(self._stretch.row[self._step])
        source = nearest_camera(move, [name for name, paths in self._path.recording.images.items() if paths.has(row)])
        frame, invented = move_frame({name: self._read(name) for name in {source, "center"}}, source, move)
        self.invented.append(invented)
        return {"center": frame}

    def render_others(self) -> dict[str, Frame]:
        """Nothing: a replay has the center camera only."""
        return {}

    def render_labels(self) -> dict[str, LabelFrame]:
        """Nothing: real frames have no labels."""
        return {}

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _stretch(self) -> Stretch:
        return self._path.stretches[self._index]

    def _put_on(self, index: int, step: int) -> None:
        self._index, self._step = index, step
        self._offset_m = self._heading_error = 0.0
        self._curvature = float(self._stretch.curvature[step])
        self._steering_angle = float(self._stretch.steering_angle[step])

    def _drive_on(self) -> None:
        """One step of 0.02 s; after the end of a stretch the next one begins, on the path."""
        self._n_steps += 1
        if self._step + 1 < len(self._stretch):
            self._advance(self._stretch, self._step + 1)
        else:
            self._put_on((self._index + 1) % len(self._path.stretches), 0)

    def _advance(self, stretch: Stretch, step: int) -> None:
        """Go on to a point of the path; its curvature holds on the way there, for both cars."""
        response = self._path.response
        goal = float(response.steady(self._steering_angle, stretch.speed_mps[step]))
        self._curvature += response.approach(STEP_S) * (goal - self._curvature)
        ds_m = float(stretch.s_m[step] - stretch.s_m[self._step])
        path_turn = ds_m * float(stretch.curvature[step])
        way_m = (ds_m - self._offset_m * path_turn) / max(math.cos(self._heading_error), LEAST_COSINE)
        turn = way_m * self._curvature - path_turn
        self._offset_m += way_m * math.sin(self._heading_error + turn / 2)
        self._heading_error += turn
        self._step = step

    def _move(self) -> CarMove:
        """From the frame's row to the car, in the axes of the recorded car."""
        stretch, step = self._stretch, self._step
        ahead_m, turned = float(stretch.s_m[step] - stretch.row_s_m[step]), float(stretch.row_turn[step])
        ahead = ahead_m * math.cos(turned / 2) - self._offset_m * math.sin(turned)
        left = ahead_m * math.sin(turned / 2) + self._offset_m * math.cos(turned)
        return car_move(ahead, left, turned + self._heading_error, slope_at(self._path, int(stretch.row[step])))

    def _read(self, camera: str) -> Frame:
        row = int(self._stretch.row[self._step])
        if row != self._frames_row:
            self._frames, self._frames_row = {}, row
        if camera not in self._frames:
            self._frames[camera] = read_frame(self._path.recording.image_path(camera, row))
        return self._frames[camera]
