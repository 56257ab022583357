"""A driver that is told where the car is, with a fault on purpose; what it drives, recorded or as it truly was."""

from __future__ import annotations

import contextlib
import datetime
import math
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drive.judgement.placed_drive import PlacedDrive
from simulator_bridge.messages import Control
from simulator_bridge.recording.recorder import Recorder
from simulator_bridge.simulator.expert import ExpertConfig, StartPose, plan_speeds
from simulator_bridge.simulator.judge.drive_report import DriveReport
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import CONTROL_PERIOD_S, DriveLoop, LoopConfig, Moment
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track
from simulator_bridge.udacity_car import DRAG_PER_S, FULL_THROTTLE_MPS2, MAX_STEERING_RAD, MPS_PER_MPH, WHEELBASE_M
from tests.support.made_recording import START

SEEN_M = 5.0  # from the centre line: farther off, frames do not show where the car is


@dataclass(frozen=True)
class FaultyHands:
    """What is wrong with a driver; the defaults drive well.

    Attributes:
        delay_s: From what it sees to what it does.
        left_share: Of the steering to the left that it wants.
        right_share: Of that to the right.
        pull: Added to its steering, + = right.
        back: How sharply it steers back to the line: 1/m for each metre off it.
        straighten: Likewise for each radian askew.
        noise: Standard deviation of a slow random swing of the steering, of 1 s.
        is_blind: It only swings.
    """

    delay_s: float = 0.0
    left_share: float = 1.0
    right_share: float = 1.0
    pull: float = 0.0
    back: float = 0.03
    straighten: float = 0.35
    noise: float = 0.02
    is_blind: bool = False


def faulty_hands(seed: int) -> dict[str, FaultyHands]:
    """One driver of each kind, as bad as the seed says."""
    rng = np.random.default_rng(seed + 500)
    u = rng.uniform
    late = FaultyHands(delay_s=float(u(0.35, 0.55)), back=0.006, straighten=0.12)
    if seed % 2:
        blind = FaultyHands(is_blind=True, noise=float(u(0.03, 0.08)))
    else:
        blind = FaultyHands(is_blind=True, noise=0.003, pull=float(u(-0.04, 0.04)))
    is_left, share = bool(rng.random() < 0.5), float(u(0.2, 0.4))
    return {
        "well": FaultyHands(),
        "late": late,
        "blind": blind,
        "one side": FaultyHands(left_share=share) if is_left else FaultyHands(right_share=share),
        "pull": FaultyHands(pull=float(u(0.1, 0.16) * rng.choice([-1, 1]))),
        "soft": FaultyHands(back=float(u(0.001, 0.003)), straighten=float(u(0.04, 0.08)), noise=0.03),
        "weaves": FaultyHands(back=float(u(0.05, 0.08)), straighten=float(u(0.05, 0.08)), delay_s=0.1, noise=0.03),
    }


class FaultyDriver:
    """Follows the road by what it is told of it: the curvature a little ahead, the distance from the line, the angle.

    Args:
        track: The road.
        hands: What is wrong.
        speed_mph: At most this fast.
        rng: Of the swings.
    """

    def __init__(self, track: Track, hands: FaultyHands, speed_mph: float, rng: np.random.Generator) -> None:
        self._track, self._hands, self._rng = track, hands, rng
        self._speeds_mps = plan_speeds(track, ExpertConfig(top_speed_mph=speed_mph))
        self._swing = 0.0
        self._waiting: deque[float] = deque()

    def __call__(self, moment: Moment) -> Control:
        """See `CarDriver`."""
        pose, hands = moment.state.pose, self._hands
        place = self._track.locate(pose.x, pose.y, None if moment.put_back else moment.verdict.location.index)
        speed_mps = moment.state.speed_mph * MPS_PER_MPH
        decay = math.exp(-CONTROL_PERIOD_S)
        self._swing = decay * self._swing + hands.noise * math.sqrt(1 - decay**2) * float(self._rng.normal())
        heading_error = math.remainder(pose.heading - place.heading, math.tau)
        ahead = self._track.at(self._track.curvature, place.s_m + 2.0 + 0.2 * speed_mps)
        wanted = ahead - hands.back * place.cte - hands.straighten * heading_error
        steering = 0.0 if hands.is_blind else -math.atan(WHEELBASE_M * wanted) / MAX_STEERING_RAD
        steering *= hands.left_share if steering < 0 else hands.right_share
        self._waiting.append(float(np.clip(steering + hands.pull + self._swing, -1, 1)))
        is_full = len(self._waiting) > round(hands.delay_s / CONTROL_PERIOD_S)
        applied = self._waiting.popleft() if is_full else self._waiting[0]
        push = 1.5 * (self._track.at(self._speeds_mps, place.s_m) - speed_mps) + DRAG_PER_S * speed_mps
        return Control(applied, float(np.clip(push / FULL_THROTTLE_MPS2, -0.03, 1.0)))


