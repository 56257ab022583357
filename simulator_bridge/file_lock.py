"""A lock on a file that the operating system releases when its owner ends, however that happens: no lock goes stale."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import time
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 1 << 30  # what is locked on Windows cannot be read: not where the owner's name is

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


MAX_OWNER_BYTES = 200
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class FileInUseError(Exception):
    """Another process holds the lock; the message says which, as far as it is known."""


class NoLocksError(Exception):
    """The file system knows no locks, as some that are shared over a network."""


class FileLock:
    """Held from now until `release`, or the end of the process.

    The file that a killed process leaves behind locks nobody out. Two spellings of one folder are one lock.

    Args:
        path: The lock's own file; made, and removed on release.

    Raises:
        FileInUseError: If another process, or this one, holds it.
        NoLocksError: If the file system knows no locks.
        OSError: If the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            file = open(path, "ab+", buffering=0)  # noqa: SIM115 - held until release()
            try:
                _lock(file.fileno())
                if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    break
            except FileNotFoundError:
                pass  # its owner removed it between our open and our lock: our lock is on a file that is gone
            except (BlockingIOError, PermissionError):
                with file:
                    raise FileInUseError(_owner_in(path)) from None
            except OSError as error:
                file.close()
                if error.errno in NO_LOCKS:
                    raise NoLocksError(str(path)) from error
                raise
            except BaseException:
                file.close()
                raise
            file.close()
        self._file = file
        with contextlib.suppress(OSError):  # the name is for a message only; a full disk does not matter
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%H:%M:%S')}".encode())

    def release(self) -> None:
        """Let others have it."""
        with contextlib.suppress(OSError):  # an open file cannot be removed on Windows; then it stays, unlocked
            os.unlink(self._path)
        self._file.close()


def _owner_in(path: Path) -> str:
    try:
        with path.open("rb") as file:
            words = file.read(MAX_OWNER_BYTES).decode("utf-8", "replace")
    except OSError:
        words = ""
    return words if words.isprintable() and words else "its process is not known"
