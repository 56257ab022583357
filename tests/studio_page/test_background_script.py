"""Scripts that the driving page starts: read line by line, ended without a trace."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from train.studio_page.background_script import BackgroundScript

SERVER = "drive/evaluation/lap_server.py"  # never steers, and needs no model
PATIENCE_S = 30.0  # on a loaded machine

PARENT = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from train.studio_page.background_script import BackgroundScript
program = BackgroundScript({SERVER!r}, [])
program.read_line({PATIENCE_S})
print(program.pid, flush=True)
program.wait(600)
"""


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)  # not waiting for a moment to pass: only not to ask without end


def is_alive(pid: str) -> bool:
    try:
        status = (Path("/proc") / pid / "status").read_text()
    except OSError:
        return False
    return "State:\tZ" not in status  # dead, though its exit code was not read yet


def test_its_lines_are_read_and_it_shuts_down_when_it_is_interrupted() -> None:
    program = BackgroundScript(SERVER, [])
    try:
        assert "on http://127.0.0.1:" in program.read_line(PATIENCE_S)
        assert program.lines() == []
        assert program.exit_code is None
        program.interrupt()
        wait_until(lambda: program.exit_code == 0)
    finally:
        program.close()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "last_words"),
    [
        (["no-such-recording"], 1, "no-such-recording: no such file or folder"),
        (["lake", "--epochs", "0"], 2, "expected --epochs of at least 1, got 0"),
    ],
    ids=["user error", "usage error"],
)
def test_its_exit_code_and_its_error_are_reported(arguments: list[str], exit_code: int, last_words: str) -> None:
    program = BackgroundScript("train/clone.py", arguments)
    try:
        wait_until(lambda: program.exit_code is not None)
        assert program.exit_code == exit_code
        assert program.last_words().startswith(last_words)
    finally:
        program.close(patience_s=1.0)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_ends_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = parent.stdout.readline().strip()
        assert is_alive(child)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_alive(child))
