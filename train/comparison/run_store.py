"""Finished runs on disk: a comparison that is started again resumes where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from simulator_bridge.cli.output_file import write_json
from train.comparison.run_plan import ComparisonRun
from train.comparison.run_result import MODEL_NAME
from train.train_config import FREE_ON_RESUME, TrainConfig

FORMAT = 2  # of the results; those of another are trained anew
PACKAGES = ("tensorflow", "keras")  # another version may train another model


def key_of(settings: TrainConfig, data: str) -> str:
    """Identifies a result: all settings, defaults too, the data's fingerprint, the weights' bytes, versions, FORMAT."""
    decisive = {name: value for name, value in settings.to_json().items() if name not in FREE_ON_RESUME - {"epochs"}}
    if settings.weights and Path(settings.weights).is_file():
        decisive["weights"] = hashlib.sha256(Path(settings.weights).read_bytes()).hexdigest()
    facts = {**decisive, "data": data, "format": FORMAT, **{name: version(name) for name in PACKAGES}}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class RunFolder:
    """The folder of one run: its model, and facts about it under the key of what made them.

    Args:
        output: Folder of the comparison.
        run: The run.
        key: From `key_of`.
    """

    def __init__(self, output: Path, run: ComparisonRun, key: str) -> None:
        self.path = output / f"{run.slug}-{key[:8]}"
        self._key = key

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / MODEL_NAME

    @property
    def checkpoint(self) -> Path:
        """The unfinished training, as `train/clone.py` leaves it."""
        return self.path / f"{MODEL_NAME}.checkpoint"

    def make(self) -> None:
        """Make the folder."""
        self.path.mkdir(parents=True, exist_ok=True)

    def load(self, name: str, **settings: Any) -> dict[str, Any] | None:
        """What was saved under `name` for the same run and the same `settings`; None if it is missing or another."""
        try:
            saved = json.loads((self.path / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(saved, dict) or saved.get("key") != self._key or saved.get("settings") != settings:
            return None
        content = saved.get("content")
        return content if isinstance(content, dict) and self.model.is_file() else None

    def save(self, name: str, content: Mapping[str, Any], **settings: Any) -> None:
        """Save `content` under `name`; `settings` are those that it depends on beside the run's own."""
        write_json(self.path / f"{name}.json", {"key": self._key, "settings": settings, "content": dict(content)})
