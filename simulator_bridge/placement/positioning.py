"""Where a car was across the road, row by row, from its frames: see `position_rows`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import Frame
from simulator_bridge.placement.camera_calibration import Sample, Setup, calibrate, calibrate_bridge
from simulator_bridge.placement.camera_mount import CameraMount
from simulator_bridge.placement.cross_section import CrossSection, RoadMarks
from simulator_bridge.placement.pose_smoother import Motion, PoseSmoother
from simulator_bridge.placement.road_ahead import RoadAhead
from simulator_bridge.placement.road_position import Evidence, Window, evidence
from simulator_bridge.placement.unrolled_road import AHEAD_M, unroll
from simulator_bridge.recording import Recording, read_frame
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import FloatArray

FEWEST_ROWS = 5  # of a stretch
EVIDENCE_WEIGHT = 0.25  # of a frame: the errors of neighbouring frames are alike
MOST_SURPRISE = 60.0  # of the frames about a row, whose position is known
ABOUT_M = 4.0
LARGEST_SIGMA_M = 0.3  # of an offset that is known
N_CALIBRATION = 40  # frames
NEAR_SECTIONS = 8
N_THREADS = 2


@dataclass(frozen=True)
class Pass:
    """One look at the frames of a recording: how far about each pose, every how many metres, and what is an outlier."""

    window: Window
    every_m: float
    tail: float  # a frame's surprise at which it counts half
    line_spread_m: float = 0.15  # how near the painted line is looked for


COARSE = (
    Pass(Window(6.0, 3.0, math.radians(12)), 4.0, 1e4, 0.35),
    Pass(Window(6.0, 2.0, math.radians(8)), 4.0, 500.0, 0.35),
    Pass(Window(4.0, 1.5, math.radians(6)), 4.0, 100.0, 0.35),
    Pass(Window(4.0, 1.0, math.radians(5)), 4.0, 40.0, 0.35),
)
MIDDLE = (
    Pass(Window(4.0, 1.0, math.radians(5)), 4.0, 40.0),
    Pass(Window(3.0, 0.8, math.radians(4)), 4.0, 20.0),
)
FINE = (
    Pass(Window(3.0, 0.8, math.radians(4)), 1.0, 20.0),
    Pass(Window(3.0, 0.8, math.radians(4)), 1.0, 20.0),
)


@dataclass(eq=False)
class Stretch:
    """Rows of a recording that follow each other along a track; their poses get better with each pass.

    Attributes:
        rows: (M,) of the recording.
        road: In the direction driven.
        smoother: Of their poses.
        way_m: (M,) since the first of them.
        poses: (M, 3) s (not wrapped), offset, heading error.
        covariance: (M, 3, 3) of the poses.
        surprise: (M,) of their frames in the last pass; NaN where none was looked at.
    """

    rows: npt.NDArray[np.intp]
    road: RoadAhead
    smoother: PoseSmoother
    way_m: FloatArray
    poses: FloatArray
    covariance: FloatArray = field(init=False)
    surprise: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        silent = np.zeros((len(self.rows), 3, 3))
        for _ in range(3):  # odometry alone
            correction = self.smoother.correct(self.poses, silent, silent[:, 0])
            self.poses = self.poses + correction.step
        self.covariance = correction.covariance
        self.surprise = np.full(len(self.rows), np.nan)

    def is_on_bridge(self, index: int) -> bool:
        """Whether the frame of a row shows a bridge right before the car."""
        return bool(self.road.look(float(self.poses[index, 0]), AHEAD_M).on_bridge[:NEAR_SECTIONS].any())


@dataclass(frozen=True, eq=False)
class Positions:
    """Of N rows of a recording; NaN where the frames do not tell.

    Attributes:
        s_m: (N,) along the lap, not wrapped.
        offset_m: (N,) left of the centre line.
        heading_error_rad: (N,) + = pointing left of the road.
        sigma: (N, 3) standard deviations of the three.
        surprise: (N,) of the frames about there; see `Evidence`.
        setup: How the camera looks and where the road's marks are.
    """

    s_m: FloatArray
    offset_m: FloatArray
    heading_error_rad: FloatArray
    sigma: FloatArray
    surprise: FloatArray
    setup: Setup


@dataclass(frozen=True, eq=False)
class Run:
    """Rows (M,) of a recording that follow each other along a track: where they are along it by odometry."""

    rows: npt.NDArray[np.intp]
    is_reverse: bool
    s_m: FloatArray
    motion: Motion


def position_rows(
    recording: Recording, stretches: Sequence[Stretch], track: Track, camera: str = "center"
) -> Positions:
    """Improve the poses of stretches of a recording by its frames.

    Args:
        recording: N rows.
        stretches: Of it; see `make_stretches`.
        track: In any direction: its marks are looked for.
        camera: Whose frames are looked at. It is taken to stand in the middle of the car: with `left` the result is
            that of a car farther left.
    """
    positioner = _Positioner(recording, stretches, camera, Setup(CameraMount(), RoadMarks.of(track)))
    for passes in (COARSE, MIDDLE):
        for each in passes:
            positioner.look(each)
        positioner.calibrate()
    for each in FINE:
        positioner.look(each)
    return positioner.positions()


def make_stretches(directions: Mapping[bool, Track], runs: Sequence[Run]) -> list[Stretch]:
    """The runs of at least `FEWEST_ROWS` rows, with poses by odometry.

    Args:
        directions: The track by whether it is driven in reverse.
        runs: On it.
    """
    roads = {is_reverse: RoadAhead(track) for is_reverse, track in directions.items()}
    stretches = []
    for run in runs:
        if len(run.rows) >= FEWEST_ROWS:
            track = directions[run.is_reverse]
            along_m = np.unwrap(run.s_m, period=track.length_m)
            smoother = PoseSmoother(track, run.motion, along_m)
            way_m = np.concatenate([[0.0], np.cumsum(run.motion.way_m)])
            poses = np.stack([along_m, np.zeros(len(along_m)), np.zeros(len(along_m))], axis=1)
            stretches.append(Stretch(run.rows, roads[run.is_reverse], smoother, way_m, poses))
    return stretches


class _Positioner:
    def __init__(self, recording: Recording, stretches: Sequence[Stretch], camera: str, setup: Setup) -> None:
        self._recording, self._stretches, self._camera = recording, stretches, camera
        self._usual = self._setup = setup

    def look(self, how: Pass) -> None:
        """Correct all poses by the frames, and the camera's yaw by what they have in common."""
        section = CrossSection(self._setup.marks, how.line_spread_m)
        pull, certainty = 0.0, 1e-9
        for stretch in self._stretches:
            information, vector = np.zeros((len(stretch.rows), 3, 3)), np.zeros((len(stretch.rows), 3))
            for index, found in self._evidences(stretch, how, section):
                weight = EVIDENCE_WEIGHT / (1 + found.surprise / how.tail)
                information[index], vector[index] = weight * found.information, weight * found.vector
                stretch.surprise[index] = found.surprise
            correction = stretch.smoother.correct(stretch.poses, information, vector)
            stretch.poses = stretch.poses + correction.step
            stretch.covariance = correction.covariance
            left = vector - np.einsum("mij,mj->mi", information, correction.step)
            pull, certainty = pull + left[:, 2].sum(), certainty + information[:, 2, 2].sum()
        mount = self._setup.mount
        if how is not COARSE[0]:
            yaw_deg = mount.yaw_deg + math.degrees(float(np.clip(pull / certainty, -0.01, 0.01)))
            self._setup = replace(self._setup, mount=replace(mount, yaw_deg=yaw_deg))

    def calibrate(self) -> None:
        """Find the camera's pitch and the road's marks."""
        samples = [
            self._samples(
                [(stretch, index) for stretch, index in self._places() if stretch.is_on_bridge(index) == which]
            )
            for which in (False, True)
        ]
        mount = replace(self._usual.mount, yaw_deg=self._setup.mount.yaw_deg)
        usual = replace(self._usual, mount=mount)
        on_land, on_bridge = samples
        self._setup = calibrate(on_land, usual) if on_land else usual
        self._setup = calibrate_bridge(on_bridge, self._setup) if on_bridge else self._setup

    def _places(self) -> list[tuple[Stretch, int]]:
        return [(stretch, index) for stretch in self._stretches for index in _every(stretch.way_m, 4.0)]

    def _samples(self, places: Sequence[tuple[Stretch, int]]) -> list[Sample]:
        """Some frames from all along these places."""
        chosen = [places[i] for i in np.linspace(0, len(places) - 1, min(N_CALIBRATION, len(places))).astype(int)]
        samples = []
        for stretch, index in chosen:
            frame = self._frame(stretch, index)
            if frame is not None:
                s_m, offset_m, heading = stretch.poses[index].tolist()
                samples.append(Sample(frame, self._camera, stretch.road, (s_m, offset_m, heading)))
        return samples

    def positions(self) -> Positions:
        """The poses as they are now, where the frames agree with them."""
        n = len(self._recording)
        poses, sigma, surprise = np.full((n, 3), np.nan), np.full((n, 3), np.nan), np.full(n, np.nan)
        for stretch in self._stretches:
            poses[stretch.rows] = stretch.poses
            sigma[stretch.rows] = np.sqrt(np.einsum("mii->mi", stretch.covariance))
            surprise[stretch.rows] = _median_about(stretch.surprise, stretch.way_m)
        poses[~((surprise < MOST_SURPRISE) & (sigma[:, 1] < LARGEST_SIGMA_M)), 1:] = np.nan
        s_m, offset_m, heading_rad = poses.T
        return Positions(s_m, offset_m, heading_rad, sigma, surprise, self._setup)

    def _evidences(self, stretch: Stretch, how: Pass, section: CrossSection) -> Iterator[tuple[int, Evidence]]:
        """What each frame that can be read says, by its index in the stretch."""

        def ask(index: int) -> Evidence | None:
            frame = self._frame(stretch, index)
            if frame is None:
                return None
            s_m, offset_m, heading = stretch.poses[index].tolist()
            mount, half_width_m = self._setup.mount, section.half_width_m
            road = unroll(frame, self._camera, stretch.road, (s_m, offset_m, heading), mount, half_width_m)
            return evidence(road, section, how.window)

        indices = _every(stretch.way_m, how.every_m)
        with ThreadPoolExecutor(N_THREADS) as threads:
            for index, found in zip(indices, threads.map(ask, indices), strict=True):
                if found is not None:
                    yield index, found

    def _frame(self, stretch: Stretch, index: int) -> Frame | None:
        try:
            return read_frame(self._recording.images[self._camera].string(int(stretch.rows[index])))
        except RecordingError:
            return None


def _every(way_m: FloatArray, every_m: float) -> list[int]:
    """Indices of a way (M,), the first in each piece of `every_m`."""
    piece = np.floor(way_m / every_m)
    return np.flatnonzero(np.diff(piece, prepend=-1.0) > 0).tolist()


def _median_about(values: FloatArray, way_m: FloatArray) -> FloatArray:
    """The median (M,) of the values within `ABOUT_M` of the way, without NaN; NaN where there is none."""
    first = np.searchsorted(way_m, way_m - ABOUT_M)
    last = np.searchsorted(way_m, way_m + ABOUT_M, side="right")
    result = np.full(len(values), np.nan)
    for row, (start, stop) in enumerate(zip(first, last, strict=True)):
        near = values[start:stop]
        near = near[np.isfinite(near)]
        if len(near):
            result[row] = np.median(near)
    return result
