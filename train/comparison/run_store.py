"""Finished runs on disk: a comparison that is started again goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from simulator_bridge.cli.output_file import write_json
from train.comparison.comparison_config import TrainingRun
from train.train_config import FREE_ON_RESUME, TrainConfig

PACKAGES = ("tensorflow", "keras")  # another version may train another model


def key_of(settings: TrainConfig, data: str) -> str:
    """Identifies what is trained: all settings, defaults too, the data's fingerprint, the weights' bytes, versions."""
    told = {name: value for name, value in settings.to_json().items() if name not in FREE_ON_RESUME - {"epochs"}}
    if settings.weights and Path(settings.weights).is_file():
        told["weights"] = hashlib.sha256(Path(settings.weights).read_bytes()).hexdigest()
    facts = {**told, "data": data, **{name: version(name) for name in PACKAGES}}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class Folder:
    """The folder of one run: its model, and facts about it under the key of what made them.

    Args:
        output: Folder of the comparison.
        run: The run.
        key: From `key_of`.
    """

    def __init__(self, output: Path, run: TrainingRun, key: str) -> None:
        self.path = output / f"{run.slug}-{key[:8]}"
        self._key = key

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model.h5"

    @property
    def checkpoint(self) -> Path:
        """The unfinished training, as `train/clone.py` leaves it."""
        return self.path / "model.h5.checkpoint"

    def make(self) -> None:
        """Make the folder."""
        self.path.mkdir(parents=True, exist_ok=True)

    def load(self, name: str, **asked: Any) -> dict[str, Any] | None:
        """What was kept under `name` for the same run and the same `asked`; None if it is missing or another."""
        try:
            kept = json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(kept, dict) or kept.get("key") != self._key or kept.get("asked") != asked:
            return None
        content = kept.get("content")
        return content if isinstance(content, dict) and self.model.is_file() else None

    def keep(self, name: str, content: Mapping[str, Any], **asked: Any) -> None:
        """Keep `content` under `name`."""
        write_json(self.path / f"{name}.json", {"key": self._key, "asked": asked, "content": dict(content)})
