"""A lock on a file: held by one, named to others, never stale."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator_bridge import file_lock
from simulator_bridge.file_lock import FileInUseError, FileLock, NoLocksError
from tests.support.paths import ROOT

HOLDER = (
    "import sys; from pathlib import Path; from simulator_bridge.file_lock import FileLock\n"
    "lock = FileLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)


def test_a_second_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    with pytest.raises(FileInUseError, match=rf"process {os.getpid()} on \S+ since \d\d:\d\d:\d\d"):
        FileLock(tmp_path / "lock")
    lock.release()
    assert list(tmp_path.iterdir()) == []
    FileLock(tmp_path / "lock").release()


def test_another_spelling_of_the_folder_is_the_same_lock(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    lock = FileLock(tmp_path / "folder" / "lock")
    for folder in (tmp_path / "link", tmp_path / "folder" / ".." / "link"):
        with pytest.raises(FileInUseError):
            FileLock(folder / "lock")
    lock.release()


def test_a_killed_owner_leaves_a_file_and_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FileInUseError, match=f"process {holder.pid} "):
            FileLock(path)
        holder.kill()
    assert path.exists()
    FileLock(path).release()


@pytest.mark.parametrize("content", [b"", b"\xff\x1b[31m", b"two\nlines"])
def test_what_does_not_name_an_owner_is_not_shown(tmp_path: Path, content: bytes) -> None:
    lock = FileLock(tmp_path / "lock")
    (tmp_path / "lock").write_bytes(content)
    with pytest.raises(FileInUseError, match="its process is not known"):
        FileLock(tmp_path / "lock")
    lock.release()


def test_a_lock_on_a_file_that_was_removed_meanwhile_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock_once, n_calls = file_lock._lock, 0

    def removed_first(descriptor: int) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 1:
            (tmp_path / "lock").unlink()
        lock_once(descriptor)

    monkeypatch.setattr(file_lock, "_lock", removed_first)
    lock = FileLock(tmp_path / "lock")
    assert n_calls == 2
    with pytest.raises(FileInUseError):
        FileLock(tmp_path / "lock")
    lock.release()


def test_a_file_system_without_locks_is_told_from_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_lock, "_lock", no_locks)
    with pytest.raises(NoLocksError):
        FileLock(tmp_path / "lock")