@dataclass(frozen=True, eq=False)
class FaultyDrive:
    """What was driven: where the car truly was, as far as frames would show it, and what the referee says."""

    placed: PlacedDrive
    report: DriveReport


def drive_faulty(
    hands: FaultyHands,
    *,
    seed: int,
    reverse: bool = False,
    start_m: float | None = None,
    seconds: float = 42.0,
    period_s: float = 0.1,
    folder: Path | None = None,
    speed_mph: float | None = None,
) -> FaultyDrive:
    """Drive on the lake, and record it as the drive server does: center images, no sidecar.

    Args:
        hands: The driver's.
        seed: Of its swings, its speed and its start.
        reverse: Drive the lake the other way.
        start_m: Along the lap; None: anywhere.
        seconds: To drive, or up to the third intervention.
        period_s: From row to row.
        folder: To record into; None: nothing is rendered.
        speed_mph: At most; None: 15 to 25, by the seed.
    """
    lake = build_track("lake")
    track = lake.reversed() if reverse else lake
    rng = np.random.default_rng(seed)
    speed_mph = speed_mph or float(np.random.default_rng(seed + 100).uniform(15, 25))
    driver = FaultyDriver(track, hands, speed_mph, rng)
    anywhere_m = float(rng.uniform(0, track.length_m))
    referee, rows = Referee(track), _Rows(lake, reverse, period_s)
    with contextlib.ExitStack() as stack:
        simulation = stack.enter_context(Simulation(track, seed, cameras=("center",) if folder else ()))
        recorder = stack.enter_context(Recorder(folder, queue_size=10_000)) if folder else None

        def drive(moment: Moment) -> Control:
            control = driver(moment)
            if rows.add(moment, control) and recorder is not None:
                recorder.add(
                    {"center": moment.frames["center"]}, control.steering_angle, max(control.throttle, 0.0),
                    max(-control.throttle, 0.0), moment.state.speed_mph,
                    START + datetime.timedelta(seconds=moment.time_s),
                )  # fmt: skip
            return control

        config = LoopConfig(max_time_s=seconds, max_interventions=3)
        start = StartPose(anywhere_m if start_m is None else start_m, 0.0, 0.0)
        DriveLoop(simulation, referee, config, start, speed_mph).run(drive, 1)
    return FaultyDrive(rows.placed(), referee.summary())


class _Rows:
    """Rows of a drive, as often as they are recorded."""

    def __init__(self, lake: Track, reverse: bool, period_s: float) -> None:
        self._lake, self._reverse, self._period_s = lake, reverse, period_s
        self._track = lake.reversed() if reverse else lake
        self._next_s = 0.0
        self._rows: list[tuple[float, ...]] = []

    def add(self, moment: Moment, control: Control) -> bool:
        if moment.time_s < self._next_s - 0.011:
            return False
        self._next_s += self._period_s
        pose = moment.state.pose
        place = self._track.locate(pose.x, pose.y)
        heading_error = math.remainder(pose.heading - place.heading, math.tau)
        row = (moment.time_s, place.s_m, place.cte, heading_error, control.steering_angle, control.throttle)
        self._rows.append((*row, moment.state.speed_mph * MPS_PER_MPH))
        return True

    def placed(self) -> PlacedDrive:
        time_s, s_m, offset_m, heading_error, steering, throttle, speed_mps = np.array(self._rows).T
        seen = np.abs(offset_m) < SEEN_M
        s_m, offset_m, heading_error = (np.where(seen, each, np.nan) for each in (s_m, offset_m, heading_error))
        return PlacedDrive(
            track=self._lake,
            is_reverse=np.full(len(time_s), self._reverse),
            time_s=time_s,
            way_m=np.cumsum(speed_mps * np.diff(time_s, prepend=0.0)),
            speed_mps=speed_mps,
            throttle=throttle,
            steered=-np.tan(MAX_STEERING_RAD * steering) / WHEELBASE_M,
            s_m=s_m,
            offset_m=offset_m,
            heading_error_rad=heading_error,
            episode=np.zeros(len(time_s), np.int32),
        )
