"""Finds the functions of Lambda layers in a model's architecture, however a version of Keras stores them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.legacy.bytecode import function_of
from models.legacy.expressions import Constant, Expression, Function, Sequence, from_source
from models.legacy.marshal_reader import UnreadableError
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

LAMBDA = "Lambda"
_CODE_BYTES = (0x63, 0xE3)  # how a marshalled code object begins


def refuse_unknown_functions(path: Path, architecture: Any) -> None:
    """Read every Lambda layer of an architecture.

    Raises:
        ModelFileError: If one is no function that can be read; names the layer, and what it does.
    """
    for config in lambdas_of(architecture):
        try:
            read_function(config)
        except UnreadableError as error:
            raise refused(path, config, error) from error


def refused(path: Path, config: Mapping[str, Any], error: UnreadableError) -> ModelFileError:
    """What to raise for a Lambda layer whose function is not known here."""
    return ModelFileError(
        f"{path}: its Lambda layer {one_line(config.get('name'), 40)} holds Python code, which is never executed here, "
        f"and is no preprocessing that is known: {one_line(error)}; replace it by a stock layer such as Rescaling"
    )


def lambdas_of(architecture: Any) -> list[dict[str, Any]]:
    """The configs of all Lambda layers, also those in nested models; changing one changes the architecture."""
    found, left = [], [architecture]
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            if value.get("class_name") == LAMBDA and isinstance(value.get("config"), dict):
                found.append(value["config"])
            left += value.values()
        elif isinstance(value, list):
            left += value
    return found


def read_function(config: Mapping[str, Any]) -> Function:
    """What a Lambda layer computes.

    Keras 1 and 2 store `[code, defaults, closure]`, the code as text of raw bytes or in base64; Keras 3 stores an
    object with the same three.

    Raises:
        UnreadableError: If it is no function whose code is in the file, or it does something unknown.
    """
    stored = config.get("function")
    if isinstance(stored, Mapping) and stored.get("class_name") == "__lambda__":
        parts = stored.get("config")
        parts = parts if isinstance(parts, Mapping) else {}
        code, defaults, closure = (parts.get(name) for name in ("code", "defaults", "closure"))
    elif isinstance(stored, list) and 1 <= len(stored) <= 3:
        code, defaults, closure = (*stored, None, None)[:3]
    elif isinstance(stored, str) and stored.lstrip().startswith("lambda"):
        return from_source(stored)
    else:
        name = stored.get("config") if isinstance(stored, Mapping) else stored
        raise UnreadableError(f"it calls the function {one_line(name, 60)}, which is not in the file")
    if not isinstance(code, str):
        raise UnreadableError("its code is missing")
    function = function_of(_bytes_of(code), tuple(closure) if isinstance(closure, list) else ())
    return _with_defaults(function, tuple(defaults) if isinstance(defaults, list) else (), config.get("arguments"))


def _bytes_of(code: str) -> bytes:
    data = code.encode("raw_unicode_escape")
    if data[:1] and data[0] in _CODE_BYTES and len(data) > 20 and data[1:2] in (b"\x00", b"\x01", b"\x02", b"\x03"):
        return data
    try:
        return base64.b64decode(code, validate=False)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError("its code is neither bytes nor base64") from error


def _with_defaults(function: Function, defaults: tuple[Any, ...], given: Any) -> Function:
    """The function with the values of its arguments behind the first one, as far as the file has them."""
    names = function.arguments
    values = dict(zip(names[len(names) - len(defaults) :], defaults, strict=False)) if defaults else {}
    if isinstance(given, Mapping):
        values |= {name: value for name, value in given.items() if name in names}
    return replace(function, values=tuple((name, _constant(values[name])) for name in names[1:] if name in values))


def _constant(value: Any) -> Expression:
    return Sequence(tuple(map(_constant, value))) if isinstance(value, list | tuple) else Constant(value)
