"""The model that rounds begin with: how it was trained, so that the same training can have more rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.architectures.architecture import OWN_WEIGHTS
from models.model_file import load_model_file
from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.option_parser import parse_config
from simulator_bridge.cli.options import flag_of
from simulator_bridge.errors import UserError
from simulator_bridge.recording.weighted_path import split_weight
from train.data.training_rows import load_rows
from train.train_config import NOT_IN_A_MODEL, TrainConfig

RIDGE = "ridge"
OF_THE_NETWORK = ("arch", "weights", "regime", "recovery", "lookahead", "cut", "alpha", "image_size")
DEFAULT_RECORDINGS = (Path("recordings"),)


@dataclass(frozen=True, eq=False)
class BegunModel:
    """A model of `train/clone.py`.

    Attributes:
        path: Its file.
        metadata: In it.
    """

    path: Path
    metadata: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path) -> BegunModel:
        """Read a model file.

        Raises:
            ModelFileError: If there is no such model.
            UserError: If another program made it.
        """
        metadata = load_model_file(path).metadata
        if not (metadata.get("model") and metadata.get("training")):
            raise UserError(f"{path}: expected a model of train/clone.py; another program made this one")
        return cls(path, metadata)

    @property
    def is_solved(self) -> bool:
        """Whether its head is solved anew on all rows; else its weights are trained on."""
        model, training = self.metadata["model"], self.metadata["training"]
        return bool(training.get("regime") == RIDGE and model.get("weights") == OWN_WEIGHTS)

    @property
    def validation_mse(self) -> float | None:
        """Its error on its own validation rows, where it is known."""
        validation = self.metadata.get("validation")
        figures = validation.get("validation") if isinstance(validation, dict) else None
        mse = figures.get("mse") if isinstance(figures, dict) else None
        return float(mse) if isinstance(mse, int | float) else None

    @property
    def recording_names(self) -> str:
        """The names of the recordings that it was trained on, for people."""
        return ", ".join(map(str, self.metadata["training"].get("recordings", ()))) or "unknown"

    def arguments(self, model: Path) -> list[str]:
        """The settings of its training on the command line of `train/clone.py`.

        Args:
            model: Whose weights are trained on, if they are.

        Raises:
            UserError: If a setting is none of this version.
        """
        named = OF_THE_NETWORK if self.is_solved else ()
        skipped = {*NOT_IN_A_MODEL, "recordings", *OF_THE_NETWORK, "learning_rate", "max_seconds"} - {*named}
        arguments = [] if self.is_solved else [f"--from={model}"]
        training = self.metadata["training"]
        for field in dataclasses.fields(TrainConfig):
            if field.name in training and field.name not in skipped:
                arguments += _flag(field, training[field.name])
        try:
            parse_config(TrainConfig, ["recordings", *arguments])
        except UserError as error:
            raise UserError(f"{self.path}: it was trained as this version cannot: {error}; train it anew") from error
        return arguments

    def check_recordings(self, recordings: Sequence[Path]) -> tuple[tuple[Path, ...], str | None]:
        """The recordings to learn from, and what there is to say about them.

        Args:
            recordings: As given; none: `recordings/`, if the model was trained on that.

        Raises:
            UserError: If there are none, or they cannot be read.
        """
        chosen = tuple(recordings) or DEFAULT_RECORDINGS
        wanted = f"--recordings: expected what {self.path} was trained on ({self.recording_names})"
        if not recordings and not DEFAULT_RECORDINGS[0].is_dir():
            raise UserError(f"{wanted}, whose place no model file tells; name it")
        is_it = self._fingerprint_of(chosen) == self.metadata.get("data", {}).get("fingerprint")
        if not (recordings or is_it):
            raise UserError(f"{wanted}, and {chosen[0]}/ is something else; name it")
        return chosen, None if is_it else f"{wanted}; these are other rows, or validated on others"

    def _fingerprint_of(self, recordings: Sequence[Path]) -> str:
        arguments = [argument for argument in self.arguments(self.path) if not argument.startswith("--from=")]
        config = parse_config(TrainConfig, [*map(str, recordings), *arguments])
        return load_rows(config).rows.fingerprint()


def weighted(path: Path, factor: float) -> str:
    """A recording on the command line of `train/clone.py`, so many times as heavy as it was named.

    >>> weighted(Path("laps=2"), 1.5)
    'laps=3'
    """
    plain, weight = split_weight(path)
    return f"{plain}={weight * factor:g}"


def _flag(field: dataclasses.Field[Any], value: Any) -> list[str]:
    """A setting as a metadata holds it; nothing where it is the default."""
    if value is None or value == to_json_value(field.default):
        return []
    flag = flag_of(field)
    if isinstance(field.default, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if field.name == "image_size":
        return [f"{flag}={value[0]}x{value[1]}"]
    if isinstance(value, list):
        return [f"{flag}={','.join(map(str, value))}"]
    return [f"{flag}={value}"]
