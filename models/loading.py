"""Loads `model.h5` for driving; a model of `train/clone.py` needs neither TensorFlow nor Keras."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from models.model_file import load_model_file
from models.policy import LiteRTPolicy, Policy
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_SHAPE, decode_frame, encode_frame
from simulator_bridge.printable_text import one_line

logger = logging.getLogger(__name__)


def load_policy(path: Path) -> LiteRTPolicy:
    """Load a model file for driving.

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

    The flatbuffer in the file is used if there is one. A model that another program saved is loaded with Keras (5-9 s)
    and converted in memory; it must take the raw frame and give one number, the steering angle.

    Raises:
        ModelFileError: If the file is missing, damaged or foreign; the message says what to do.
    """
    file = load_model_file(path)
    if file.flatbuffer is not None:
        try:
            return LiteRTPolicy(file.flatbuffer, tuple(file.metadata["outputs"]))
        except (
            ValueError,
            KeyError,
            IndexError,
            RuntimeError,
            TypeError,
        ) as error:  # LiteRT's, of bytes that are no model
            reason = one_line(" ".join(str(error).split()))
            raise ModelFileError(f"{path}: its LiteRT model is damaged ({reason}); train it again") from error
    from models.litert_conversion import convert_to_litert, load_keras_model  # Keras takes seconds to import

    logger.info("%s holds no LiteRT model: loading it with Keras and converting it, a few seconds", path)
    model = load_keras_model(file)
    if len(model.inputs) != 1:
        names = one_line(", ".join(tensor.name for tensor in model.inputs))
        raise ModelFileError(f"{path}: expected one input, the frame; the model has {len(model.inputs)}: {names}")
    if len(model.outputs) != 1 or model.outputs[0].shape[1:] != (1,):
        shapes = ", ".join(str(tuple(output.shape)) for output in model.outputs)
        raise ModelFileError(f"{path}: expected one output (None, 1), the steering angle; the model has {shapes}")
    try:
        return LiteRTPolicy(convert_to_litert(model), ("steering_angle",))
    except Exception as error:  # a model that Keras builds, but that cannot run on one frame, or not in LiteRT
        reason = one_line(error) or type(error).__name__
        raise ModelFileError(f"{path}: LiteRT cannot run it on a frame ({reason}); use stock layers") from error


def load_warm_policy(path: Path) -> Policy:
    """Load a policy and run it once, so that the first real frame is not slower than the others.

    Raises:
        ModelFileError: See `load_policy`.
    """
    policy = load_policy(path)
    policy(decode_frame(encode_frame(np.zeros(FRAME_SHAPE, np.uint8))))
    return policy
