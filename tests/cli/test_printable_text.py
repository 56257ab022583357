"""Nothing from outside reaches a terminal raw: names of files, command lines, bytes of clients."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.printable_text import printable
from tests.support.drivable_model import drivable_model
from tests.support.paths import ROOT

HOSTILE = "a\x1b[2Jb\rerror: none\x07\x9b1m\u202egpj"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
TOKEN = "sixteen-letters-"


@given(st.text())
def test_what_is_printable_stays_and_the_rest_can_be_shown(text: str) -> None:
    shown = printable(text)
    assert RAW.search(shown) is None
    assert "\n" not in shown
    shown.encode("utf-8")
    assert printable(shown) == shown
    if text.isprintable():
        assert shown == text


def test_line_ends_of_our_own_text_stay() -> None:
    assert printable("one\ntwo\r", keep="\n") == "one\ntwo\\r"


def run(*command: str, **environment: str) -> tuple[int, str]:
    """Exit code, and standard output and error together; fails if they hold what a terminal would obey."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT, capture_output=True, env={**os.environ, **environment}, check=False, timeout=300,
    )  # fmt: skip
    shown = (done.stdout + done.stderr).decode("utf-8")
    assert RAW.search(shown) is None, repr(shown)
    assert "Traceback" not in shown
    return done.returncode, shown


@pytest.mark.parametrize(
    ("script", "flags"),
    [("drive/server.py", ()), ("drive/laps.py", ()), ("train/clone.py", ()), ("train/checkup.py", ())],
)
def test_a_name_that_is_not_there_is_said_in_one_line(script: str, flags: tuple[str, ...]) -> None:
    code, shown = run(script, f"runs/{HOSTILE}", *flags)
    assert code == 1
    assert "\\x1b[2J" in shown


@pytest.mark.parametrize("argument", [f"--{HOSTILE.replace(' ', '')}", f"--epochs={HOSTILE}", f"--regime={HOSTILE}"])
def test_a_wrong_command_line_is_said_without_obeying_it(argument: str) -> None:
    code, shown = run("train/clone.py", "recordings", argument)
    assert code == 2
    assert "\\x1b" in shown


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are Unicode")
def test_a_name_that_is_no_utf8_does_not_end_a_command(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/r\xff\xfe")
    Path(folder).mkdir()
    for locale in ("C.UTF-8", "C"):
        code, shown = run("train/clone.py", folder, PYTHONUTF8="0", LC_ALL=locale, PYTHONCOERCECLOCALE="0")
        assert code == 1
        assert "\\udcff\\udcfe" in shown


def test_paths_that_are_results_are_shown_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(Path(f"{HOSTILE}\nerror: forged"))
    print_result("two\nlines")
    assert capsys.readouterr().out == "a\\x1b[2Jb\\rerror: none\\x07\\x9b1m\\u202egpj\\nerror: forged\ntwo\nlines\n"


def test_a_warning_of_a_library_is_shown_the_same_way() -> None:
    code, shown = run(
        "-c",
        "import warnings; from simulator_bridge.cli.command import set_up_logging; set_up_logging(); "
        f"warnings.warn({HOSTILE!r})",
    )
    assert code == 0
    assert "UserWarning: a\\x1b[2Jb\\rerror" in shown


def test_cells_of_tables_are_text() -> None:
    shown = text_table([TextColumn(HOSTILE, numeric=False)], [[HOSTILE]], title=HOSTILE)
    assert RAW.search(shown) is None
    assert shown.count("\\x1b[2Jb\\rerror") == 3


@contextlib.contextmanager
def verbose_server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    command = ["drive/server.py", str(drivable_model()), "--port", "0", "-v", "--token", TOKEN]
    with subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        found = re.search(rb"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        try:
            yield process, int(found[1])
        finally:
            process.terminate()


def test_a_verbose_server_logs_neither_what_a_terminal_obeys_nor_tokens() -> None:
    requests = [
        f"GET /{HOSTILE}?token={TOKEN} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET /socket.io/?EIO=4&transport=polling&token={TOKEN} HTTP/1.1\r\nHost: localhost\r\n"
        "User-Agent: \x1b[31mred\r\n\r\n",
        f"{HOSTILE} / HTTP/9.9\r\n\r\n",
        f"GET /?token={TOKEN}\x1b[2J HTTP/1.1\r\nHost: \x1b[2Jevil\r\n\r\n",
        f"G\x1b[2JT /?token={TOKEN} two three HTTP/1.1\r\n\r\n",
    ]
    with verbose_server() as (process, port):
        for request in requests:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
                sock.sendall(request.encode("utf-8"))
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    continue
        process.terminate()
        logged = process.communicate()[1].decode("utf-8")
    assert RAW.search(logged) is None, repr(logged)
    assert TOKEN not in logged
    assert "?..." in logged
    assert "\\x1b[2J" in logged
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in logged.splitlines()), logged
