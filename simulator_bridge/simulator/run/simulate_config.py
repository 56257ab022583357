"""Every setting of `simulator_bridge/simulate.py`: its default, its help and its range. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator_bridge.cli.common_options import (
    backend_option,
    end_with_parent_option,
    json_option,
    max_interventions_option,
    quiet_option,
    reverse_option,
    scale_option,
    seed_option,
    speed_option,
    track_option,
    verbose_option,
    video_option,
    weather_option,
)
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.cli.standard_output import STANDARD_OUTPUT
from simulator_bridge.donkey.donkey_address import DONKEY_PORT, parse_address
from simulator_bridge.errors import UsageError
from simulator_bridge.simulator.scene.scene_options import Backend, Weather

DEFAULT_TRACK = "lake"
DEFAULT_URL = "ws://127.0.0.1:4567"
DRIVE, SERVER, EXPERT, RESULTS = (
    "the drive",
    "steered by a server",
    "steered or labelled by the expert",
    "results",
)  # of the help
DONKEY = "steered by clients of Donkey's simulator"


@dataclass(frozen=True, kw_only=True)
class SimulateConfig:
    """Settings of one run of the simulator; the help of each field is that of its flag. Times are simulated.

    Raises:
        UsageError: If a value is out of range, or settings do not go together.
    """

    track: str = track_option(group=DRIVE)
    replay: Path | None = option(
        None,
        "a recording to drive on instead of a track, on its own frames; see below",
        metavar="RECORDING",
        group=DRIVE,
    )
    scale: float = scale_option(group=DRIVE)
    reverse: bool = reverse_option(group=DRIVE)
    laps: int = option(1, "how many laps", at_least=1, group=DRIVE)
    seed: int | None = seed_option(None, "of start, scenery and noise; see below", group=DRIVE)
    weather: Weather = weather_option(group=DRIVE)
    backend: Backend = backend_option(group=DRIVE)
    control_period_s: float = option(
        0.05,
        "simulated seconds from one frame to the next",
        flag="--period",
        metavar="S",
        at_least=0.02,
        at_most=1,
        unit="s",
        group=DRIVE,
    )
    latency_ms: float = option(
        0.0,
        "simulated milliseconds from a frame until its control takes effect",
        flag="--latency",
        metavar="MS",
        at_least=0,
        at_most=10_000,
        unit="ms",
        group=DRIVE,
    )
    realtime: bool = option(
        False,
        "as fast as the wall clock, driving on while the server computes; else as fast as it renders, in lock-step",
        group=DRIVE,
    )
    max_interventions: int | None = max_interventions_option(group=DRIVE)

    connect: str = option(DEFAULT_URL, "its address", metavar="URL", group=SERVER)
    wait_s: float = option(
        10.0,
        "seconds to go on trying when there is no server, or the connection is lost",
        flag="--wait",
        metavar="S",
        at_least=0,
        at_most=3600,
        unit="s",
        group=SERVER,
    )

    donkey_port: int | None = option(
        None,
        "listen on this port, usually 9091, and be Donkey's simulator for gym-donkeycar; 0: any free one",
        metavar="PORT",
        at_least=0,
        at_most=65535,
        group=DONKEY,
    )
    donkey: str | None = option(
        None,
        "the same for gym-donkeycar as released in 2019, which listens itself, at this address",
        metavar="HOST:PORT",
        group=DONKEY,
    )

    expert: bool = option(False, "the expert drives; no server is needed", group=EXPERT)
    speed_mph: float = speed_option(30.0, group=EXPERT)
    noise: float = option(
        0.0,
        "disturb the steering; 1: swings of 0.06 and shoves up to 0.35. The clean label is recorded",
        at_least=0,
        at_most=5,
        group=EXPERT,
    )
    record: Path | None = option(
        None,
        "record three cameras into this folder; without --expert what the server's car sees by the center one, and "
        "what the expert would steer there",
        metavar="DIR",
        group=EXPERT,
    )
    expert_share: float = option(
        0.0,
        "share of the time for which the expert takes the wheel from the server, a second or more at a time",
        metavar="SHARE",
        at_least=0,
        at_most=1,
        group=EXPERT,
    )
    rate_hz: float = option(
        10.0,
        "rows a simulated second of a recording",
        flag="--rate",
        metavar="HZ",
        above=1,
        at_most=50,
        unit="rows/s",
        group=EXPERT,
    )
    recoveries: int = option(0, "record N starts of 3 s from off the centre and askew too", at_least=0, group=EXPERT)
    labels: bool = option(False, "record the class of each pixel too, PNGs in LABELS/", group=EXPERT)

    json: Path | None = json_option(group=RESULTS)
    rollout: Path | None = option(
        None, "write every step of the drive, as arrays", metavar="FILE.npz", suffixes=(".npz",), group=RESULTS
    )
    video: Path | None = video_option("film the drive", group=RESULTS)
    strips: Path | None = option(
        None, "write pictures of the seconds before each intervention", metavar="DIR", group=RESULTS
    )
    benchmark: bool = option(False, "measure how fast this machine simulates, and exit", group=RESULTS)
    verbose: bool = verbose_option(group=RESULTS)
    quiet: bool = quiet_option(group=RESULTS)
    status: bool = option(False, "print the progress once a second, as lines of JSON", is_hidden=True)
    end_with_parent: bool = end_with_parent_option()

    def __post_init__(self) -> None:
        check_options(self)
        if self.noise and not self.expert and self.record is None:
            raise UsageError("--noise is of a drive that the expert drives or labels: say --expert or --record DIR too")
        for flag, is_given in (("--labels", self.labels), ("--recoveries", self.recoveries)):
            if is_given and not (self.expert and self.record is not None):
                raise UsageError(f"{flag} go into a recording of the expert: say --expert --record DIR too")
        if self.record is not None and not self.expert and self.realtime:
            raise UsageError("--record of a server's drive needs lock-step: leave out --realtime, or say --expert too")
        if self.expert_share and (self.expert or self.record is None):
            raise UsageError("--expert-share is of a server's drive that is recorded: say --record DIR, not --expert")
        if self.replay is not None:
            self._check_replay()
        if self.donkey_port is not None or self.donkey is not None:
            self._check_donkey()
        if self.status and self.json == STANDARD_OUTPUT:
            raise UsageError("--status and --json - both need standard output: name a FILE")

    def _check_replay(self) -> None:
        given = {
            "--track": self.track != DEFAULT_TRACK,
            "--scale": self.scale != 1.0,
            "--reverse": self.reverse,
            "--seed": self.seed is not None,
            "--weather": self.weather != "clear",
            "--record": self.record is not None,
            "--noise": self.noise > 0,
            "--expert-share": self.expert_share > 0,
        }
        for flag, is_given in given.items():
            if is_given:
                raise UsageError(f"{flag} is of a track: a replay drives what was recorded")

    def _check_donkey(self) -> None:
        if self.donkey_port is not None and self.donkey is not None:
            raise UsageError(
                "--donkey-port is for clients that connect, --donkey for one that listens: say one of them"
            )
        if self.donkey is not None:
            parse_address(self.donkey, DONKEY_PORT)
        results = (self.json, self.rollout, self.video, self.strips, self.replay)
        if self.expert or self.benchmark or self.status or any(path is not None for path in results):
            raise UsageError(
                "a Donkey client drives as long as it likes and judges itself: leave out --expert, --replay, "
                "--benchmark, --json, --rollout, --video and --strips"
            )
