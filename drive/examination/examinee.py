"""Who is examined: a model, the expert, who never steers, a server of another make, or somebody of an earlier exam."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from drive.evaluation.lap_processes import LapServer
from drive.examination.exam_config import ExamConfig
from drive.foreign_server import ForeignServer
from drive.model_argument import chosen_preprocessing
from models.files.file_kind import digest_of_model
from simulator_bridge.transport.address import free_port

FOREIGN_PORT = 4567
OWN_SPEED_MPH = 15.0  # of our server: the segment sets the speed
# settings of a training that do not make it another recipe
NOT_OF_THE_RECIPE = ("seed", "recordings", "cache_memory", "feature_cache_size")


@dataclass(frozen=True)
class Serving:
    """A server that runs: where, and whether it still does. The expert's has no URL."""

    url: str | None
    has_ended: Callable[[], bool]


@dataclass(frozen=True)
class Examinee:
    """Who steers.

    Attributes:
        kind: What it is.
        name: For people; no other examinee of a run has it.
        model: The file, of a model.
        command: That starts the server, of a server.
        recipe: Name of the way it was trained, the same for all seeds of it; None where that is not known.
        seed: Of the training.
        key: Tells its results from those of others: by the content of a model file, wherever it is and what its name.
        preprocessing: Of a model of another program, as on a command line.
    """

    kind: Literal["model", "expert", "zero", "server", "earlier"]
    name: str
    model: Path | None = None
    command: str | None = None
    recipe: str | None = None
    seed: int | None = None
    key: str = ""
    preprocessing: str | None = None

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", f"{self.kind}-{self._digest()[:16]}")

    @property
    def description(self) -> str:
        """Its name, and how its frames are prepared, if that was asked for or found out."""
        return self.name if self.preprocessing is None else f"{self.name}, frames prepared by {self.preprocessing}"

    def _digest(self) -> str:
        if self.model is None:
            return hashlib.sha256((self.command or self.kind).encode()).hexdigest()
        digest = digest_of_model(self.model)
        if self.preprocessing is None:
            return digest
        return hashlib.sha256(f"{digest} {self.preprocessing}".encode()).hexdigest()

    @property
    def max_jobs(self) -> int | None:
        """How many may steer at the same time; None: any number."""
        return 1 if self.command is not None and "{port}" not in self.command else None

    @contextmanager
    def serving(self, stopped: threading.Event) -> Iterator[Serving]:
        """Start its server; the expert needs none.

        Raises:
            UserError: If it does not start.
        """
        if self.kind == "expert":
            yield Serving(None, lambda: False)
        elif self.command is not None:
            port = free_port() if "{port}" in self.command else FOREIGN_PORT
            server = ForeignServer(self.command, port)
            try:
                yield Serving(server.url, lambda: server.has_ended)
            finally:
                server.close()
        else:
            own = LapServer(self.model, OWN_SPEED_MPH, stopped, self.preprocessing)
            try:
                yield Serving(own.url, lambda: own.process.has_ended)
            finally:
                own.process.close()


def examinees_of(config: ExamConfig) -> list[Examinee]:
    """Everyone that a command names, models first.

    Raises:
        UserError: If a file is no model, or its preprocessing cannot be found out.
    """
    names = _distinct_names(config.models)
    examinees = [
        model_examinee(name, path, _preprocessing(config, path))
        for name, path in zip(names, config.models, strict=True)
    ]
    if config.expert:
        examinees.append(Examinee("expert", "the expert"))
    if config.policy is not None:
        examinees.append(Examinee("zero", "never steers"))
    return [*examinees, *(Examinee("server", command, command=command) for command in config.servers)]


def _preprocessing(config: ExamConfig, model: Path) -> str | None:
    """What a model is given, as on a command line; of several, those that prepare the frame are not calibrated."""
    if config.calibrate is None:
        return config.preprocessing
    if len(config.models) > 1 and _prepares_the_frame(model):
        return None
    chosen = chosen_preprocessing(model, None, config.calibrate)
    return None if chosen is None else chosen.name


def _prepares_the_frame(model: Path) -> bool:
    from models.model_file import load_model_file

    return load_model_file(model).flatbuffer is not None


def model_examinee(name: str, path: Path, preprocessing: str | None = None) -> Examinee:
    """A model file under a name.

    Raises:
        ModelFileError: If it is no model.
    """
    recipe, seed = _recipe(path)
    return Examinee("model", name, model=path, recipe=recipe, seed=seed, preprocessing=preprocessing)


def _recipe(path: Path) -> tuple[str | None, int | None]:
    """A short name of how a model was trained, and its seed; nothing of a model that is not ours."""
    from models.model_file import load_model_file

    metadata = load_model_file(path).metadata
    training: dict[str, Any] = metadata.get("training") or {}
    if "seed" not in training:
        return None, None
    settings = {name: value for name, value in training.items() if name not in NOT_OF_THE_RECIPE}
    told = json.dumps([settings, (metadata.get("data") or {}).get("fingerprint")], sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()[:4]
    regime = (metadata.get("validation") or {}).get("regime", training.get("regime"))
    return f"{training.get('arch')} {regime} ({digest})", training["seed"]


def _distinct_names(paths: tuple[Path, ...]) -> list[str]:
    """File names, with as much of the folders in front as it takes to tell them apart."""
    resolved = [path.resolve() for path in paths]
    for depth in range(1, max((len(path.parts) for path in resolved), default=0) + 1):
        names = ["/".join(path.parts[-depth:]) for path in resolved]
        if len(set(names)) == len(set(resolved)):
            return names
    return [str(path) for path in paths]
