"""A command's settings as a dataclass: default, help and range of each told once, beside its field.

    @dataclass(frozen=True, kw_only=True)
    class GreetConfig:
        name: str = argument("whom to greet")
        times: int = option(1, "how often", at_least=1)

        def __post_init__(self) -> None:
            check_options(self)

`--help`, the parsing and the check of the range follow from it, for a person at the command line as for code that makes
a `GreetConfig` itself. Imports nothing heavy.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar

from simulator_bridge.errors import UsageError

Config = TypeVar("Config")


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
        facts = _facts(field)
        choices = _choices(facts, types[field.name])
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


def build_parser(
    config_type: type, description: str, epilog: str = "", former: typing.Mapping[str, str] | None = None
) -> argparse.ArgumentParser:
    """The command line of a config: one flag or argument for each field.

    Args:
        config_type: A dataclass, its fields made by `argument` and `option`.
        description: What the command does, in one sentence.
        epilog: What stands below the options; paragraphs without line ends are filled.
        former: Flags that there were once -> what to say instead.

    Returns:
        A parser that raises `UsageError` where argparse's own would exit.
    """
    fields = dataclasses.fields(config_type)
    parser = _Parser(
        description=description,
        epilog=epilog,
        formatter_class=_Paragraphs,
        allow_abbrev=False,
        usage=_usage(fields),
    )
    parser.former = dict(former or {})
    types = typing.get_type_hints(config_type)
    groups: dict[str, argparse._ArgumentGroup] = {}
    for field in fields:
        facts = _facts(field)
        place: Any = parser
        if facts.group:
            if facts.group not in groups:
                groups[facts.group] = parser.add_argument_group(facts.group)
            place = groups[facts.group]
        _add(place, field, facts, types[field.name])
    return parser


def parse_config(config_type: Callable[..., Config], arguments: Sequence[str]) -> Config:
    """The config that a command line stands for: `parse_config(GreetConfig, ["Ada", "--times", "2"])`.

    Raises:
        UsageError: If it cannot be meant.
    """
    parser = build_parser(config_type, "")  # type: ignore[arg-type]
    return config_type(**vars(parser.parse_args(arguments)))


class _Paragraphs(argparse.HelpFormatter):
    """Fills each paragraph of a description; one with line ends of its own stays as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip().split("\n\n")
        return "\n\n".join(
            each if "\n" in each else super(_Paragraphs, self)._fill_text(each, width, indent) for each in paragraphs
        )


class _Parser(argparse.ArgumentParser):
    """Says what a wrong command line should have been."""

    former: dict[str, str]

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, rest = super().parse_known_args(args, namespace)
        for text in rest:
            flag = text.partition("=")[0]
            if flag in self.former:
                self.error(f"{flag} is gone: {self.former[flag]}")
            if flag.startswith("-"):
                self.error(f"unknown option {flag}{did_you_mean(flag, self._public_flags())}")
        return found, rest

    def _match_argument(self, action: argparse.Action, arg_strings_pattern: str) -> int:
        try:
            return super()._match_argument(action, arg_strings_pattern)
        except argparse.ArgumentError:
            meaning = "" if action.help in (None, argparse.SUPPRESS) else f" ({action.help % {}})"
            raise argparse.ArgumentError(action, f"expected {action.metavar} after it{meaning}") from None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(
                action, f"expected one of {', '.join(known)}; got {value!r}{did_you_mean(str(value), known)}"
            )

    def _public_flags(self) -> list[str]:
        return [flag for flag, action in self._option_string_actions.items() if action.help != argparse.SUPPRESS]

    def error(self, message: str) -> typing.NoReturn:
        raise UsageError(message)


def _usage(fields: Sequence[dataclasses.Field[Any]]) -> str:
    names = []
    for field in fields:
        facts = _facts(field)
        if facts.flag is None and not facts.is_hidden:
            name = facts.metavar or field.name.upper()
            name += "..." if "tuple" in str(field.type) else ""
            names.append(name if field.default is dataclasses.MISSING else f"[{name}]")
    return " ".join(["%(prog)s", *names, "[options]"])


