"""Reads what a stored function computes, instruction by instruction, as an expression; runs nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from models.legacy.expressions import (
    NOTHING,
    Argument,
    Binary,
    Call,
    Constant,
    Expression,
    Function,
    Item,
    Name,
    Sequence,
    Slice,
    attribute_of,
    negative,
)
from models.legacy.marshal_reader import CodeObject, UnreadableError, read_code
from models.legacy.opcodes import KINDS, OPERATORS, SUBSCRIPT, Instructions

MAX_STEPS = 400
MAX_STACK = 100
MAX_REUSED = 200  # parts of an expression that is used more than once: a function must not grow like 2**n


def function_of(data: bytes, closure: tuple[Any, ...] = ()) -> Function:
    """What a marshalled function computes.

    The file does not say which Python wrote it. It is read as each version in turn; those that can read it must agree.

    Args:
        data: As `marshal` stores a code object.
        closure: The values of its outer function's variables, as the file stores them.

    Raises:
        UnreadableError: If no version reads it, or two read different things; the text says why.
    """
    found: list[Function] = []
    reasons: list[str] = []
    for code in read_code(data):
        for kind in KINDS:
            if kind.layout != code.layout:
                continue
            outer = {name: _constant(value) for name, value in zip(code.free, closure, strict=False)}
            try:
                function = _Reading(kind, code, outer).function()
                if function not in found:
                    found.append(function)
            except UnreadableError as error:
                reasons.append(str(error))
            except RecursionError:
                reasons.append("its code is nested too deeply")
    if not found:
        raise UnreadableError(reasons[0] if reasons else "its code is that of no Python that is known here")
    if len(found) > 1:
        raise UnreadableError("its code means different things in different versions of Python")
    return found[0]


class _Reading:
    """One walk over the instructions of one function, with a stack of expressions in place of values."""

    def __init__(self, kind: Instructions, code: CodeObject, outer: Mapping[str, Expression]) -> None:
        self._kind, self._code = kind, code
        self._arguments = code.variables[: code.n_arguments]
        self._variables: dict[str, Expression] = {**outer, **{name: Argument(name) for name in self._arguments}}
        self._stack: list[Any] = []
        self._keywords: tuple[str, ...] = ()  # of the next call, in 3.11 and 3.12
        self._n_steps = 0

    def function(self) -> Function:
        """The whole function."""
        for name, argument in self._kind.of(self._code.code):
            self._n_steps += 1
            if self._n_steps > MAX_STEPS or len(self._stack) > MAX_STACK:
                raise UnreadableError("its code is too long")
            if name == "RETURN_VALUE":
                return self._end(self._pop())
            if name == "RETURN_CONST":
                return self._end(_constant(self._entry(self._code.constants, argument)))
            self._step(name, argument)
        raise UnreadableError("its code has no end")

    def _end(self, result: Any) -> Function:
        if self._stack or isinstance(result, CodeObject):
            raise UnreadableError("its code is of another version of Python")
        return Function(self._arguments, result)

    def _step(self, name: str, argument: int) -> None:
        if name.startswith("BINARY_") and name[7:] in OPERATORS:
            self._operate(name[7:])
            return
        steps: dict[str, Callable[[int], None]] = {
            "POP_TOP": lambda _: self._drop(),
            "ROT_TWO": lambda _: self._swap(2),
            "ROT_THREE": lambda _: self._stack.insert(-2, self._pop()),
            "SWAP": self._swap,
            "DUP_TOP": lambda _: self._copy(1),
            "COPY": self._copy,
            "UNARY_POSITIVE": lambda _: None,
            "UNARY_NEGATIVE": lambda _: self._stack.append(negative(self._pop())),
            "BINARY_OP": self._operation,
            "BINARY_SUBSCR": lambda _: self._item(),
            "BINARY_SLICE": lambda _: self._binary_slice(),
            "BUILD_TUPLE": self._sequence,
            "BUILD_LIST": self._sequence,
            "LIST_EXTEND": lambda _: self._extend(),
            "UNPACK": self._unpack,
            "BUILD_SLICE": self._slice,
            "CALL_FUNCTION": self._call,
            "CALL_KW": self._call_kw,
            "CALL_INTRINSIC_1": self._intrinsic,
            "MAKE_FUNCTION": self._make_function,
            "MAKE_FUNCTION_PLAIN": lambda _: self._make_function(0),
            "SET_FUNCTION_ATTRIBUTE": self._set_function_attribute,
            "IMPORT_NAME": self._import,
        }
        loader = _LOADERS.get(name)
        if loader is not None:
            loader(self, argument)
        elif name in steps:
            steps[name](argument)
        else:
            raise UnreadableError(f"its code has the instruction {name}")

    # loading and storing

    def _load_constant(self, number: int) -> None:
        value = self._entry(self._code.constants, number)
        self._stack.append(value if isinstance(value, CodeObject) else _constant(value))

    def _load_variable(self, number: int) -> None:
        self._load(self._entry(self._code.variables, number))

    def _load_cell(self, number: int) -> None:
        self._load(self._entry((*self._code.cells, *self._code.free), number))

    def _load(self, name: str) -> None:
        if name not in self._variables:
            raise UnreadableError(f"it needs the value {name} of an outer function, which is not in the file")
        self._stack.append(self._variables[name])

    def _store_variable(self, number: int) -> None:
        self._variables[self._entry(self._code.variables, number)] = _reusable(self._pop())

    def _store_cell(self, number: int) -> None:
        self._variables[self._entry((*self._code.cells, *self._code.free), number)] = _reusable(self._pop())

    def _two(self, first: Callable[[int], None], second: Callable[[int], None], numbers: int) -> None:
        first(numbers >> 4)
        second(numbers & 15)

    def _load_global(self, number: int) -> None:
        self._stack.append(Name((self._entry(self._code.names, number),)))

    def _load_attribute(self, number: int) -> None:
        self._stack.append(attribute_of(self._pop(), self._entry(self._code.names, number)))

    def _import(self, number: int) -> None:
        names, _ = self._pop(), self._pop()
        parts = tuple(self._entry(self._code.names, number).split("."))
        whole = names not in (NOTHING, Sequence(()))  # `from a.b import c` gives a.b, `import a.b` gives a
        self._stack.append(Name(parts if whole else parts[:1]))

    def _import_from(self, number: int) -> None:
        self._copy(1)
        self._load_attribute(number)

    # the stack

    def _pop(self) -> Any:
        if not self._stack:
            raise UnreadableError("its code is of another version of Python")
        return self._stack.pop()

    def _pop_many(self, count: int) -> tuple[Any, ...]:
        if count > len(self._stack):
            raise UnreadableError("its code is of another version of Python")
        return tuple(self._pop() for _ in range(count))[::-1]

    def _drop(self) -> None:
        self._pop()

    def _swap(self, place: int) -> None:
        if not 2 <= place <= len(self._stack):
            raise UnreadableError("its code is of another version of Python")
        self._stack[-1], self._stack[-place] = self._stack[-place], self._stack[-1]

    def _copy(self, place: int) -> None:
        if not 1 <= place <= len(self._stack):
            raise UnreadableError("its code is of another version of Python")
        self._stack.append(_reusable(self._stack[-place]))

    # operations

    def _operate(self, operator: str) -> None:
        left, right = self._pop_many(2)
        if self._kind.layout == "2.7" and operator == "/" and _is_whole(left) and _is_whole(right):
            operator = "//"
        self._stack.append(Binary(operator, left, right))

    def _operation(self, number: int) -> None:
        if number == SUBSCRIPT:
            self._item()
        else:
            self._operate(OPERATORS[self._entry(tuple(range(len(OPERATORS))) * 2, number)])

    def _item(self) -> None:
        self._stack.append(Item(*self._pop_many(2)))

    def _binary_slice(self) -> None:
        value, start, stop = self._pop_many(3)
        self._stack.append(Item(value, Slice(start, stop, NOTHING)))

    def _sequence(self, count: int) -> None:
        self._stack.append(Sequence(self._pop_many(count)))

    def _extend(self) -> None:
        items, more = self._pop_many(2)
        if items != Sequence(()) or not isinstance(more, Sequence):
            raise UnreadableError("its code joins lists")
        self._stack.append(more)

    def _unpack(self, count: int) -> None:
        values = self._pop()
        if not isinstance(values, Sequence) or len(values.items) != count:
            raise UnreadableError("its code takes a value apart")
        self._stack += reversed(values.items)

    def _slice(self, count: int) -> None:
        parts = self._pop_many(count)
        self._stack.append(Slice(*parts, *[NOTHING] * (3 - count)))

    def _intrinsic(self, number: int) -> None:
        if number not in (5, 6):  # +x, and a list made into a tuple: both are the same here
            raise UnreadableError("its code has an instruction that no preprocessing needs")

    # functions

    def _call(self, number: int) -> None:
        keywords: tuple[tuple[str, Any], ...] = ()
        if self._kind.pairs_in_call:
            flat = self._pop_many(2 * (number >> 8))
            names = tuple(each.value if isinstance(each, Constant) else None for each in flat[::2])
            keywords, number = tuple(zip(map(str, names), flat[1::2], strict=True)), number & 0xFF
        elif self._keywords:
            keywords = self._named(self._keywords)
            number, self._keywords = number - len(keywords), ()
        positional = self._pop_many(number)
        self._stack.append(Call(self._pop(), positional, keywords))

    def _call_kw(self, number: int) -> None:
        names = self._pop()
        if not isinstance(names, Sequence):
            raise UnreadableError("its code is of another version of Python")
        keywords = self._named(tuple(str(each.value) for each in names.items if isinstance(each, Constant)))
        positional = self._pop_many(number - len(keywords))
        self._stack.append(Call(self._pop(), positional, keywords))

    def _named(self, names: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
        return tuple(zip(names, self._pop_many(len(names)), strict=True))

    def _name_keywords(self, number: int) -> None:
        names = self._entry(self._code.constants, number)
        self._keywords = tuple(map(str, names)) if isinstance(names, tuple) else ()

    def _make_function(self, flags: int) -> None:
        if self._kind.qualified:
            self._pop()
        code = self._pop()
        if not isinstance(code, CodeObject) or flags & ~8 or (flags and self._kind.pairs_in_call):
            raise UnreadableError("it makes a function with defaults")
        if flags & 8:
            self._pop()  # the tuple of variables that it shares: taken by name from ours
        self._stack.append(_Reading(self._kind, code, self._variables).function())

    def _set_function_attribute(self, flags: int) -> None:
        function, _ = self._pop(), self._pop()
        if flags != 8:
            raise UnreadableError("it makes a function with defaults")
        self._stack.append(function)

    def _entry(self, values: tuple[Any, ...], number: int) -> Any:
        if not 0 <= number < len(values):
            raise UnreadableError("its code is of another version of Python")
        return values[number]


_LOADERS: dict[str, Callable[[_Reading, int], None]] = {
    "LOAD_CONST": _Reading._load_constant,
    "LOAD_SMALL_INT": lambda reading, number: reading._stack.append(Constant(number)),
    "LOAD_FAST": _Reading._load_variable,
    "LOAD_DEREF": _Reading._load_cell,
    "LOAD_CLOSURE": lambda reading, _: reading._stack.append(NOTHING),
    "STORE_FAST": _Reading._store_variable,
    "STORE_DEREF": _Reading._store_cell,
    "LOAD_FAST_LOAD_FAST": lambda r, pair: r._two(r._load_variable, r._load_variable, pair),
    "STORE_FAST_LOAD_FAST": lambda r, pair: r._two(r._store_variable, r._load_variable, pair),
    "STORE_FAST_STORE_FAST": lambda r, pair: r._two(r._store_variable, r._store_variable, pair),
    "LOAD_GLOBAL": _Reading._load_global,
    "LOAD_GLOBAL_HALF": lambda reading, number: reading._load_global(number >> 1),
    "LOAD_ATTR": _Reading._load_attribute,
    "LOAD_ATTR_HALF": lambda reading, number: reading._load_attribute(number >> 1),
    "IMPORT_FROM": _Reading._import_from,
    "KW_NAMES": _Reading._name_keywords,
}


def _reusable(expression: Any) -> Any:
    left, n_parts = [expression], 0
    while left:
        part = left.pop()
        n_parts += 1
        if n_parts > MAX_REUSED:
            raise UnreadableError("its code is too long")
        if isinstance(part, tuple):
            left += part
        elif dataclasses.is_dataclass(part) and not isinstance(part, CodeObject):
            left += [getattr(part, each.name) for each in dataclasses.fields(part)]
    return expression


def _constant(value: Any) -> Expression:
    """A stored constant; a tuple as a sequence, as it is the same as one that is built."""
    if isinstance(value, tuple | list):
        return Sequence(tuple(map(_constant, value)))
    return Constant(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, Constant) and isinstance(value.value, int)
