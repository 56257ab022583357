"""Reads Python's `marshal` format as data: what a Lambda layer stores of its function, from Python 2.7 to 3.14.

`marshal.loads` reads the format of the running Python only, and is not meant for data from others. This reader makes
plain values and `CodeObject`, never a code object that could run, and is bounded in bytes, objects and depth.

Source: CPython, Python/marshal.c, r_object(); the fields of a code object by version.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 65_536
MAX_OBJECTS = 10_000
MAX_DEPTH = 16
FLAG_REF = 0x80
_CONSTANTS = {"N": None, "F": False, "T": True, ".": Ellipsis}
_TEXTS = {"a": "I", "A": "I", "z": "B", "Z": "B", "u": "I", "s": "I", "t": "I"}  # the size of the length by type
_TUPLES = {"(": "I", ")": "B", "[": "I"}


class UnreadableError(Exception):
    """The bytes are no function that can be read, or it is none that is known; the text says why.

    Attributes:
        layer: The name of the layer that has it, where that is known.
    """

    layer = ""


@dataclass(frozen=True)
class CodeObject:
    """A function as stored: its instructions and what they refer to.

    Attributes:
        layout: Which Pythons store code objects so: a key of `LAYOUTS`.
        n_arguments: Positional arguments, the first names of `variables`.
        code: The instructions.
        constants: Values that instructions load.
        names: Global names, attributes and modules.
        variables: Arguments and local variables; from 3.11 those of closures as well.
        cells: Variables shared with other functions, until 3.10; `free` are those of the outer function.
        free: See `cells`; from 3.11 the last ones of `variables`.
    """

    layout: str
    n_arguments: int
    code: bytes
    constants: tuple[Any, ...]
    names: tuple[str, ...]
    variables: tuple[str, ...]
    cells: tuple[str, ...] = ()
    free: tuple[str, ...] = ()


_TAIL = ("filename", "name")
LAYOUTS = {  # the fields of a code object, in order; those in capitals are whole numbers
    "2.7": ("ARGUMENTS", "LOCALS", "STACK", "FLAGS", "code", "constants", "names", "variables", "free", "cells",
            *_TAIL, "LINE", "lines"),
    "3.0": ("ARGUMENTS", "KEYWORD", "LOCALS", "STACK", "FLAGS", "code", "constants", "names", "variables", "free",
            "cells", *_TAIL, "LINE", "lines"),
    "3.8": ("ARGUMENTS", "POSITIONAL", "KEYWORD", "LOCALS", "STACK", "FLAGS", "code", "constants", "names",
            "variables", "free", "cells", *_TAIL, "LINE", "lines"),
    "3.11": ("ARGUMENTS", "POSITIONAL", "KEYWORD", "STACK", "FLAGS", "code", "constants", "names", "variables",
             "kinds", *_TAIL, "qualname", "LINE", "lines", "exceptions"),
}  # fmt: skip
_FREE = 0x80  # in `kinds`: a variable of the outer function


def read_code(data: bytes) -> Iterator[CodeObject]:
    """The code object in marshalled bytes, in each layout in which they can be read; mostly one.

    Raises:
        UnreadableError: If the bytes are too many.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"its code has {len(data):,} bytes, at most {MAX_BYTES:,} are read")
    for layout in LAYOUTS:
        try:
            reader = _Reader(data, layout)
            code = reader.value(0)
        except UnreadableError:
            continue
        if isinstance(code, CodeObject) and reader.at_end:
            yield code


