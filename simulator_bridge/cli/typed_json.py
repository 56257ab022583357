"""Dataclasses read back from JSON, every field checked against its annotation."""

from __future__ import annotations

import dataclasses
import reprlib
import types
import typing
from typing import Any, TypeVar

from simulator_bridge.errors import UserError

Read = TypeVar("Read")

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", types.NoneType: "null"}


def read_dataclass(cls: type[Read], value: object, where: str) -> Read:
    """Make a dataclass of a JSON object; keys that are no fields are ignored.

    Fields may be bool, int, float, str, None, unions of these, other dataclasses, `tuple[X, ...]` and `dict[str, X]`.

    Args:
        cls: The dataclass.
        value: As `json.loads` returns it.
        where: What is read, for messages.

    Raises:
        UserError: If a field is missing or of another type; names it.
    """
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected an object, got {reprlib.repr(value)}")
    annotations = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name not in value:
            raise UserError(f"{where}: no {field.name!r} in it")
        values[field.name] = _read(annotations[field.name], value[field.name], f"{where}, {field.name}")
    return cls(**values)


def _read(annotation: Any, value: Any, where: str) -> Any:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return read_dataclass(annotation, value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(parts[0], each, f"{where} {number}") for number, each in enumerate(value, 1))
    if origin is dict and isinstance(value, dict):
        return {key: _read(parts[1], each, f"{where} {key}") for key, each in value.items()}
    allowed = parts if origin is types.UnionType else (annotation,)
    for kind in allowed:
        if type(value) is kind:
            return value
        if kind is float and type(value) is int:
            return float(value)
    expected = {tuple: "a list", dict: "an object"}.get(origin) or " or ".join(_WORDS[kind] for kind in allowed)
    raise UserError(f"{where}: expected {expected}, got {reprlib.repr(value)}")
