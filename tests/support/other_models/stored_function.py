"""Functions as old files store them: bytecode of Pythons that are not here, and marshalled code objects around it."""

from __future__ import annotations

import base64
import marshal
import struct
from collections.abc import Callable
from typing import Any

SCALING = {  # lambda x: x / 127.5 - 1.0; constants (None, 127.5, 1.0)
    "2.7": "7c0000 640100 15 640200 18 53",
    "3.0 in bytes": "7c0000 640100 1b 640200 18 53",
    "3.0 in words": "7c00 6401 1b00 6402 1800 5300",
    "3.8": "7c00 6401 1b00 6402 1800 5300",
    "3.11": "9700 7c00 6401 7a0b 0000 6402 7a0a 0000 5300",
    "3.12": "9700 7c00 6401 7a0b 0000 6402 7a0a 0000 5300",
    "3.13": "9500 5500 5301 2d0b 0000 5302 2d0a 0000 2400",
    "3.14": "8000 5600 5201 2c0b 0000000000000000 0000 5202 2c0a 0000000000000000 0000 2300",
}
N_NUMBERS = {"2.7": 4, "3.0": 5, "3.8": 6, "3.11": 5}


def marshalled(version: str, code: str, constants: tuple[Any, ...], names: tuple[str, ...] = (), n: int = 1) -> bytes:
    """A code object of the argument x as a Python stores it, without references."""
    layout = version.split()[0]
    layout = "3.11" if layout in ("3.12", "3.13", "3.14") else layout

    def text(value: str) -> bytes:
        return (b"t" if layout == "2.7" else b"u") + _sized(value)

    variables = _tuple([text("x")])
    body = [struct.pack("<i", n if i == 0 else 0) for i in range(N_NUMBERS[layout])]
    body += [b"s" + _sized(bytes.fromhex(code)), _tuple([_value(each) for each in constants])]
    body += [_tuple([text(each) for each in names]), variables]
    if layout == "3.11":
        body += [b"s" + _sized(b"\x20"), text("model.py"), text("<lambda>"), text("<lambda>")]
        body += [struct.pack("<i", 1), b"s" + _sized(b""), b"s" + _sized(b"")]
    else:
        body += [_tuple([]), _tuple([]), text("model.py"), text("<lambda>"), struct.pack("<i", 1), b"s" + _sized(b"")]
    return b"c" + b"".join(body)


def lambda_config(
    function: Callable[..., Any] | bytes, closure: list[Any] | None = None, **config: Any
) -> dict[str, Any]:
    """The config of a Lambda layer as Keras 2 stores it."""
    code = marshal.dumps(function.__code__) if callable(function) else function
    return {"name": "lambda_1", "function": [base64.encodebytes(code).decode(), None, closure], **config}


def _sized(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<I", len(data)) + data


def _tuple(items: list[bytes]) -> bytes:
    return b"(" + struct.pack("<I", len(items)) + b"".join(items)


def _value(value: Any) -> bytes:
    return b"N" if value is None else b"g" + struct.pack("<d", value)
