"""The model that a command is given, and how its images are made: arguments and their checks. Imports nothing heavy."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.preprocessing.steps import HELP, Preprocessing, parse_preprocessing
from simulator_bridge.cli.options import argument, option
from simulator_bridge.errors import ModelFileError, UsageError

if TYPE_CHECKING:
    from models.calibration import Candidate

logger = logging.getLogger(__name__)

N_SHOWN = 3  # of what was tried


def model_argument(what: str = "", **facts: Any) -> Any:
    """The positional argument MODEL; `what` follows "model file" in the help."""
    return argument(
        "model file, as train/clone.py writes it, or of another program (.h5, .keras, .tflite, .onnx, a SavedModel "
        f"folder){what}",
        **facts,
    )


def preprocessing_option(**facts: Any) -> Any:
    """`--preprocessing STEPS`: of models of other programs."""
    return option(None, HELP, metavar="STEPS", **facts)


def calibrate_option(**facts: Any) -> Any:
    """`--calibrate RECORDING`: find the preprocessing out."""
    return option(
        None, "a recording of a driver: try the usual preprocessings on it, and take the one whose steering is most "
        "like the driver's", metavar="RECORDING", **facts,
    )  # fmt: skip


def check_model(path: Path | None) -> None:
    """Refuse a model that is not there; None is fine.

    Raises:
        ModelFileError: If there is no such file or folder.
    """
    if path is not None and not path.exists():
        raise ModelFileError(f"{path}: no such model file; train one first with train/clone.py")


def check_preprocessing(preprocessing: str | None, calibrate: Path | None = None) -> None:
    """Check the two options, for a config's `__post_init__`.

    Raises:
        UsageError: If the steps are none, or both options are given.
    """
    if preprocessing is not None:
        parse_preprocessing(preprocessing)
        if calibrate is not None:
            raise UsageError("expected --preprocessing or --calibrate, got both")


def chosen_preprocessing(
    model: Path | None, preprocessing: str | None, calibrate: Path | None = None
) -> Preprocessing | None:
    """The preprocessing that a command line asks for; with `--calibrate` the best one, which is logged.

    Raises:
        UserError: If the recording or the model cannot be read.
    """
    if preprocessing is not None:
        return parse_preprocessing(preprocessing)
    if calibrate is None or model is None:
        return None
    tried = calibrated(model, calibrate)
    for rank, candidate in enumerate(tried[:N_SHOWN]):
        logger.info("%s: %s%s", model, "best: " if rank == 0 else "next: ", candidate)
    return tried[0].preprocessing


def calibrated(model: Path, recording: Path) -> list[Candidate]:
    """The usual preprocessings as tried on a recording, the best one first.

    Raises:
        UserError: If the recording or the model cannot be read, or the model prepares the frame itself.
    """
    import numpy as np

    from models.calibration import BELIEVED, calibrate, sample_rows
    from models.loading import load_runtime
    from models.model_file import load_model_file
    from simulator_bridge.recording import load_only_recording, read_frame

    file = load_model_file(model)
    if file.flatbuffer is not None:
        raise ModelFileError(f"{model}: a model of train/clone.py prepares the frame itself; leave out --calibrate")
    driven = load_only_recording(recording)
    rows = sample_rows(len(driven))
    frames = [read_frame(driven.image_path("center", row)) for row in rows]
    runtime, normalises = load_runtime(file)
    logger.info("%s: trying preprocessings on %d frames of %s", model, len(rows), recording)
    tried = calibrate(runtime, normalises, frames, driven.steering_angle[np.array(rows)])
    if not tried[0].correlation >= BELIEVED:
        logger.warning("%s: steers unlike the driver of %s with every preprocessing that was tried", model, recording)
    return tried
