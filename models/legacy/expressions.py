"""What a small function computes, as a tree: made of stored bytecode or of source, without running either."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from models.legacy.marshal_reader import UnreadableError

MAX_SOURCE = 4_000  # characters


@dataclass(frozen=True)
class Argument:
    """What the function is called with, by the argument's name."""

    name: str


@dataclass(frozen=True)
class Constant:
    """A number, a text, None, or a tuple of them."""

    value: Any


@dataclass(frozen=True)
class Name:
    """Something outside the function, such as `tf.image.resize_images`; its parts as written."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Binary:
    """`left operator right`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Item:
    """`value[key]`."""

    value: Expression
    key: Expression


@dataclass(frozen=True)
class Attribute:
    """`value.name`, of anything but a name."""

    value: Expression
    name: str


@dataclass(frozen=True)
class Sequence:
    """A tuple or list."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Slice:
    """`start:stop:step`."""

    start: Expression
    stop: Expression
    step: Expression


@dataclass(frozen=True)
class Call:
    """A call."""

    function: Expression
    positional: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True)
class Function:
    """A function: the names of its arguments, what it returns, and the values of arguments that have one."""

    arguments: tuple[str, ...]
    result: Expression
    values: tuple[tuple[str, Expression], ...] = ()


Expression = Argument | Constant | Name | Binary | Item | Attribute | Sequence | Slice | Call | Function

NOTHING = Constant(None)
OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@",
}  # fmt: skip


def attribute_of(value: Expression, name: str) -> Expression:
    """`value.name`."""
    return Name((*value.parts, name)) if isinstance(value, Name) else Attribute(value, name)


def negative(value: Expression) -> Expression:
    """`-value`."""
    if isinstance(value, Constant) and isinstance(value.value, int | float):
        return Constant(-value.value)
    return Binary("*", Constant(-1), value)


def from_source(text: str) -> Function:
    """What a lambda expression computes, read from its source.

    >>> from_source("lambda x: x / 127.5 - 1.").arguments
    ('x',)

    Raises:
        UnreadableError: If it is no lambda expression of operations that are known here.
    """
    if len(text) > MAX_SOURCE:
        raise UnreadableError(f"its source has {len(text):,} characters, at most {MAX_SOURCE:,} are read")
    try:
        found = ast.parse(text.strip(), mode="eval").body
        function = _expression(found, frozenset())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnreadableError("its source is no lambda expression") from error
    if not isinstance(function, Function):
        raise UnreadableError("its source is no lambda expression")
    return function


def _expression(node: ast.expr | None, arguments: frozenset[str]) -> Expression:
    match node:
        case None:
            return NOTHING
        case ast.Constant(value=value):
            return Constant(value)
        case ast.Name(id=name):
            return Argument(name) if name in arguments else Name((name,))
        case ast.Attribute(value=value, attr=name):
            return attribute_of(_expression(value, arguments), name)
        case ast.UnaryOp(op=ast.USub(), operand=value):
            return negative(_expression(value, arguments))
        case ast.UnaryOp(op=ast.UAdd(), operand=value):
            return _expression(value, arguments)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            return Binary(OPERATORS[type(operator)], _expression(left, arguments), _expression(right, arguments))
        case ast.Subscript(value=value, slice=key):
            return Item(_expression(value, arguments), _expression(key, arguments))
        case ast.Slice(lower=start, upper=stop, step=step):
            return Slice(*(_expression(each, arguments) for each in (start, stop, step)))
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return Sequence(tuple(_expression(item, arguments) for item in items))
        case ast.Call(func=function, args=positional, keywords=keywords) if all(each.arg for each in keywords):
            named = tuple((str(each.arg), _expression(each.value, arguments)) for each in keywords)
            values = tuple(_expression(each, arguments) for each in positional)
            return Call(_expression(function, arguments), values, named)
        case ast.Lambda(args=ast.arguments(posonlyargs=[], args=names, kwonlyargs=[], vararg=None, kwarg=None)):
            own = tuple(each.arg for each in names)
            return Function(own, _expression(node.body, arguments | set(own)))
    raise UnreadableError("it decides, repeats, or does something else that no preprocessing needs")
