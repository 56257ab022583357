"""Drives by a model of another program: its image made of the frame, its answers read, whatever runs it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from models.output_reading import OutputReading, plan_outputs
from models.policy import Action, check_frame
from models.preprocessing.image_steps import PreparedImage
from models.preprocessing.steps import Preprocessing, parse_preprocessing
from models.runtimes.runtime import Array, Runtime, TensorSpec
from models.varied_frames import varied_frames
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_SHAPE, Frame

USUAL_SPEED_MPH = 15.0  # for a model that takes the speed, where a frame is all there is
N_PROBES = 4
_DONKEY = (120, 160)


class ForeignPolicy:
    """A policy of a model that takes an image of the frame.

    Args:
        runtime: Runs it.
        preprocessing: How its image is made of the frame; None: assumed, and said in `notes`.
        normalises: Whether the model scales its image itself; None: not known.

    Attributes:
        runtime: As given.
        image: Of its inputs, the one that takes the image.
        prepare: Makes its image of a frame.
        notes: What was assumed, a line each, for people.

    Raises:
        ModelFileError: If no input takes an image, or no output is a steering angle.
        UserError: If the preprocessing does not make its images.
    """

    def __init__(
        self, runtime: Runtime, preprocessing: Preprocessing | None = None, normalises: bool | None = None
    ) -> None:
        self.runtime = runtime
        self.image, self._speed = _inputs_of(runtime)
        assumed, notes = assume(self.image, runtime.outputs, normalises) if preprocessing is None else (None, ())
        self.preprocessing = preprocessing or parse_preprocessing(assumed or "raw")
        self.prepare = PreparedImage(self.preprocessing, self.image.shape, self.image.dtype)
        speed = self.preprocessing.value_of("speed")
        self._speed_unit = float(speed) if isinstance(speed, int | float) else 1.0
        if self._speed is not None and not self.preprocessing.has("speed"):
            notes = (*notes, f"its input {self._speed.name} is taken as the speed in mph; speed=30 divides it by 30")
        probes = [self._run(frame, USUAL_SPEED_MPH) for frame in varied_frames()[:N_PROBES]]
        self._reading: OutputReading = plan_outputs(runtime.outputs, probes)
        self.notes = (*notes, *self._reading.notes)

    @property
    def takes_speed(self) -> bool:
        """Whether the model takes the speed as well."""
        return self._speed is not None

    def __call__(self, frame: Frame) -> Action:
        """See `Policy.__call__`; a model that takes the speed is told a usual one."""
        return self.at_speed(frame, USUAL_SPEED_MPH)

    def at_speed(self, frame: Frame, speed_mph: float) -> Action:
        """The action for a frame at a speed; see `Policy.__call__`."""
        check_frame(frame)
        return self._reading.action(self._run(frame, speed_mph))

    def _run(self, frame: Frame, speed_mph: float) -> list[Array]:
        values = [
            self.prepare(frame)
            if spec is self.image
            else np.full((1, *spec.shape), speed_mph / self._speed_unit, np.float32)
            for spec in self.runtime.inputs
        ]
        return self.runtime.run(values)


def assume(image: TensorSpec, outputs: Sequence[TensorSpec], normalises: bool | None) -> tuple[str, tuple[str, ...]]:
    """The preprocessing to assume for a model of which nothing is told, and what to say of it."""
    channels_first = image.shape[0] in (1, 3) and image.shape[-1] not in (1, 3)
    rows, columns, channels = (*image.shape[1:], image.shape[0]) if channels_first else image.shape
    color = "grey" if channels == 1 else "rgb"
    said = [f"its colours are assumed to be {'grey' if channels == 1 else 'RGB'}"]
    steps = f"color={color}"
    if (rows, columns) != FRAME_SHAPE[:2]:
        said.append(f"the whole frame is resized to its {rows}x{columns}")
        is_donkey = (rows, columns) == _DONKEY
        if image.dtype != "uint8" and (normalises is False or is_donkey):
            steps += ",scale=255"
            said.append("divided by 255, as it does not scale it itself")
    what = ", ".join(said)
    return steps, (f"{what}: if its drive.py does otherwise, say so with --preprocessing, or --calibrate RECORDING",)


def _inputs_of(runtime: Runtime) -> tuple[TensorSpec, TensorSpec | None]:
    """The input that takes an image, and the one that takes a speed."""
    images = [spec for spec in runtime.inputs if len(spec.shape) == 3]
    others = [spec for spec in runtime.inputs if len(spec.shape) != 3]
    shapes = ", ".join(str(spec) for spec in runtime.inputs)
    if len(images) != 1:
        raise ModelFileError(f"expected one input that takes an image, and perhaps one for the speed; it has {shapes}")
    image = images[0]
    if 0 in image.shape:
        if image.shape[-1] in (1, 3) and image.shape[:2] == (0, 0):  # any size will do: the frame's own
            image = TensorSpec(image.name, (*FRAME_SHAPE[:2], image.shape[-1]), image.dtype)
            runtime.inputs = tuple(image if spec is images[0] else spec for spec in runtime.inputs)
        else:
            raise ModelFileError(f"its images have no fixed size: {shapes}; save it with one")
    if not {image.shape[0], image.shape[-1]} & {1, 3}:
        raise ModelFileError(f"expected images of 1 or 3 channels; it takes {shapes}")
    if len(others) > 1 or (
        others and (others[0].shape not in ((1,), ()) or re.search(r"imu|behav|local", others[0].name))
    ):
        raise ModelFileError(f"expected an image, and perhaps the speed, as inputs; the model has {shapes}")
    return image, others[0] if others else None
