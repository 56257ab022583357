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
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from train.studio_page.background_script import BackgroundScript
program = BackgroundScript({SERVER!r}, [])
while not program.lines():
    time.sleep(0.01)
print(program.pid, flush=True)
time.sleep(600)
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
    return "State:\tZ" not in status  # dead, though nobody has asked for its exit code yet


def test_its_lines_are_read_and_it_shuts_down_when_it_is_interrupted() -> None:
    program = BackgroundScript(SERVER, [])
    try:
        lines: list[str] = []
        while not lines:
            assert program.exit_code is None
            time.sleep(0.01)
            lines = program.lines()
        assert "on http://127.0.0.1:" in lines[0]
        assert program.exit_code is None
        program.interrupt()
        wait_until(lambda: program.exit_code == 0)
    finally:
        program.close()


def test_its_exit_code_and_its_error_are_reported() -> None:
    program = BackgroundScript("train/clone.py", ["no-such-recording"])
    try:
        wait_until(lambda: program.exit_code is not None)
        assert program.exit_code == 1
        assert "no-such-recording" in program.last_words()
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
