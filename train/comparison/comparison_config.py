"""What is to be compared, and the runs that follow from it. Imports nothing heavy."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.architectures.architecture import Architecture
from simulator_bridge.errors import UserError
from train.train_config import FREE_ON_RESUME, REGIMES, TrainConfig

NEEDS_BACKBONE = ("head", "early-layers", "fine-tune")
MANY_EPOCHS = 200  # under a time budget it is the time that ends a training
# Settings that are the comparison's own, or that say where and how, not what
NOT_VARIED = (FREE_ON_RESUME - {"epochs"}) | {"arch", "regime", "weights", "max_seconds", "validate_on"}
WIDTHS_DIFFER = (
    "{0} from scratch has its full width, with pretrained weights the width of their file; --vary alpha=A gives all "
    "the same."
)
PLAIN_YES, PLAIN_NO = ("yes", "true", "on"), ("no", "false", "off")


@dataclass(frozen=True, kw_only=True)
class ComparisonConfig:
    """Settings of one comparison.

    Attributes:
        recordings: As of `train/clone.py`.
        arch: Architectures.
        regime: Regimes of transfer learning.
        weights: Architecture -> pretrained weights: a file or `imagenet`.
        vary: Setting of `TrainConfig` -> its values as they are typed; one value sets it for all runs. Architectures
            that have no `alpha` or `cut` go without.
        budget_s: Seconds of each training, reading images not counted; None: no limit.
        epochs: Of each training; None: as many as fit into the budget, or the default of `train/clone.py`.
        laps: That each model drives afterwards; 0: none.
        track: Where.
        seeds: Drives of each model.
        output: Folder for models and finished runs.
        report: The page; None: report.html in `output`.
        json: The numbers; None: results.json in `output`.
    """

    recordings: tuple[Path, ...]
    arch: tuple[str, ...] = ("pilotnet", "mobilenet_v2")
    regime: tuple[str, ...] = ("head", "fine-tune", "scratch")
    weights: Mapping[str, str] = field(default_factory=dict)
    vary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    budget_s: float | None = None
    epochs: int | None = None
    laps: int = 0
    track: str = "lake"
    seeds: int = 1
    output: Path = Path("runs/comparison")
    report: Path | None = None
    json: Path | None = None

    def __post_init__(self) -> None:
        from models.architectures.registry import ARCHITECTURES  # reads weights files with h5py: not for --help

        object.__setattr__(self, "arch", tuple(dict.fromkeys(ARCHITECTURES.find(name).name for name in self.arch)))
        known = {ARCHITECTURES.find(name).name: value for name, value in self.weights.items()}
        object.__setattr__(self, "weights", known)
        unused = sorted(set(known) - set(self.arch))
        if unused:
            raise UserError(f"--weights of {', '.join(unused)}, which --arch does not name")
        for regime in self.regime:
            if regime not in REGIMES:
                raise UserError(f"--regime must be among {', '.join(REGIMES)}; got {regime!r}")
        varied = {entry.name for entry in dataclasses.fields(TrainConfig)} - NOT_VARIED
        for name, values in self.vary.items():
            if name not in varied:
                raise UserError(f"--vary {name}: expected one of {', '.join(sorted(varied))}")
            if not values or len(set(values)) != len(values):
                raise UserError(f"--vary {name}: expected values that differ, got {','.join(values) or 'none'}")
        if "epochs" in self.vary and (self.epochs or self.budget_s):
            raise UserError("--vary epochs is a budget of its own: leave out --epochs and --budget-s")
        if self.budget_s is not None and not self.budget_s > 0:
            raise UserError(f"--budget-s must be above 0 s, got {self.budget_s:g}")
        if self.epochs is not None and self.epochs < 1:
            raise UserError(f"--epochs must be at least 1, got {self.epochs}")
        if self.laps < 0 or self.seeds < 1:
            raise UserError(f"--laps must be at least 0 and --seeds at least 1, got {self.laps} and {self.seeds}")

    @property
    def report_path(self) -> Path:
        """Where the page goes."""
        return self.report or self.output / "report.html"

    @property
    def json_path(self) -> Path:
        """Where the numbers go."""
        return self.json or self.output / "results.json"

    @property
    def budget(self) -> str:
        """The budget of a training, for people."""
        epochs = "" if self.epochs is None else f"{self.epochs} epochs"
        seconds = "" if self.budget_s is None else f"{self.budget_s:g} s of training"
        return " or ".join(filter(None, (seconds, epochs))) or f"{TrainConfig.epochs} epochs"


@dataclass(frozen=True)
class TrainingRun:
    """One training of a comparison.

    Attributes:
        name: What tells it from the others.
        arch: Architecture.
        regime: Regime.
        settings: Setting of `TrainConfig` -> value as it is typed; without recordings and places.
    """

    name: str
    arch: str
    regime: str
    settings: Mapping[str, str]

    @property
    def arguments(self) -> list[str]:
        """The settings on the command line of `train/clone.py`."""
        return [word for name, value in self.settings.items() for word in _flag(name, value)]

    @property
    def slug(self) -> str:
        """The name as part of a file name."""
        return re.sub(r"[^a-z0-9._]+", "-", self.name.lower()).strip("-")


def plan_runs(config: ComparisonConfig) -> tuple[list[TrainingRun], dict[str, str]]:
    """All runs in order, and the combinations that do not exist: name -> why."""
    from models.architectures.registry import ARCHITECTURES

    runs, left_out = [], {}
    for arch, regime in itertools.product(config.arch, config.regime):
        if regime in NEEDS_BACKBONE and not ARCHITECTURES[arch].has_backbone:
            left_out[f"{arch} {regime}"] = f"{arch} has no pretrained backbone: it is trained from scratch"
            continue
        vary = {name: values for name, values in config.vary.items() if _takes(ARCHITECTURES[arch], name)}
        for values in itertools.product(*vary.values()):
            varied = dict(zip(vary, values, strict=True))
            told = [f"{name}={value}" for name, value in varied.items() if len(vary[name]) > 1]
            settings = {"arch": arch, "regime": regime, **_weights(config, arch, regime), **_budget(config), **varied}
            runs.append(TrainingRun(" ".join((arch, regime, *told)), arch, regime, settings))
    return runs, left_out


def widths_differ(config: ComparisonConfig) -> list[str]:
    """Architectures whose weights file decides their width, which a run from scratch does not know."""
    from models.architectures.registry import ARCHITECTURES

    if "scratch" not in config.regime or "alpha" in config.vary:
        return []
    return [arch for arch, weights in config.weights.items() if ARCHITECTURES[arch].alphas and weights != "imagenet"]


def _takes(entry: Architecture, setting: str) -> bool:
    """Whether an architecture knows a setting of backbones; all know the others."""
    return {"alpha": bool(entry.alphas), "cut": entry.has_backbone}.get(setting, True)


def _weights(config: ComparisonConfig, arch: str, regime: str) -> dict[str, str]:
    return {"weights": config.weights[arch]} if arch in config.weights and regime != "scratch" else {}


def _budget(config: ComparisonConfig) -> dict[str, str]:
    budget: dict[str, Any] = {}
    if config.budget_s is not None:
        budget = {"max_seconds": f"{config.budget_s:g}", "epochs": MANY_EPOCHS}
    if config.epochs is not None:
        budget["epochs"] = config.epochs
    return {name: str(value) for name, value in budget.items()}


def _flag(name: str, value: str) -> Sequence[str]:
    flag = "--" + name.replace("_", "-")
    if isinstance(getattr(TrainConfig, name, None), bool):
        if value.lower() not in (*PLAIN_YES, *PLAIN_NO):
            raise UserError(f"--vary {name}: expected yes or no, got {value!r}")
        return [flag if value.lower() in PLAIN_YES else flag.replace("--", "--no-", 1)]
    return [f"{flag}={value}"]
