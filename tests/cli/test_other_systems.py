"""What differs on Windows and macOS. None of them runs here: doubles play their part, and the sources are searched."""

from __future__ import annotations

import ast
import errno
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from drive.foreign_server import split_command
from simulator_bridge import file_lock
from simulator_bridge.cli import child_process, interrupts, output_file
from simulator_bridge.cli.child_process import ChildProcess, EndedError
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.output_file import BETWEEN_TRIES_S, N_TRIES, replacing
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.scene.renderer import what_to_install
from tests.support.paths import ROOT
from tests.support.source_tree import FLOORS, SOURCES, syntax_tree

ON_WINDOWS_MISSING = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "posix", "syslog"}
MISSING_NAMES = {
    "os": {
        *(
            "fork",
            "forkpty",
            "killpg",
            "getpgid",
            "setsid",
            "setpgid",
            "getuid",
            "geteuid",
            "getgid",
            "nice",
            "sysconf",
        ),
        *("mkfifo", "pread", "pwrite", "posix_fallocate", "posix_spawn", "sched_setaffinity", "sched_getaffinity"),
        *("O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "uname", "getloadavg", "wait", "waitpid"),
    },
    "signal": {"SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "alarm", "setitimer", "pthread_kill", "sigwait"},
    "select": {"poll", "epoll", "kqueue", "POLLIN", "POLLOUT"},
    "socket": {"AF_UNIX", "TCP_QUICKACK", "SO_REUSEPORT", "MSG_DONTWAIT", "socketpair"},
    "time": {"tzset"},
}
CONDITIONS = (ast.If, ast.IfExp, ast.Try)


def uses_of_what_is_missing(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Imports and names that Windows lacks, and that stand under no condition."""
    guarded = {
        id(inner) for node in ast.walk(tree) if isinstance(node, CONDITIONS) for inner in ast.walk(node)
    }  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name in ON_WINDOWS_MISSING)
        elif isinstance(node, ast.ImportFrom) and node.module in ON_WINDOWS_MISSING:
            yield node.lineno, node.module
        elif isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if node.attr in MISSING_NAMES.get(owner, ()):
                yield node.lineno, f"{owner}.{node.attr}"


def test_nothing_that_windows_lacks_is_used_without_a_condition() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{line} {name}"
        for path in SOURCES
        for line, name in uses_of_what_is_missing(syntax_tree(path))
    ]
    assert found == []
    made = "import fcntl\nimport os\nos.fork()\nif x:\n    os.nice(1)\n"
    assert list(uses_of_what_is_missing(ast.parse(made))) == [(1, "fcntl"), (3, "os.fork")]


def test_text_files_are_read_and_written_as_utf_8_whatever_the_code_page_is() -> None:
    ruff = Path(sys.executable).with_name("ruff")
    command = [str(ruff), "check", "--preview", "--select", "PLW1514", *FLOORS]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


class FakePopen:
    """A process that hears what it is sent and says nothing."""

    def __init__(self, command: list[str], **how: Any) -> None:
        self.command, self.how, self.sent = command, how, list[int]()
        self.pid, self.stdin, self.stdout = 1, None, None

    def send_signal(self, number: int) -> None:
        self.sent.append(number)

    def kill(self) -> None: ...

    def wait(self, timeout_s: float) -> int:
        return 0


@pytest.mark.parametrize("is_windows", [True, False])
def test_a_process_in_a_group_of_its_own_is_interrupted_as_its_system_knows_it(
    is_windows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "WINDOWS", is_windows)
    monkeypatch.setattr(interrupts, "WINDOWS", is_windows)
    monkeypatch.setattr(subprocess, "Popen", FakePopen)
    if is_windows:
        monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    with ChildProcess(Path("x.py"), [], own_session=True) as child:
        child.interrupt()
        process: Any = child._process
        assert process.sent == [1 if is_windows else signal.SIGINT]
        assert process.how.get("start_new_session", False) is not is_windows
        assert process.how.get("creationflags", 0) == (0x200 if is_windows else 0)
        assert process.how["encoding"] == "utf-8"
        assert (process.how["env"] or {}).get("PYTHONUTF8") == ("1" if is_windows else None)


@pytest.fixture
def break_signal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A signal that plays SIGBREAK."""
    before = signal.getsignal(signal.SIGUSR1)
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    yield signal.SIGUSR1
    signal.signal(signal.SIGUSR1, before)


def test_ctrl_break_stops_a_command_as_ctrl_c_does(break_signal: int) -> None:
    def run(config: object) -> int:
        signal.raise_signal(break_signal)
        return 0

    assert run_command(empty_config(), run, [], description="x") == 130


def test_ctrl_break_calls_whatever_handles_ctrl_c_then(break_signal: int) -> None:
    heard: list[int] = []
    interrupts.take_break_as_ctrl_c()
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        signal.raise_signal(break_signal)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


def empty_config() -> Any:
    from dataclasses import make_dataclass

    return make_dataclass("Config", [])


def test_the_output_of_a_child_is_read_to_its_end_however_long_it_takes(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("print('one \\N{EN DASH}')", encoding="utf-8")
    with ChildProcess(tmp_path / "x.py", []) as child:
        assert child.read_line(None) == "one \N{EN DASH}"
        with pytest.raises(EndedError):
            child.read_line(None)


def open_elsewhere(n_times: int) -> Any:
    """An `os.replace` that is refused so often, as while a virus scanner reads the file."""
    left = iter(range(n_times))
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if next(left, None) is not None:
            raise PermissionError(errno.EACCES, "Access is denied")
        replace(source, target)

    return refuse


@pytest.mark.parametrize(("is_windows", "n_times"), [(True, 2), (True, 10**6), (False, 1)])
def test_a_file_that_is_open_for_a_moment_is_replaced_on_windows(
    is_windows: bool, n_times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(output_file, "WINDOWS", is_windows)
    monkeypatch.setattr("simulator_bridge.cli.output_file.time.sleep", pauses.append)
    monkeypatch.setattr(os, "replace", open_elsewhere(n_times))
    place = tmp_path / "laps.json"
    place.write_text("old")
    if n_times == 2:
        with replacing(place) as partial:
            partial.write_text("new")
        assert (place.read_text(), pauses) == ("new", [BETWEEN_TRIES_S] * 2)
        return
    with pytest.raises(UserError, match="cannot be written: Access is denied"), replacing(place) as partial:
        partial.write_text("new")
    assert place.read_text() == "old"
    assert pauses == [BETWEEN_TRIES_S] * (N_TRIES if is_windows else 0)
    assert [path.name for path in tmp_path.iterdir()] == ["laps.json"]


@pytest.fixture
def windows_lock(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`file_lock` as Windows imports it, with locks of our own."""
    held: dict[int, int] = {}  # inode -> descriptor

    def locking(descriptor: int, mode: int, n_bytes: int) -> None:
        inode = os.fstat(descriptor).st_ino
        if inode in held:
            raise PermissionError(errno.EACCES, "Permission denied")
        held[inode] = descriptor

    msvcrt = SimpleNamespace(locking=locking, LK_NBLCK=2)
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("file_lock_of_windows", file_lock.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.undo()
    return module


def test_a_lock_of_windows_names_its_owner_though_locked_bytes_cannot_be_read(
    windows_lock: ModuleType, tmp_path: Path
) -> None:
    lock = windows_lock.FileLock(tmp_path / "lock")
    with pytest.raises(windows_lock.FileInUseError, match=f"process {os.getpid()} on "):
        windows_lock.FileLock(tmp_path / "lock")
    lock.release()
    assert not hasattr(windows_lock, "fcntl")


def test_a_command_line_keeps_the_backslashes_of_windows() -> None:
    command = r"python C:\drive.py model.h5"
    assert split_command(command, windows=True) == command
    assert split_command("python 'my drive.py'", windows=False) == ["python", "my drive.py"]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_where_there_is_no_apt_nobody_is_told_to_use_it(platform: str) -> None:
    advice = what_to_install(("tinydisplay", "egl"), platform)
    assert "apt" not in advice
    assert "pip install --force-reinstall panda3d" in advice
    assert what_to_install(("egl",), platform) == "here the renderer is tinydisplay"


def test_no_shipped_path_is_one_that_windows_refuses() -> None:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = listed.split("\0")[:-1]
    assert [name for name in names if set(name) & set('<>:"\\|?*') or name.split("/")[-1].endswith((".", " "))] == []
    assert len({name.lower() for name in names}) == len(names), "names that differ by case alone"
    assert max(map(len, names)) < 120, "Windows' limit is 260 with the folder of the clone"
