"""What runs a model of another program: arrays in, arrays out, with one batch dimension of 1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

Array = npt.NDArray[Any]
MAX_TENSOR_BYTES = 2**31  # of all arrays of a flatbuffer, as if none shared memory with another
MAX_VALUE_BYTES = 8


@dataclass(frozen=True)
class TensorSpec:
    """An input or output.

    Attributes:
        name: As the model names it.
        shape: Without the batch.
        dtype: Of its values.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{one_line(self.name, 40)} {self.shape}"


class Runtime(Protocol):
    """Runs a model; safe to call from several threads.

    Attributes:
        kind: For people.
        inputs: What it takes.
        outputs: What it gives.
    """

    kind: str
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]

    def run(self, values: Sequence[Array]) -> list[Array]:
        """The outputs, each (1, ...), for an array for each input, each (1, ...) of its dtype."""
        ...


def refuse_huge(tensors: Iterable[Mapping[str, Any]]) -> None:
    """Refuse arrays of a LiteRT model that claim more memory than any driving model needs.

    Raises:
        ModelFileError: Says how much.
    """
    claimed = sum(math.prod(map(int, tensor["shape"])) * MAX_VALUE_BYTES for tensor in tensors)
    if claimed > MAX_TENSOR_BYTES:
        raise ModelFileError(f"its arrays claim {claimed:,} bytes, at most {MAX_TENSOR_BYTES:,} are believed")


def fixed_shape(shape: Iterable[object]) -> tuple[int, ...]:
    """A shape without its batch; a length that is not known is 0."""
    return tuple(int(each) if isinstance(each, int | np.integer) and each > 0 else 0 for each in list(shape)[1:])
