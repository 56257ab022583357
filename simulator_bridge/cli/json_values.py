"""Values of ours as JSON holds them; what is not finite becomes null."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, SupportsFloat


def to_json_value(value: Any) -> Any:
    """A value as JSON holds it: dataclasses as objects, paths as text, tuples and arrays as lists, NaN as null.

    >>> to_json_value({"mse": float("nan"), "model": Path("model.h5"), "size": (66, 200)})
    {'mse': None, 'model': 'model.h5', 'size': [66, 200]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json_value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json_value(each) for key, each in value.items()}
    if hasattr(value, "tolist"):  # numpy's arrays and numbers
        return to_json_value(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json_value(each) for each in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float):
        return finite_or_none(value)
    return value


def finite_or_none(value: SupportsFloat | None) -> float | None:
    """The number, or None for NaN, infinity and None: JSON has no word for them."""
    number = None if value is None else float(value)
    return number if number is not None and math.isfinite(number) else None
