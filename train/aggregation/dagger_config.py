"""Every setting of `train/dagger.py`: its default, its help and its range. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator_bridge.cli.common_options import (
    TRACKS,
    end_with_parent_option,
    expand_tracks,
    json_option,
    quiet_option,
    silence_option,
    speed_option,
    weather_option,
)
from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.errors import UsageError
from simulator_bridge.simulator.scene.scene_options import Weather

DEFAULT_TRACKS = ("random:1-5",)
LEARN, DRIVES, RESULTS = "what is learned from", "how it drives", "results"  # headings of the help
# Settings that may differ between a run and the one that goes on with it: they change where and how long, not what.
FREE_ON_RESUME = frozenset(
    {"model", "recordings", "corrections", "rounds", "all_rounds", "output", "folder", "jobs", "silence_s", "json"}
    | {"quiet", "end_with_parent"}
)


@dataclass(frozen=True, kw_only=True)
class DaggerConfig:
    """Settings of some rounds of DAgger; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range, or settings do not go together.
    """

    model: Path = argument("model file of train/clone.py to begin with", metavar="MODEL")
    recordings: tuple[Path, ...] = option(
        (),
        "what the model was trained on, as of train/clone.py; several by saying it again; not given: recordings/, if "
        "that is it",
        metavar="RECORDING[=WEIGHT]",
        repeats=True,
        group=LEARN,
    )
    corrections: tuple[Path, ...] = option(
        (),
        "a folder of takeovers, as drive/server.py --corrections records them: learned from in every round; without a "
        "--track nothing is driven, and there is one round",
        metavar="DIR",
        repeats=True,
        group=LEARN,
    )
    keep: float = option(
        0.5,
        "share of the weight that the recordings keep, at least, however many rows are added",
        metavar="SHARE",
        at_least=0.05,
        below=1,
        group=LEARN,
    )
    rounds: int = option(4, "at most so many trainings", at_least=1, group=LEARN)
    all_rounds: bool = option(False, "go on though nothing failed in a round", group=LEARN)

    tracks: tuple[str, ...] = option(
        (),
        f"{TRACKS}; several with commas or by saying it again; not given: {','.join(DEFAULT_TRACKS)}",
        flag="--track",
        metavar="TRACK[,TRACK...]",
        is_list=True,
        repeats=True,
        group=DRIVES,
    )
    exam_tracks: tuple[str, ...] = option(
        (),
        "tracks of drive/exam.py to learn on all the same; reported apart, and an exam of the model is no test there",
        flag="--exam-track",
        metavar="TRACK[,TRACK...]",
        is_list=True,
        repeats=True,
        group=DRIVES,
    )
    both_directions: bool = option(False, "drive either way", group=DRIVES)
    laps: int = option(1, "of each track in a round", at_least=1, group=DRIVES)
    speed_mph: float = speed_option(20.0, group=DRIVES)
    latency_ms: float = option(
        0.0,
        "simulated milliseconds from a frame until its control takes effect; the expert labels for then",
        flag="--latency",
        metavar="MS",
        at_least=0,
        at_most=1000,
        unit="ms",
        group=DRIVES,
    )
    noise: float = option(
        1.0, "disturb the steering: 1: swings of 0.06 and shoves up to 0.35", at_least=0, at_most=5, group=DRIVES
    )
    weather: Weather = weather_option("random", group=DRIVES)
    expert_share: float = option(
        0.0,
        "share of the time for which the expert drives in the first round; half of that in the second, and so on",
        metavar="SHARE",
        at_least=0,
        at_most=1,
        group=DRIVES,
    )
    rate_hz: float = option(
        5.0,
        "rows that are added a simulated second",
        flag="--rate",
        metavar="HZ",
        above=1,
        at_most=20,
        unit="rows/s",
        group=DRIVES,
    )
    seed: int = option(0, "of starts, scenery, noise and turns; every round has others", at_least=0, group=DRIVES)
    jobs: int = option(2, "drives at a time", at_least=1, group=DRIVES)
    silence_s: float = silence_option(group=DRIVES)

    folder: Path = option(
        Path("runs/dagger"), "what was driven and trained; the same command goes on", metavar="DIR", group=RESULTS
    )
    output: Path = option(Path("better.h5"), "the model that drove best", metavar="FILE", group=RESULTS)
    json: Path | None = json_option(group=RESULTS)
    quiet: bool = quiet_option(group=RESULTS)
    end_with_parent: bool = end_with_parent_option()

    def __post_init__(self) -> None:
        check_options(self)
        if self.output.suffix != ".h5":
            raise UsageError(f"expected an --output that ends in .h5, got {self.output}")
        if not (self.tracks or self.exam_tracks or self.corrections):
            object.__setattr__(self, "tracks", DEFAULT_TRACKS)
        for name in ("tracks", "exam_tracks"):
            object.__setattr__(self, name, expand_tracks(getattr(self, name)))
        twice = set(self.tracks) & set(self.exam_tracks)
        if twice:
            raise UsageError(f"expected {', '.join(sorted(twice))} with --track or with --exam-track, got both")

    @property
    def drives(self) -> bool:
        """Whether anything is driven; else corrections alone are learned from, once."""
        return bool(self.tracks or self.exam_tracks)

    @property
    def n_rounds(self) -> int:
        """How many trainings at most."""
        return self.rounds if self.drives else 1

    def share_of_expert(self, number: int) -> float:
        """Share of the time for which the expert drives in a round, from 1."""
        return self.expert_share * 0.5 ** (number - 1)

    def decisive(self) -> dict[str, Any]:
        """The settings that all rounds of one folder have in common, as JSON values."""
        names = [field.name for field in dataclasses.fields(self) if field.name not in FREE_ON_RESUME]
        return {name: to_json_value(getattr(self, name)) for name in names}
