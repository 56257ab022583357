from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option, verbose_option
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.cli.output_file import write_json
from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import RecordingError, UsageError
from tests.support.paths import ROOT


@dataclass(frozen=True, kw_only=True)
class TinyConfig:
    size: int = option(1, "how large", at_least=1)
    json: Path | None = json_option()
    verbose: bool = verbose_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def command(body: Callable[[TinyConfig], int], *words: str) -> int:
    return run_command(TinyConfig, body, words, description="Does little.", former={"--width": "say --size"})


def failing(error: BaseException) -> Callable[[TinyConfig], int]:
    def body(config: TinyConfig) -> int:
        raise error

    return body


def test_the_body_gets_the_config_and_gives_the_exit_code() -> None:
    seen: list[TinyConfig] = []

    def body(config: TinyConfig) -> int:
        seen.append(config)
        return 7

    assert command(body, "--size", "3") == 7
    assert seen == [TinyConfig(size=3)]


def test_a_user_error_is_one_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(failing(RecordingError("lap1: no such folder"))) == 1
    assert capsys.readouterr().err == "error: lap1: no such folder\n"


@pytest.mark.parametrize(
    "words", [("--size", "0"), ("--size",), ("--sise", "2"), ("--width", "2"), ("lap1",), ("-q", "-v")], ids=str
)
def test_a_wrong_command_line_is_2_with_a_short_usage(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as info:
        command(lambda config: 0, *words)
    assert info.value.code == 2
    usage, error = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: ")
    assert "error: " in error


def test_a_usage_error_of_the_body_is_2_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as info:
        command(failing(UsageError("no track is named laek; did you mean lake?")))
    assert info.value.code == 2
    assert "no track is named laek; did you mean lake?" in capsys.readouterr().err


def test_ctrl_c_is_130() -> None:
    assert command(failing(KeyboardInterrupt())) == 130


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        command(failing(ZeroDivisionError()))


def test_a_reader_that_has_gone_is_141_without_a_traceback() -> None:
    program = f"{sys.executable} {ROOT / 'train' / 'clone.py'} --help"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {program} | true"], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("words", "level"), [((), logging.INFO), (("-v",), logging.DEBUG), (("-q",), logging.WARNING)])
def test_loudness_means_the_same_in_every_command(words: tuple[str, ...], level: int) -> None:
    assert command(lambda config: 0, *words) == 0
    assert logging.getLogger("simulator_bridge").level == level


def test_quiet_says_nothing_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    def body(config: TinyConfig) -> int:
        say("reading")
        return 0

    assert command(body, "-q") == 0
    assert capsys.readouterr().err == ""
    assert command(body) == 0
    assert capsys.readouterr().err == "reading\n"


def printing_a_table(config: TinyConfig) -> int:
    print(f"size {config.size}")  # noqa: T201
    if config.json:
        write_json(config.json, {"size": config.size})
    return 0


def test_json_on_standard_output_stands_there_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(printing_a_table, "--json", "-") == 0
    written = capsys.readouterr()
    assert json.loads(written.out) == {"size": 1}
    assert written.err == "size 1\n"
    assert command(printing_a_table, "--json", "-", "-q") == 0
    written = capsys.readouterr()
    assert json.loads(written.out) == {"size": 1}
    assert written.err == ""


def test_json_in_a_file_leaves_the_table_on_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(printing_a_table, "--json", str(tmp_path / "size.json")) == 0
    assert json.loads((tmp_path / "size.json").read_text()) == {"size": 1}
    assert capsys.readouterr().out == "size 1\n"
