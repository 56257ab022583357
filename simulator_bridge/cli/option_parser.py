"""The command line of a config whose fields are made by `options.py`: argparse, told by the fields.

Frameworks that do the same cost more than the rest of a `--help` together: 320 ms (tyro) or 450 (typer) where argparse
takes 55.
"""

from __future__ import annotations

import argparse
import dataclasses
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from simulator_bridge.cli.options import OptionFacts, choices_of, did_you_mean, facts_of, flag_of, kind_of, split_list
from simulator_bridge.errors import UsageError

Config = TypeVar("Config")


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
        facts = facts_of(field)
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
    return config_type(**vars(parser.parse_intermixed_args(arguments)))


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
        facts = facts_of(field)
        if facts.flag is None and not facts.is_hidden:
            name = facts.metavar or field.name.upper()
            name += "..." if "tuple" in str(field.type) else ""
            names.append(name if field.default is dataclasses.MISSING else f"[{name}]")
    return " ".join(["%(prog)s", *names, "[options]"])


def _add(place: Any, field: dataclasses.Field[Any], facts: OptionFacts, of_type: Any) -> None:
    kind, is_many = kind_of(of_type)
    settings: dict[str, Any] = {"help": argparse.SUPPRESS if facts.is_hidden else _help(field, facts, kind)}
    if facts.flag is None:
        names = [field.name]
        is_required = field.default is dataclasses.MISSING
        if is_many:
            settings["nargs"] = "+" if is_required else "*"
        elif not is_required:
            settings["nargs"] = "?"
    else:
        names = [*([facts.short] if facts.short else []), flag_of(field)]
        settings["dest"] = field.name
        if is_many and facts.convert is None and not facts.repeats and not facts.is_list:
            settings["nargs"] = "+"
    if field.default is not dataclasses.MISSING:
        settings["default"] = field.default
    if kind is bool:
        settings["action"] = argparse.BooleanOptionalAction if field.default is True else "store_true"
    else:
        choices = choices_of(facts, of_type)
        if choices and not is_many:
            settings["choices"] = choices
        settings["metavar"] = metavar = facts.metavar or _metavar(field, kind, choices)
        convert = _converter(facts.convert or (kind if kind in (int, float, Path) else str), metavar)
        if facts.is_list:
            convert = _each(convert, metavar)
        elif facts.repeats:
            convert = _alone(convert)
        settings["type"] = convert
    if facts.repeats:
        settings["action"] = _More
    elif is_many and facts.convert is None and not facts.is_list:
        settings["action"] = _AsTuple
    place.add_argument(*names, **settings)


def _help(field: dataclasses.Field[Any], facts: OptionFacts, kind: Any) -> str:
    text = facts.help.replace("%", "%%")
    default = field.default
    if default in (dataclasses.MISSING, None, (), "") or kind is bool or "(default" in text:
        return text
    values = default if isinstance(default, tuple) else (default,)
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    return f"{text} (default: {','.join(shown)})"


def _metavar(field: dataclasses.Field[Any], kind: Any, choices: Sequence[str]) -> str:
    if facts_of(field).flag is None:
        return field.name.upper()
    if choices:
        return "|".join(choices)
    return {int: "N", float: "X", Path: "PATH"}.get(kind, "TEXT")


class _AsTuple(argparse.Action):
    """Several values as a tuple: a config is frozen through and through."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        setattr(namespace, self.dest, tuple(values))


class _More(argparse.Action):
    """More values of a flag that may be said several times; the first take the place of the default."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, (*(() if before is self.default else before), *values))


def _alone(convert: Callable[[str], Any]) -> Callable[[str], tuple[Any]]:
    return lambda text: (convert(text),)


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
