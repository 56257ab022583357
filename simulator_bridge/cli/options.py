"""A command's settings as a dataclass: default, help and range of each told once, beside its field.

    @dataclass(frozen=True, kw_only=True)
    class GreetConfig:
        name: str = argument("whom to greet")
        times: int = option(1, "how often", at_least=1)

        def __post_init__(self) -> None:
            check_options(self)

`--help`, the parsing and the check of the range follow from it, for a person at the command line as for code that makes
a `GreetConfig` itself: the parser is in `option_parser.py`. Imports nothing heavy.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal

from simulator_bridge.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class OptionFacts:
    """What a command line needs to know of a field, beside its type and its default.

    Attributes:
        help: For people, with the unit.
        flag: `--name`; None for a positional argument.
        short: A second, short flag, such as `-v`.
        metavar: What stands for the value in the help; None: made from the type.
        choices: The values allowed; None: any, or those of a `Literal`.
        convert: From text to the value; None: by the field's type.
        at_least: Smallest value allowed, in `unit`; in the same way `above`, `at_most`, `below`.
        unit: Of the range, for messages.
        group: Heading in the help.
        suffixes: Endings that a file's name may have, such as `.mp4`; empty: any.
        repeats: May be said several times, each adding to a tuple.
        is_list: One text holds several values with commas in between.
        is_hidden: For our own programs: left out of the help.
    """

    help: str
    flag: str | None
    short: str | None = None
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    convert: Callable[[str], Any] | None = None
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    unit: str = ""
    group: str = ""
    suffixes: tuple[str, ...] = ()
    repeats: bool = False
    is_list: bool = False
    is_hidden: bool = False


def argument(help: str, *, default: Any = dataclasses.MISSING, **facts: Any) -> Any:  # noqa: A002 - argparse's own name
    """A positional argument, as the default of a dataclass field; `facts` are those of `OptionFacts`."""
    return dataclasses.field(default=default, metadata={"option": OptionFacts(help=help, flag=None, **facts)})


def option(default: Any, help: str, *, flag: str = "", **facts: Any) -> Any:  # noqa: A002 - argparse's own name
    """An option, as the default of a dataclass field; `facts` are those of `OptionFacts`.

    Its flag is the field's name in kebab-case unless `flag` says otherwise.
    """
    return dataclasses.field(default=default, metadata={"option": OptionFacts(help=help, flag=flag, **facts)})


def check_options(config: Any) -> None:
    """Check every field of a config against its range; to be called from its `__post_init__`.

    Raises:
        UsageError: Which flag, what was expected, what came.
    """
    types = typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        facts = facts_of(field)
        choices = choices_of(facts, types[field.name])
        value = getattr(config, field.name)
        for one in value if isinstance(value, tuple) else (value,):
            if choices and one is not None and one not in choices:
                raise UsageError(
                    f"expected {_name(field)} to be one of {', '.join(choices)}; "
                    f"got {one!r}{did_you_mean(str(one), choices)}"
                )
            if facts.suffixes and isinstance(one, Path) and one.suffix.lower() not in facts.suffixes:
                raise UsageError(f"expected {_name(field)} to end in {' or '.join(facts.suffixes)}, got {one}")
            if isinstance(one, int | float) and not isinstance(one, bool) and not _is_inside(one, facts):
                raise UsageError(f"expected {_name(field)} {_range(facts)}, got {one:g}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to put behind a message about an unknown name: `; did you mean lake?`, or nothing."""
    names = {each.lower(): each for each in known}
    longer = sorted((each for each in names if name and each.startswith(name.lower())), key=len)  # an abbreviation
    close = longer or difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return f"; did you mean {names[close[0]]}?" if close else ""


def split_list(text: str) -> tuple[str, ...]:
    """The values in a list with commas: `lake, jungle` has two."""
    return tuple(value.strip() for value in text.split(",") if value.strip())


def facts_of(field: dataclasses.Field[Any]) -> OptionFacts:
    """What `argument` or `option` noted about a field."""
    facts = field.metadata.get("option")
    if not isinstance(facts, OptionFacts):
        raise TypeError(f"{field.name}: expected a field made by argument() or option()")
    return facts


def flag_of(field: dataclasses.Field[Any]) -> str:
    """`--name`, of an option."""
    return facts_of(field).flag or "--" + field.name.replace("_", "-")


def kind_of(of_type: Any) -> tuple[Any, bool]:
    """What one value of a field is, without `| None`, and whether the field holds a tuple of them."""
    origin = typing.get_origin(of_type)
    if origin in (UnionType, typing.Union):
        (of_type,) = (each for each in typing.get_args(of_type) if each is not NoneType)
        return kind_of(of_type)
    if origin is tuple:
        return typing.get_args(of_type)[0], True
    return of_type, False


def choices_of(facts: OptionFacts, of_type: Any) -> tuple[str, ...]:
    """The values allowed, those of a `Literal` too; empty: any."""
    kind, _ = kind_of(of_type)
    return facts.choices or (typing.get_args(kind) if typing.get_origin(kind) is Literal else ())


def _name(field: dataclasses.Field[Any]) -> str:
    return field.name.upper() if facts_of(field).flag is None else flag_of(field)


def _is_inside(value: float, facts: OptionFacts) -> bool:
    return (
        (facts.at_least is None or value >= facts.at_least)
        and (facts.above is None or value > facts.above)
        and (facts.at_most is None or value <= facts.at_most)
        and (facts.below is None or value < facts.below)
    )


def _range(facts: OptionFacts) -> str:
    words = [
        f"{word} {bound:g}"
        for word, bound in (
            ("of at least", facts.at_least),
            ("above", facts.above),
            ("of at most" if facts.at_least is None and facts.above is None else "up to", facts.at_most),
            ("below", facts.below),
        )
        if bound is not None
    ]
    return " and ".join(words) + (f" {facts.unit}" if facts.unit else "")
