"""One small trained-like model file for all tests that need one to drive with; made once a run."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path


@functools.cache
def drivable_model() -> Path:
    from models.saving import save_model_file
    from tests.support.made_model import made_frames, made_model

    folder = Path(tempfile.mkdtemp(prefix="drivable-model-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "model.h5"
    save_model_file(path, made_model(), {}, made_frames(4))
    return path