class _Reader:
    """One pass over the bytes, in one layout."""

    def __init__(self, data: bytes, layout: str) -> None:
        self._data, self._layout = data, layout
        self._at, self._n_objects = 0, 0
        self._references: list[Any] = []
        self._interned: list[Any] = []  # Python 2

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def value(self, depth: int) -> Any:
        """The next value."""
        self._n_objects += 1
        if depth > MAX_DEPTH or self._n_objects > MAX_OBJECTS:
            raise UnreadableError("its code is nested too deeply")
        number = self._bytes(1)[0]
        has_reference = bool(number & FLAG_REF) and self._layout != "2.7"
        kind = chr(number & ~FLAG_REF if has_reference else number)
        place = len(self._references)
        if has_reference:
            self._references.append(None)  # its number is given before its contents are read
        value = self._of_kind(kind, depth)
        if has_reference:
            self._references[place] = value
        return value

    def _of_kind(self, kind: str, depth: int) -> Any:
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind in _TEXTS:
            return self._text(kind)
        if kind in _TUPLES:
            return tuple(self.value(depth + 1) for _ in range(self._length(_TUPLES[kind])))
        readers: dict[str, Callable[[], Any]] = {
            "i": lambda: self._number("i"),
            "I": lambda: self._number("q"),
            "g": lambda: self._number("d"),
            "l": self._long,
            "f": self._written_float,
            "r": lambda: self._referred(self._references),
            "R": lambda: self._referred(self._interned),
            "c": lambda: self._code(depth),
        }
        if kind not in readers:
            raise UnreadableError(f"its code has a value of the unknown kind {kind!r}")
        return readers[kind]()

    def _code(self, depth: int) -> CodeObject:
        fields: dict[str, Any] = {}
        for name in LAYOUTS[self._layout]:
            fields[name] = self._number("i") if name.isupper() else self.value(depth + 1)
        texts = {name: fields.get(name, ()) for name in ("names", "variables", "free", "cells")}
        for name, values in texts.items():
            if not isinstance(values, tuple) or not all(isinstance(each, str) for each in values):
                raise UnreadableError(f"its code is damaged: {name}")
        if not isinstance(fields["code"], bytes | str) or not isinstance(fields["constants"], tuple):
            raise UnreadableError("its code is damaged")
        code = fields["code"].encode("latin-1") if isinstance(fields["code"], str) else fields["code"]
        if self._layout == "3.11":
            kinds = fields["kinds"]
            if not isinstance(kinds, bytes) or len(kinds) != len(texts["variables"]):
                raise UnreadableError("its code is damaged: kinds")
            pairs = zip(texts["variables"], kinds, strict=True)
            texts["free"] = tuple(name for name, kind in pairs if kind & _FREE)
        if not 0 <= fields["ARGUMENTS"] <= len(texts["variables"]) or fields.get("KEYWORD"):
            raise UnreadableError("its code has keyword-only arguments, or is damaged")
        return CodeObject(self._layout, fields["ARGUMENTS"], code, fields["constants"], **texts)

    def _text(self, kind: str) -> str | bytes:
        data = self._bytes(self._length(_TEXTS[kind]))
        if kind == "s" and self._layout != "2.7":
            return data
        text = (
            data.decode("utf-8", "surrogatepass") if kind in "ut" and self._layout != "2.7" else data.decode("latin-1")
        )
        if kind == "t" and self._layout == "2.7":
            self._interned.append(text)
        return text

    def _long(self) -> int:
        n_digits = self._number("i")
        if abs(n_digits) > 8:
            raise UnreadableError("its code has a huge number")
        digits = [self._number("H") for _ in range(abs(n_digits))]
        value = sum(digit << (15 * place) for place, digit in enumerate(digits))
        return int(-value if n_digits < 0 else value)

    def _written_float(self) -> float:
        try:
            return float(self._bytes(self._length("B")))
        except ValueError:
            raise UnreadableError("its code has a number that is none") from None

    def _referred(self, values: list[Any]) -> Any:
        number = self._number("I")
        if number >= len(values):
            raise UnreadableError("its code is damaged: a reference to nothing")
        return values[number]

    def _length(self, form: str) -> int:
        length: int = self._number(form)
        if length > len(self._data) - self._at:
            raise UnreadableError("its code is cut off")
        return length

    def _number(self, form: str) -> Any:
        return struct.unpack("<" + form, self._bytes(struct.calcsize("<" + form)))[0]

    def _bytes(self, count: int) -> bytes:
        data = self._data[self._at : self._at + count]
        if len(data) < count:
            raise UnreadableError("its code is cut off")
        self._at += count
        return data
