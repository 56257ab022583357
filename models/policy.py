"""Running a trained model on one frame at a time. Importing this module imports neither TensorFlow nor Keras."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from models.quiet_import import quietly
from models.runtimes.litert_runtime import IDENTIFIER
from models.runtimes.runtime import refuse_huge
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_SHAPE, Frame
from simulator_bridge.printable_text import one_line

if TYPE_CHECKING:
    import keras


NUMBER_SHAPE = (1, 1)  # of an output that is a number, for one frame


@dataclass(frozen=True)
class Action:
    """What a model predicts for one frame; not clipped.

    Attributes:
        steering_angle: Normalised, nominally in [-1, 1], positive turns right.
        throttle: Nominally in [-1, 1]; None if the model does not predict it.
        speed_mph: Speed to drive at; None if the model does not predict it.
        road: Steering that this driver would show here, without what leads back; None where a model does not tell it,
            as all that follow.
        lateral_m: Where the car is, metres left of the middle of the road.
        bearing_deg: Where the middle of the road is that it aims at, degrees to the left.
        doubt: How unlike its training the frame looks: at most 1 for 99 of 100 images of the training.
    """

    steering_angle: float
    throttle: float | None = None
    speed_mph: float | None = None
    road: float | None = None
    lateral_m: float | None = None
    bearing_deg: float | None = None
    doubt: float | None = None


ACTION_NAMES = frozenset(field.name for field in fields(Action))


def action_of(names: Sequence[str], outputs: Any) -> Action:
    """The action in a model's outputs for one frame.

    Args:
        names: Of the outputs; what is none of an action, such as a segmentation, or what a later version of the
            project tells, is left out.
        outputs: One, or a list, of (1, 1) each.
    """
    values = outputs if isinstance(outputs, list) else [outputs]
    named = zip(names, values, strict=True)
    return Action(**{name: float(value[0, 0]) for name, value in named if name in ACTION_NAMES})


class Policy(Protocol):
    """Computes an action from a frame: deterministic, safe to call from several threads, no I/O."""

    def __call__(self, frame: Frame) -> Action:
        """The action for a frame, uint8 (160, 320, 3) RGB; raises ValueError for anything else."""
        ...


@runtime_checkable
class SpeedPolicy(Protocol):
    """A policy that can be told the speed; `takes_speed` tells whether it makes a difference."""

    takes_speed: bool

    def at_speed(self, frame: Frame, speed_mph: float) -> Action:
        """The action for a frame at a speed; see `Policy.__call__`."""
        ...


def decide(policy: Policy, frame: Frame, speed_mph: float) -> Action:
    """What a policy does, told the speed if it takes it."""
    return policy.at_speed(frame, speed_mph) if isinstance(policy, SpeedPolicy) else policy(frame)


class LiteRTPolicy:
    """Runs a LiteRT flatbuffer with one thread: the most even times beside a simulator on the same machine."""

    def __init__(self, flatbuffer: bytes, outputs: tuple[str, ...]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        if flatbuffer[4:8] != IDENTIFIER:
            raise ModelFileError("expected a LiteRT model, these bytes are something else")
        with quietly():
            self._interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
            refuse_huge(self._interpreter.get_tensor_details())
            self._interpreter.allocate_tensors()
            refuse_huge(self._interpreter.get_tensor_details())  # now with the shapes that the operations ask for
        inputs = self._interpreter.get_input_details()
        # the converter changes the order of the outputs; in the signature they are output_0, output_1, ...
        details = self._interpreter.get_signature_runner().get_output_details()
        _refuse_other_shapes(inputs, details, outputs)
        self._input = inputs[0]["index"]
        self._outputs = [details[name]["index"] for name in sorted(details)]
        self._names = outputs
        self._lock = threading.Lock()

    def predict(self, frame: Frame) -> list[float]:
        """The outputs in the order of their names; see `Policy.__call__`."""
        return [float(output[0, 0]) for output in self._run(frame)]

    def __call__(self, frame: Frame) -> Action:
        """See `Policy.__call__`."""
        return action_of(self._names, self._run(frame))

    def _run(self, frame: Frame) -> list[npt.NDArray[np.float32]]:
        check_frame(frame)
        with self._lock:
            self._interpreter.set_tensor(self._input, frame[np.newaxis])
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index) for index in self._outputs]


class KerasPolicy:
    """Runs the Keras model itself, compiled by `tf.function`: the reference for LiteRT, which is faster."""

    def __init__(self, model: keras.Model) -> None:
        import tensorflow as tf

        self._names = tuple(model.output_names)
        self._run = tf.function(
            lambda frame: model(frame, training=False),
            input_signature=[tf.TensorSpec((1, *FRAME_SHAPE), tf.uint8)],
        )

    def __call__(self, frame: Frame) -> Action:
        """See `Policy.__call__`."""
        check_frame(frame)
        return action_of(self._names, self._run(frame[np.newaxis]))


def _refuse_other_shapes(
    inputs: list[dict[str, Any]], outputs: Mapping[str, dict[str, Any]], names: tuple[str, ...]
) -> None:
    if len(outputs) != len(names):
        raise ModelFileError(f"the model has {len(outputs)} outputs, its metadata names {names}")
    found = [(tuple(map(int, tensor["shape"])), np.dtype(tensor["dtype"])) for tensor in (*inputs, *outputs.values())]
    expected = [((1, *FRAME_SHAPE), np.dtype(np.uint8)), *[(NUMBER_SHAPE, np.dtype(np.float32))] * len(names)]
    if found != expected:
        wanted, got = (", ".join(f"{kind} {shape}" for shape, kind in each) for each in (expected, found))
        raise ModelFileError(f"expected a model from a frame to its outputs, {wanted}; got {one_line(got)}")


def check_frame(frame: object) -> None:
    """Raise ValueError unless it is a uint8 array (160, 320, 3)."""
    if not isinstance(frame, np.ndarray):
        raise ValueError(f"expected a frame, uint8 {FRAME_SHAPE}; got {type(frame).__name__}")
    if frame.shape != FRAME_SHAPE or frame.dtype != np.uint8:
        raise ValueError(f"expected a frame, uint8 {FRAME_SHAPE}; got {frame.dtype} {frame.shape}")
