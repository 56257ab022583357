"""Opens the files of a recording, which may be anybody's: regular files only, of a bounded size.

Nothing here waits: a pipe, a device or a socket under the name of a log or an image is refused, not read. How much of
each kind of file is read is said here, once.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from simulator_bridge.errors import RecordingError

MAX_LOG_BYTES = 128 << 20  # 0.9 million rows of three cameras, 2.1 million of one: 16 and 40 hours at 15 rows/s
MAX_LOG_LINES = 2_500_000
MAX_LINE_CHARS = 16_384  # three paths as long as Linux has them; a row has some 200
MAX_NAME_CHARS = 255  # of a file or a folder; no file system has longer ones
MAX_IMAGE_BYTES = 8 << 20  # a frame has some 14 kB; the largest that is resized has 6 MB without any compression

# A pipe that nobody writes into must not block, and a terminal must not become ours
_OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC"))
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFSOCK: "a socket",
}


@contextmanager
def opened(path: str | os.PathLike[str], max_bytes: int) -> Iterator[tuple[int, int]]:
    """Open a file for reading: its descriptor, and its size in bytes.

    Raises:
        RecordingError: Saying what is wrong, without the path: no regular file, or more than `max_bytes`.
        OSError: If it cannot be opened.
    """
    if "\0" in os.fspath(path):  # from a log; no system has such a file, and Python raises a ValueError
        raise FileNotFoundError(2, "no such file")
    descriptor = os.open(path, _OPEN_FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise RecordingError(f"{kind_of(status.st_mode)}, expected a file")
        if status.st_size > max_bytes:
            raise RecordingError(f"a file of {_in_mb(status.st_size)}, expected at most {_in_mb(max_bytes)}")
        yield descriptor, status.st_size
    finally:
        os.close(descriptor)


def read_file(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read a whole file; a file that grows meanwhile is read up to the size that it had, or `max_bytes`.

    Raises:
        RecordingError: Saying what is wrong, without the path: no regular file, or more than `max_bytes`.
        OSError: If it cannot be opened or read.
    """
    with opened(path, max_bytes) as (descriptor, size), open(descriptor, "rb", closefd=False) as file:
        return file.read(size)


def read_start(path: str | os.PathLike[str], n_bytes: int) -> bytes:
    """The first bytes of a file of any size; none if it cannot be read, or is no regular file."""
    try:
        with opened(path, sys.maxsize) as (descriptor, _):
            return os.read(descriptor, n_bytes)
    except (OSError, RecordingError):
        return b""


def kind_of(mode: int) -> str:
    """What a path is that is no regular file, by its `st_mode`, in words."""
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def _in_mb(n_bytes: int) -> str:
    return f"{n_bytes / (1 << 20):,.0f} MB"
