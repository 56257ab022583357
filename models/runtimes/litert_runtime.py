"""Runs LiteRT flatbuffers of other programs, quantised ones too."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.quiet_import import quietly
from models.runtimes.runtime import Array, TensorSpec, fixed_shape, refuse_huge
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

IDENTIFIER = b"TFL3"


class LiteRTRuntime:
    """Runs a flatbuffer with one thread. Quantised inputs and outputs are numbers to its callers.

    Args:
        flatbuffer: The model.
        inputs: Names of its inputs; None: those in the flatbuffer.
        outputs: Names of its outputs, in the order of their numbers; None: those in the flatbuffer.

    Raises:
        ModelFileError: If it is no LiteRT model, or claims too much memory.
    """

    kind: str = "LiteRT"

    def __init__(
        self, flatbuffer: bytes, inputs: Sequence[str] | None = None, outputs: Sequence[str] | None = None
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter

        if flatbuffer[4:8] != IDENTIFIER:
            raise ModelFileError("expected a LiteRT model, these bytes are something else")
        with quietly():
            self._interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
            refuse_huge(self._interpreter.get_tensor_details())
            self._interpreter.allocate_tensors()
            refuse_huge(self._interpreter.get_tensor_details())
        self._inputs = self._interpreter.get_input_details()
        self._outputs = _in_order(self._interpreter)
        self._lock = threading.Lock()
        self.inputs: Sequence[TensorSpec] = _named([_spec(each) for each in self._inputs], inputs)
        self.outputs: Sequence[TensorSpec] = _named([_spec(each) for each in self._outputs], outputs)

    def run(self, values: Sequence[Array]) -> list[Array]:
        """See `Runtime.run`."""
        with self._lock:
            for detail, value in zip(self._inputs, values, strict=True):
                self._interpreter.set_tensor(detail["index"], _quantised(value, detail))
            self._interpreter.invoke()
            return [_real(self._interpreter.get_tensor(each["index"]), each) for each in self._outputs]


def load_litert(path: Path) -> LiteRTRuntime:
    """Load a .tflite file.

    Raises:
        ModelFileError: If it is damaged, or needs operations that LiteRT alone does not have.
    """
    try:
        return LiteRTRuntime(path.read_bytes())
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    except Exception as error:  # LiteRT's, of bytes that are no model, or of operations that it lacks
        reason = one_line(" ".join(str(error).split()))
        raise ModelFileError(f"{path}: LiteRT cannot run it ({reason}); export it with built-in operations") from error


def _in_order(interpreter: Any) -> list[dict[str, Any]]:
    """The outputs in the order of the model that was converted: the converter changes it, their names keep it."""
    try:
        signature = interpreter.get_signature_runner().get_output_details()
    except ValueError:  # an older file without one
        signature = {}
    details: list[dict[str, Any]] = interpreter.get_output_details()
    if len(signature) != len(details):
        return details
    return [{**signature[name], "name": name} for name in sorted(signature)]


def _named(specs: Sequence[TensorSpec], names: Sequence[str] | None) -> tuple[TensorSpec, ...]:
    if names is None or len(names) != len(specs):
        return tuple(specs)
    return tuple(replace(spec, name=name) for name, spec in zip(names, specs, strict=True))


def _spec(detail: dict[str, Any]) -> TensorSpec:
    is_quantised = bool(_scale_of(detail)[0])
    dtype = "float32" if is_quantised else np.dtype(detail["dtype"]).name
    return TensorSpec(str(detail["name"]), fixed_shape(detail["shape"]), dtype)


def _scale_of(detail: dict[str, Any]) -> tuple[float, int]:
    scale, zero = detail.get("quantization", (0.0, 0))
    is_whole = np.dtype(detail["dtype"]).kind in "iu"
    return (float(scale), int(zero)) if is_whole else (0.0, 0)


def _quantised(value: Array, detail: dict[str, Any]) -> Array:
    scale, zero = _scale_of(detail)
    if not scale:
        return value.astype(detail["dtype"], copy=False)
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.rint(value / scale + zero), limits.min, limits.max).astype(detail["dtype"])


def _real(value: Array, detail: dict[str, Any]) -> Array:
    scale, zero = _scale_of(detail)
    return (value.astype(np.float32) - zero) * scale if scale else value
