"""Reads JSON that may be hostile."""

from __future__ import annotations

import json
from typing import Any

from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

MAX_DEPTH = 100


def read_json_object(text: str, where: str) -> dict[str, Any]:
    """Read a JSON object that is not deeply nested, with neither NaN nor infinities in it.

    Raises:
        ModelFileError: If it is anything else.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{where} is damaged: expected JSON ({one_line(error)}); train it again") from error
    if not isinstance(value, dict):
        raise ModelFileError(f"{where} is damaged: expected a JSON object, got {one_line(repr(value)[:80])}")
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        level = [inner for inner in level if isinstance(inner, dict | list)]
    if level:
        raise ModelFileError(f"{where} is damaged: nested more than {MAX_DEPTH} deep")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
