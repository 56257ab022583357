"""What is where a model is about to be saved, and how its validation error compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.model_file import load_model_file
from simulator_bridge.cli.output_file import previous_of
from simulator_bridge.errors import ModelFileError
from train.train_config import FREE_ON_RESUME


@dataclass(frozen=True)
class PreviousModel:
    """A file that a new model replaces.

    Attributes:
        path: Where it will be kept.
        metadata: Of the model file; empty if it is none, or one of another program.
    """

    path: Path
    metadata: Mapping[str, Any]

    @classmethod
    def at(cls, output: Path) -> PreviousModel | None:
        """The file at `output`; None if there is none."""
        if not output.is_file():
            return None
        try:
            metadata = load_model_file(output).metadata
        except ModelFileError:
            metadata = {}
        return cls(previous_of(output), metadata)

    def is_part_of(self, metadata: Mapping[str, Any]) -> bool:
        """Whether the training of `metadata`, interrupted, saved this model: it goes on and has no better one lost."""
        interrupted = self._figures.get("interrupted") is True
        return interrupted and _run_of(self.metadata) == _run_of(metadata)

    def compared(self, metadata: Mapping[str, Any]) -> str:
        """Where it is kept and its validation error beside that of the model of `metadata`, for a person.

        Errors on other rows are not compared: they may differ by more than models do.
        """
        before, now = _mse_of(self.metadata), _mse_of(metadata)
        rows = _section(self.metadata, "data").get("validation_rows")
        if before is None or now is None or rows is None:
            return f"{self.path}; its error is not known"
        if rows != _section(metadata, "data").get("validation_rows"):
            return f"{self.path}; its error is of other validation rows, not comparable"
        verdict = "it was better" if before < now else "it was no better"
        return f"{self.path}; MSE {before:.5f} then, {now:.5f} now, on the same validation rows: {verdict}"

    @property
    def _figures(self) -> Mapping[str, Any]:
        return _section(self.metadata, "validation")


def _section(metadata: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a file's metadata, which anybody may have written."""
    section = metadata.get(name) if isinstance(metadata, Mapping) else None
    return section if isinstance(section, Mapping) else {}


def _mse_of(metadata: Mapping[str, Any]) -> float | None:
    mse = _section(_section(metadata, "validation"), "validation").get("mse")
    return float(mse) if isinstance(mse, int | float) else None


def _run_of(metadata: Mapping[str, Any]) -> tuple[object, ...]:
    """What a resuming run has in common with the one that it resumes."""
    settings = {name: value for name, value in _section(metadata, "training").items() if name not in FREE_ON_RESUME}
    return settings, _section(metadata, "data")