def _add(place: Any, field: dataclasses.Field[Any], facts: OptionFacts, of_type: Any) -> None:
    kind, is_many = _kind(of_type)
    settings: dict[str, Any] = {"help": argparse.SUPPRESS if facts.is_hidden else _help(field, facts, kind)}
    if facts.flag is None:
        names = [field.name]
        is_required = field.default is dataclasses.MISSING
        if is_many:
            settings["nargs"] = "+" if is_required else "*"
        elif not is_required:
            settings["nargs"] = "?"
    else:
        names = [*([facts.short] if facts.short else []), _flag(field)]
        settings["dest"] = field.name
        if is_many and facts.convert is None and not facts.repeats and not facts.is_list:
            settings["nargs"] = "+"
    if field.default is not dataclasses.MISSING:
        settings["default"] = field.default
    if kind is bool:
        settings["action"] = argparse.BooleanOptionalAction if field.default is True else "store_true"
    else:
        choices = _choices(facts, of_type)
        if choices and not is_many:
            settings["choices"] = choices
        settings["metavar"] = metavar = facts.metavar or _metavar(field, kind, choices)
        convert = _converter(facts.convert or (kind if kind in (int, float, Path) else str), metavar)
        settings["type"] = _each(convert, metavar) if facts.is_list else convert
    if facts.repeats:
        settings["action"] = _More if facts.is_list else _Another
    elif is_many and facts.convert is None and not facts.is_list:
        settings["action"] = _AsTuple
    place.add_argument(*names, **settings)


class _AsTuple(argparse.Action):
    """Several values as a tuple: a config is frozen through and through."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        setattr(namespace, self.dest, tuple(values))


class _Another(argparse.Action):
    """One more value of a flag that may be said several times; the first takes the place of the default."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, (*(() if before is self.default else before), values))


class _More(argparse.Action):
    """Several more values of a flag that may be said several times, a list each time."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, (*(() if before is self.default else before), *values))


def _each(convert: Callable[[str], Any], metavar: str) -> Callable[[str], tuple[Any, ...]]:
    def convert_each(text: str) -> tuple[Any, ...]:
        values = split_list(text)
        if not values:
            raise argparse.ArgumentTypeError(f"expected {metavar}, got {text!r}")
        return tuple(convert(value) for value in values)

    return convert_each


def _converter(convert: Callable[[str], Any], metavar: str) -> Callable[[str], Any]:
    expected = {int: "a whole number", float: "a number"}.get(convert, metavar)  # type: ignore[call-overload]

    def convert_or_complain(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            reason = f": {error}" if isinstance(error, UsageError) else ""
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}{reason}") from None

    return convert_or_complain


def _kind(of_type: Any) -> tuple[Any, bool]:
    """What one value of a field is, without `| None`, and whether the field holds a tuple of them."""
    origin = typing.get_origin(of_type)
    if origin in (UnionType, typing.Union):
        (of_type,) = (each for each in typing.get_args(of_type) if each is not NoneType)
        return _kind(of_type)
    if origin is tuple:
        return typing.get_args(of_type)[0], True
    return of_type, False


def _choices(facts: OptionFacts, of_type: Any) -> tuple[str, ...]:
    """The values allowed, those of a `Literal` too; empty: any."""
    kind, _ = _kind(of_type)
    return facts.choices or (typing.get_args(kind) if typing.get_origin(kind) is Literal else ())


def _help(field: dataclasses.Field[Any], facts: OptionFacts, kind: Any) -> str:
    text = facts.help.replace("%", "%%")
    default = field.default
    if default in (dataclasses.MISSING, None, (), "") or kind is bool or "(default" in text:
        return text
    values = default if isinstance(default, tuple) else (default,)
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    return f"{text} (default: {','.join(shown)})"


def _facts(field: dataclasses.Field[Any]) -> OptionFacts:
    facts = field.metadata.get("option")
    if not isinstance(facts, OptionFacts):
        raise TypeError(f"{field.name}: expected a field made by argument() or option()")
    return facts


def _flag(field: dataclasses.Field[Any]) -> str:
    return _facts(field).flag or "--" + field.name.replace("_", "-")


def _name(field: dataclasses.Field[Any]) -> str:
    return field.name.upper() if _facts(field).flag is None else _flag(field)


def _metavar(field: dataclasses.Field[Any], kind: Any, choices: Sequence[str]) -> str:
    if _facts(field).flag is None:
        return field.name.upper()
    if choices:
        return "|".join(choices)
    return {int: "N", float: "X", Path: "PATH"}.get(kind, "TEXT")


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
