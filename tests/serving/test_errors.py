from __future__ import annotations

import subprocess
import sys

import pytest

from simulator_bridge.cli.command import exit_code
from simulator_bridge.errors import UserError
from tests.support.paths import ROOT

PRINTS_MUCH = """
import sys
from simulator_bridge.cli.command import exit_code
def command():
    for number in range(100_000):
        print(number)
    return 0
sys.exit(exit_code(command))
"""


def test_what_a_command_returns_is_its_exit_code() -> None:
    assert exit_code(lambda: 3) == 3


def test_a_user_error_is_one_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise UserError("expected a, got b: do c")

    assert exit_code(command) == 1
    assert capsys.readouterr().err == "error: expected a, got b: do c\n"


def test_ctrl_c_is_130() -> None:
    def command() -> int:
        raise KeyboardInterrupt

    assert exit_code(command) == 130


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_code(lambda: 1 // 0)


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PRINTS_MUCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()  # as `| head -1` does
        assert process.stderr.read() == b""
        assert process.wait(30) == 141
