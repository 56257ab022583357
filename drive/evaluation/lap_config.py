"""Every setting of `drive/laps.py`, and the drives that follow from them. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drive.model_argument import calibrate_option, check_preprocessing, model_argument, preprocessing_option
from simulator_bridge.cli.common_options import (
    backend_option,
    expand_tracks,
    json_option,
    max_interventions_option,
    quiet_option,
    report_option,
    reverse_option,
    scale_option,
    silence_option,
    speed_option,
    tracks_option,
    verbose_option,
    video_option,
    weather_option,
)
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.errors import UsageError
from simulator_bridge.simulator.scene.scene_options import Backend, Weather

LAPS, SEEDS = 3, 5  # of a track
DEFAULT_TRACKS = ("lake",)
DRIVER, DRIVES, RESULTS = "who drives", "what is driven", "results"  # headings of the help


@dataclass(frozen=True)
class LapJob:
    """One drive.

    Attributes:
        track: Its name; of a replay the folder of the recording.
        reverse: The other way round.
        latency_ms: From a frame until its control takes effect.
        seed: Of start and scenery; a replay has none of it.
        is_replay: On the frames of a recording instead of in the built-in simulator.
    """

    track: str
    reverse: bool
    latency_ms: float
    seed: int
    is_replay: bool = False

    @property
    def group(self) -> str:
        """What it shares with the drives of other seeds."""
        latency = f", latency {self.latency_ms:g} ms" if self.latency_ms else ""
        track = f"replay of {self.track}" if self.is_replay else self.track
        return f"{track}{', reverse' if self.reverse else ''}{latency}"

    @property
    def name(self) -> str:
        """For people; no other drive of the same laps has it."""
        return self.group if self.is_replay else f"{self.group}, seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class LapsConfig:
    """Settings of an evaluation; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range, or there is no driver or more than one.
    """

    model: Path | None = model_argument(default=None, group=DRIVER)
    preprocessing: str | None = preprocessing_option(group=DRIVER)
    calibrate: Path | None = calibrate_option(group=DRIVER)
    expert: bool = option(False, "the expert, which sees the road's course, instead of a model", group=DRIVER)
    policy: Literal["zero"] | None = option(None, "zero: never steers, the baseline of every model", group=DRIVER)
    speed_mph: float = speed_option(20.0, group=DRIVER)

    tracks: tuple[str, ...] = tracks_option(group=DRIVES)
    replays: tuple[Path, ...] = option(
        (), "a recording to drive on instead of tracks, on its own frames; several by saying it again",
        flag="--replay", metavar="RECORDING", repeats=True, group=DRIVES,
    )  # fmt: skip
    laps: int | None = option(
        None, f"laps of a drive; not given: {LAPS}, of a recording once", at_least=1, group=DRIVES
    )
    seeds: int | None = option(
        None, f"drives of a track; not given: {SEEDS}; of a recording one", at_least=1, group=DRIVES
    )
    first_seed: int = option(0, "seed of the first drive", metavar="SEED", at_least=0, group=DRIVES)
    weather: Weather = weather_option(group=DRIVES)
    latencies_ms: tuple[float, ...] = option(
        (0.0,),
        "simulated milliseconds from a frame until its control takes effect; several with commas",
        flag="--latency",
        metavar="MS[,MS...]",
        is_list=True,
        at_least=0,
        at_most=10_000,
        unit="ms",
        group=DRIVES,
    )
    reverse: bool = reverse_option(group=DRIVES)
    both_directions: bool = option(False, "drive either way", group=DRIVES)
    scale: float = scale_option(group=DRIVES)
    backend: Backend = backend_option(group=DRIVES)
    max_interventions: int | None = max_interventions_option(group=DRIVES)
    jobs: int = option(2, "drives at a time", at_least=1, group=DRIVES)
    silence_s: float = silence_option(group=DRIVES)

    json: Path | None = json_option(group=RESULTS)
    report: Path | None = report_option("a page with maps, traces, and what led to each intervention", group=RESULTS)
    video: Path | None = video_option("film the drives, one file each", group=RESULTS)
    verbose: bool = verbose_option(group=RESULTS)
    quiet: bool = quiet_option(group=RESULTS)

    def __post_init__(self) -> None:
        check_options(self)
        check_preprocessing(self.preprocessing, self.calibrate)
        if self.model is None and (self.preprocessing or self.calibrate):
            raise UsageError("--preprocessing and --calibrate are of a model")
        if (self.model is not None) + self.expert + (self.policy is not None) != 1:
            raise UsageError("expected one driver: a model file, or --expert, or --policy zero")
        if not self.tracks or not self.latencies_ms:
            raise UsageError("expected at least one --track and one --latency")
        object.__setattr__(self, "tracks", expand_tracks(self.tracks))
        if self.replays:
            self._check_replays()

    @property
    def driver(self) -> str:
        """Who drives, for people."""
        return "the expert" if self.expert else f"policy {self.policy}" if self.policy else str(self.model)

    @property
    def n_laps(self) -> int:
        """Laps of a drive; of a replay, how often the recording is driven."""
        return self.laps or (1 if self.replays else LAPS)

    def plan(self) -> list[LapJob]:
        """All drives, those of one group together."""
        if self.replays:
            return [
                LapJob(str(recording), False, latency_ms, self.first_seed, is_replay=True)
                for recording in self.replays
                for latency_ms in self.latencies_ms
            ]
        directions = (False, True) if self.both_directions else (self.reverse,)
        return [
            LapJob(track, reverse, latency_ms, seed)
            for track in self.tracks
            for reverse in directions
            for latency_ms in self.latencies_ms
            for seed in range(self.first_seed, self.first_seed + (self.seeds or SEEDS))
        ]

    def _check_replays(self) -> None:
        given = {
            "--track": self.tracks != DEFAULT_TRACKS,
            "--seeds": self.seeds not in (None, 1),
            "--weather": self.weather != "clear",
            "--reverse": self.reverse,
            "--both-directions": self.both_directions,
            "--scale": self.scale != 1.0,
        }
        for flag, is_given in given.items():
            if is_given:
                raise UsageError(f"{flag} is of tracks: --replay drives what was recorded")
