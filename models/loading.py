"""Loads models for driving; a model of `train/clone.py` needs neither TensorFlow nor Keras."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from models.foreign_policy import ForeignPolicy
from models.model_file import ModelFile, load_model_file
from models.policy import LiteRTPolicy
from models.preprocessing.steps import Preprocessing
from models.runtimes.litert_runtime import LiteRTRuntime, load_litert
from models.runtimes.runtime import Runtime
from simulator_bridge.errors import ModelFileError, UserError
from simulator_bridge.messages import FRAME_SHAPE, decode_frame, encode_frame
from simulator_bridge.printable_text import one_line

logger = logging.getLogger(__name__)

LoadedPolicy = LiteRTPolicy | ForeignPolicy


def load_policy(path: Path, preprocessing: Preprocessing | None = None) -> LoadedPolicy:
    """Load a model for driving: of `train/clone.py`, or of another program.

    >>> from tempfile import TemporaryDirectory
    >>> from models.architectures.registry import ModelConfig, build_model
    >>> from models.saving import save_model_file
    >>> frame = np.zeros(FRAME_SHAPE, np.uint8)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.h5")
    ...     _ = save_model_file(path, build_model(ModelConfig("lenet")), {}, frame[np.newaxis])
    ...     policy = load_policy(path)
    >>> action = policy(frame)
    >>> type(action.steering_angle), action.throttle  # an untrained model, without a throttle
    (<class 'float'>, None)

    The flatbuffer in the file is used if there is one. A Keras model that another program saved is loaded with Keras
    (5-9 s) and converted in memory; .tflite, .onnx and SavedModel folders run as they are.

    Args:
        path: A file, or a SavedModel folder.
        preprocessing: What happens to a frame before a model of another program; None: assumed, see its `notes`.

    Raises:
        ModelFileError: If it is missing, damaged, or no model that can drive; the message says what to do.
        UserError: If the preprocessing does not fit the model.
    """
    file = load_model_file(path)
    if file.flatbuffer is not None:
        if preprocessing is not None:
            raise UserError(f"{path}: a model of train/clone.py prepares the frame itself; leave out --preprocessing")
        return _own_policy(file, file.flatbuffer)
    try:
        return load_foreign(file, preprocessing)
    except ModelFileError as error:
        raise error if str(error).startswith(str(path)) else ModelFileError(f"{path}: {error}") from error


def load_foreign(file: ModelFile, preprocessing: Preprocessing | None = None) -> ForeignPolicy:
    """Load a model of another program; see `load_policy`.

    Raises:
        ModelFileError: See `load_policy`.
        UserError: See `load_policy`.
    """
    runtime, scales = load_runtime(file)
    try:
        return ForeignPolicy(runtime, preprocessing, scales)
    except UserError:
        raise
    except Exception as error:  # whatever a model raises that loads, and cannot run
        reason = one_line(error) or type(error).__name__
        raise ModelFileError(f"{file.path}: {runtime.kind} cannot run it on a frame ({reason})") from error


def load_runtime(file: ModelFile) -> tuple[Runtime, bool | None]:
    """What runs a model of another program, and whether it scales its image itself; None: not known.

    Raises:
        ModelFileError: See `load_policy`.
    """
    if file.kind == "litert":
        return load_litert(file.path), None
    if file.kind == "onnx":
        from models.runtimes.onnx_runtime import OnnxRuntime

        return OnnxRuntime(file.path), None
    if file.kind == "saved_model":
        from models.runtimes.tensorflow_runtime import load_saved_model

        return load_saved_model(file.path), None
    from models.litert_conversion import convert_as_it_is, load_keras_model, normalises  # Keras takes seconds to import

    logger.info("%s holds no LiteRT model: loading it with Keras and converting it, a few seconds", file.path)
    model = load_keras_model(file)
    scales = normalises(model)
    try:
        names = [each.name for each in model.inputs]
        return LiteRTRuntime(convert_as_it_is(model), names, model.output_names), scales
    except Exception as error:  # a model that Keras builds, and that LiteRT has no operations for
        from models.runtimes.tensorflow_runtime import run_keras

        logger.info("%s: runs in TensorFlow, slower than LiteRT, which cannot: %s", file.path, one_line(error))
        return run_keras(model), scales


def _own_policy(file: ModelFile, flatbuffer: bytes) -> LiteRTPolicy:
    try:
        return LiteRTPolicy(flatbuffer, tuple(file.metadata["outputs"]))
    except (
        ValueError,
        KeyError,
        IndexError,
        RuntimeError,
        TypeError,
    ) as error:  # LiteRT's, of bytes that are no model
        reason = one_line(" ".join(str(error).split()))
        raise ModelFileError(f"{file.path}: its LiteRT model is damaged ({reason}); train it again") from error


def load_warm_policy(path: Path, preprocessing: Preprocessing | None = None) -> LoadedPolicy:
    """Load a policy and run it once, so that the first real frame is not slower than the others.

    Raises:
        ModelFileError: See `load_policy`.
        UserError: See `load_policy`.
    """
    policy = load_policy(path, preprocessing)
    policy(decode_frame(encode_frame(np.zeros(FRAME_SHAPE, np.uint8))))
    return policy
