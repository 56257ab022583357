"""Small trained-like model files for all tests that need one to drive with; each made once a run."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from models.architectures.registry import ModelConfig

if TYPE_CHECKING:
    import keras

SEGMENTING = ModelConfig(
    "roadnet", weights="own", standardize=True, dense=(), dropout=0.0, recovery=0.5, tells=True, segments=True
)


@functools.cache
def drivable_model() -> Path:
    from tests.support.made_model import made_model

    return _saved(made_model())


@functools.cache
def segmenting_network() -> keras.Model:
    from models.architectures.registry import build_model

    return build_model(SEGMENTING)


@functools.cache
def segmenting_model() -> Path:
    """A file of `segmenting_network`, which also tells where the car is."""
    return _saved(segmenting_network())


def _saved(model: keras.Model) -> Path:
    from models.saving import save_model_file
    from tests.support.made_model import made_frames

    folder = Path(tempfile.mkdtemp(prefix="drivable-model-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "model.h5"
    save_model_file(path, model, {}, made_frames(4))
    return path
