"""The trainings that a comparison consists of: every combination that exists. Imports nothing heavy."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.architectures.architecture import Architecture
from simulator_bridge.errors import UsageError
from train.comparison.comparison_config import ComparisonConfig
from train.train_config import TrainConfig

NEEDS_BACKBONE = ("ridge", "head", "early-layers", "fine-tune")
MANY_EPOCHS = 200  # under a time budget it is the time that ends a training
WIDTHS_DIFFER = (
    "{0} from scratch has its full width, with pretrained weights the width of their file; --vary alpha=A gives all "
    "the same."
)
PLAIN_YES, PLAIN_NO = ("yes", "true", "on"), ("no", "false", "off")


@dataclass(frozen=True)
class ComparisonRun:
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


def plan_runs(config: ComparisonConfig) -> tuple[list[ComparisonRun], dict[str, str]]:
    """All runs in order, and the combinations that do not exist: name -> why."""
    from models.architectures.registry import ARCHITECTURES

    runs, left_out = [], {}
    for arch, regime in itertools.product(config.arch, config.regime):
        if regime in NEEDS_BACKBONE and not ARCHITECTURES[arch].has_backbone:
            left_out[f"{arch} {regime}"] = f"{arch} has no pretrained backbone: it is trained from scratch"
            continue
        vary = {name: values for name, values in config.vary if _takes(ARCHITECTURES[arch], name)}
        for values in itertools.product(*vary.values()):
            varied = dict(zip(vary, values, strict=True))
            varying = [f"{name}={value}" for name, value in varied.items() if len(vary[name]) > 1]
            settings = {"arch": arch, "regime": regime, **_weights(config, arch, regime), **_budget(config), **varied}
            runs.append(ComparisonRun(" ".join((arch, regime, *varying)), arch, regime, settings))
    return runs, left_out


def widths_differ(config: ComparisonConfig) -> list[str]:
    """Architectures whose weights file decides their width, which a run from scratch does not have."""
    from models.architectures.registry import ARCHITECTURES

    if "scratch" not in config.regime or "alpha" in dict(config.vary):
        return []
    return [arch for arch, weights in config.weights if ARCHITECTURES[arch].alphas and weights != "imagenet"]


def differences(config: ComparisonConfig) -> list[str]:
    """What the runs do not have in common beside what is compared, and how they would; in plain words."""
    from models.architectures.registry import ModelConfig

    varied, found = dict(config.vary), [WIDTHS_DIFFER.format(arch) for arch in widths_differ(config)]
    sizes = {arch: "x".join(map(str, ModelConfig(arch).size)) for arch in config.arch}
    if len(set(sizes.values())) > 1 and "image_size" not in varied:
        each = ", ".join(f"{arch} {size}" for arch, size in sizes.items())
        found.append(f"Images have each network's own size ({each}); --vary image_size=HxW gives all the same.")
    if len(config.arch) + len(config.regime) > 2 and "epochs" not in varied:
        found.append(
            f"Each may train for {config.budget_s:g} s, in which a large network has fewer epochs."
            if config.budget_s
            else f"Each may train for {config.budget}, for which a large network takes longer; --budget-s S gives all "
            "the same time."
        )
    if "seed" not in varied:
        found.append("Each is trained once; --vary seed=0,1,2 tells luck from a difference.")
    return found


def _takes(entry: Architecture, setting: str) -> bool:
    """Whether an architecture has a setting of backbones; all have the others."""
    return {"alpha": bool(entry.alphas), "cut": entry.has_backbone}.get(setting, True)


def _weights(config: ComparisonConfig, arch: str, regime: str) -> dict[str, str]:
    file = dict(config.weights).get(arch)
    return {} if file is None or regime == "scratch" else {"weights": file}


def _budget(config: ComparisonConfig) -> dict[str, str]:
    seconds = {} if config.budget_s is None else {"max_seconds": f"{config.budget_s:g}"}
    epochs = config.epochs or (MANY_EPOCHS if seconds else None)
    return {**seconds, **({"epochs": str(epochs)} if epochs else {})}


def _flag(name: str, value: str) -> Sequence[str]:
    flag = "--" + name.replace("_", "-")
    if isinstance(getattr(TrainConfig, name, None), bool):
        if value.lower() not in (*PLAIN_YES, *PLAIN_NO):
            raise UsageError(f"--vary {name}: expected yes or no, got {value!r}")
        return [flag if value.lower() in PLAIN_YES else flag.replace("--", "--no-", 1)]
    return [f"{flag}={value}"]
