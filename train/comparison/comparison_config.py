"""Every setting of `train/compare.py`: its default, its help and its range. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simulator_bridge.cli.common_options import json_option, pair, quiet_option, report_option
from simulator_bridge.cli.options import argument, check_options, did_you_mean, option, split_list
from simulator_bridge.cli.standard_output import STANDARD_OUTPUT
from simulator_bridge.errors import UsageError
from train.train_config import FREE_ON_RESUME, REGIMES, TrainConfig

# Settings that are the comparison's own, or that say where and how, not what
NOT_VARIED = (FREE_ON_RESUME - {"epochs"}) | {"arch", "regime", "weights", "max_seconds", "validate_on"}
VARIED = tuple(sorted({field.name for field in dataclasses.fields(TrainConfig)} - NOT_VARIED))


def _values(text: str) -> tuple[str, tuple[str, ...]]:
    """A setting of `TrainConfig` and its values as they are typed, written KEY=V1,V2."""
    name, values = pair(text)
    return name.replace("-", "_"), split_list(values)


@dataclass(frozen=True, kw_only=True)
class ComparisonConfig:
    """Settings of one comparison; the help of each field is that of its flag.

    `arch` and the names in `weights` are stored in the spelling of the table of architectures.

    Raises:
        UsageError: If a value is out of range, a name is unknown, or settings do not go together.
    """

    recordings: tuple[Path, ...] = argument("folder with a driving_log.csv, or of such", metavar="RECORDING")

    arch: tuple[str, ...] = option(
        ("roadnet", "pilotnet"), "architectures, comma-separated; python models/table.py lists them",
        metavar="NAMES", is_list=True, group="what is compared",
    )  # fmt: skip
    regime: tuple[str, ...] = option(
        ("ridge", "fine-tune", "scratch"), f"comma-separated: {', '.join(REGIMES)}",
        metavar="NAMES", is_list=True, choices=REGIMES, group="what is compared",
    )  # fmt: skip
    weights: tuple[tuple[str, str], ...] = option(
        (), "pretrained weights of an architecture; again for another; not given: Keras downloads them",
        metavar="ARCH=FILE", convert=pair, repeats=True, group="what is compared",
    )  # fmt: skip
    vary: tuple[tuple[str, tuple[str, ...]], ...] = option(
        (), "a setting of train/clone.py and its values; several multiply; one value sets it for all; architectures "
        "that have no alpha or cut go without",
        metavar="KEY=V1,V2", convert=_values, repeats=True, group="what is compared",
    )  # fmt: skip
    budget_s: float | None = option(
        None, "of each training; reading images is not counted; not given: no limit",
        metavar="S", above=0, unit="s", group="what is compared",
    )  # fmt: skip
    epochs: int | None = option(
        None, f"of each training; not given: {TrainConfig.epochs}, or as many as the budget allows",
        at_least=1, group="what is compared",
    )  # fmt: skip

    laps: int = option(0, "laps that each model drives; 0: none", at_least=0, group="driving")
    track: str = option("lake", "as of drive/laps.py", metavar="TRACK", group="driving")
    seeds: int = option(1, "drives of each model", at_least=1, group="driving")

    exam: Literal["quick", "full", "none"] = option(
        "none", "examine each model with drive/exam.py in the end: 2 or 10 minutes each", group="driving"
    )

    output: Path = option(
        Path("runs/comparison"), "folder for the models, finished runs, report.html and results.json",
        metavar="DIR", group="results",
    )  # fmt: skip
    report: Path | None = report_option("the page", group="results")
    json: Path | None = json_option(group="results")
    quiet: bool = quiet_option(group="results")

    def __post_init__(self) -> None:
        check_options(self)
        from models.architectures.registry import ARCHITECTURES  # reads weights files with h5py: not for --help

        arch = tuple(dict.fromkeys(ARCHITECTURES.find(name).name for name in self.arch))
        weights = tuple((ARCHITECTURES.find(name).name, file) for name, file in self.weights)
        object.__setattr__(self, "arch", arch)
        object.__setattr__(self, "weights", weights)
        _expect_once("--weights", [name for name, _ in weights])
        unused = sorted({name for name, _ in weights} - set(arch))
        if unused:
            raise UsageError(f"--weights of {', '.join(unused)}, which --arch does not name")
        _expect_once("--vary", [name for name, _ in self.vary])
        for name, values in self.vary:
            if name not in VARIED:
                raise UsageError(f"--vary {name}: expected one of {', '.join(VARIED)}{did_you_mean(name, VARIED)}")
            if not values or len(set(values)) != len(values):
                raise UsageError(f"--vary {name}: expected values that differ, got {','.join(values) or 'none'}")
        if "epochs" in dict(self.vary) and (self.epochs or self.budget_s):
            raise UsageError("--vary epochs is a budget of its own: leave out --epochs and --budget-s")

    @property
    def report_path(self) -> Path:
        """Where the page goes."""
        return self.report or self.output / "report.html"

    @property
    def json_path(self) -> Path:
        """The file that the numbers go to after every run; with `--json -` those of all runs go elsewhere, too."""
        return self.output / "results.json" if self.json in (None, STANDARD_OUTPUT) else self.json

    @property
    def budget(self) -> str:
        """The budget of a training, for people."""
        epochs = "" if self.epochs is None else f"{self.epochs} epochs"
        seconds = "" if self.budget_s is None else f"{self.budget_s:g} s of training"
        return " or ".join(filter(None, (seconds, epochs))) or f"{TrainConfig.epochs} epochs"


def _expect_once(flag: str, given: list[str]) -> None:
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise UsageError(f"expected each name once in {flag}, got {', '.join(twice)} again")
