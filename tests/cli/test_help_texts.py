"""Every setting of every command says what it is."""

from __future__ import annotations

import dataclasses
import importlib
import re

import pytest

from simulator_bridge.cli.option_parser import build_parser
from tests.support.source_tree import SOURCES, module_name


def command_configs() -> list[type]:
    """Every dataclass with a field made by `argument` or `option`, or by their kin in `common_options.py`."""
    makers = re.compile(r"= (argument|option|\w+_option)\(")
    modules = [importlib.import_module(module_name(path)) for path in SOURCES if makers.search(path.read_text())]
    return [
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and each.__module__ == module.__name__ and dataclasses.is_dataclass(each)
        if any("option" in field.metadata for field in dataclasses.fields(each))
    ]


CONFIGS = command_configs()


def test_the_configs_of_the_commands_are_found() -> None:
    assert "TrainConfig" in {config.__name__ for config in CONFIGS}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
def test_every_field_of_a_command_has_a_help_text(config: type) -> None:
    without = [field.name for field in dataclasses.fields(config) if "option" not in field.metadata]
    assert without == [], "a field that no command line can set"
    silent = [field.name for field in dataclasses.fields(config) if len(field.metadata["option"].help.strip()) < 4]
    assert silent == []


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__name__)
def test_hidden_flags_are_not_in_the_help(config: type) -> None:
    text = build_parser(config, "").format_help()
    for field in dataclasses.fields(config):
        facts = field.metadata["option"]
        if facts.flag is not None:
            flag = facts.flag or "--" + field.name.replace("_", "-")
            assert (re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", text) is None) == facts.is_hidden, flag
