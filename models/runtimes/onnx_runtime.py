"""Runs ONNX models with ONNX Runtime, an optional package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.runtimes.runtime import Array, TensorSpec, fixed_shape
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

MAX_BYTES = 2**31
DTYPES = {
    "tensor(float)": "float32",
    "tensor(uint8)": "uint8",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
}
_IN_ANOTHER_FILE = b"\x0a\x08location"  # the entry of a tensor that names a file with its values


class OnnxRuntime:
    """Runs an .onnx file with one thread.

    Raises:
        ModelFileError: If ONNX Runtime is not installed, or cannot run it.
    """

    kind: str = "ONNX Runtime"

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelFileError(
                f"{path}: an ONNX model needs ONNX Runtime: pip install --editable '.[onnx]'"
            ) from error
        if path.stat().st_size > MAX_BYTES:
            raise ModelFileError(f"{path}: expected a file of at most {MAX_BYTES:,} bytes")
        data = path.read_bytes()
        if _IN_ANOTHER_FILE in data:
            raise ModelFileError(f"{path}: keeps its weights in another file; save it as one file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # whatever it raises on bytes that are no model
            raise ModelFileError(f"{path}: ONNX Runtime cannot load it ({one_line(error)})") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self.inputs: Sequence[TensorSpec] = tuple(_spec(each) for each in inputs)
        self.outputs: Sequence[TensorSpec] = tuple(_spec(each) for each in outputs)

    def run(self, values: Sequence[Array]) -> list[Array]:
        """See `Runtime.run`."""
        feed = {
            spec.name: value.astype(spec.dtype, copy=False) for spec, value in zip(self.inputs, values, strict=True)
        }
        return [np.asarray(each) for each in self._session.run(None, feed)]


def _spec(tensor: object) -> TensorSpec:
    name, shape, dtype = (getattr(tensor, each) for each in ("name", "shape", "type"))
    if dtype not in DTYPES:
        raise ModelFileError(f"its {one_line(name, 40)} is of type {one_line(dtype, 40)}, which is not known here")
    return TensorSpec(str(name), fixed_shape(shape), DTYPES[dtype])
