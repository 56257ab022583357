"""Appends rows to a recording folder, one at a time, so that a kill at any instant costs at most the row being written.

Blocking and for one thread; `recorder.py` puts a queue before it. The format itself is in `log/log_format.py`.

A row's images are complete before its line is appended in one write, so a line that ends in a newline is a whole row.
That holds after SIGKILL and on a full disk, because the operating system keeps what was written. Nothing is fsynced: a
power cut or a kernel crash may lose what the system had not flushed yet, on Linux about the last 30 s
(`vm.dirty_expire_centisecs`): rows are missing, or have empty images, which the reader drops.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.log.log_format import (
    CAMERAS,
    COLUMNS,
    EPISODE_GAP_S,
    IMAGE_FOLDER,
    LOG_NAME,
    NEW_EPISODE_S,
    format_row,
    image_name,
    image_time_s,
)
from simulator_bridge.recording.recording_file import MAX_LOG_BYTES, kind_of

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


LOCK_NAME = ".recorder.lock"
_ROW_START = f"{IMAGE_FOLDER}/center_".encode()
_TAIL_BYTES = 64 * 1024  # much more than one row
_MILLISECOND = timedelta(milliseconds=1)  # resolution of the time stamps in image names
_EPISODE_GAP = timedelta(seconds=EPISODE_GAP_S)
_NEW_EPISODE = timedelta(seconds=NEW_EPISODE_S)


class RecordingAppender:
    """One recording folder, new or resumed, locked against other recorders until `close`.

    Resuming removes the incomplete last line that a killed recorder may have left.

    Raises:
        RecordingError: If the folder cannot be written, holds something else, or another recorder is using it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log: io.FileIO | None = None  # opened with the first row: without rows there is no log
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock_file = _acquire_lock(folder)
            try:
                last = _resume(folder)
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise RecordingError(f"{folder}: cannot record into it: {error.strerror}") from error
        self._times = _RowTimes(last.time if last else None)
        self._cameras = last.cameras if last else None

    def check_cameras(self, cameras: Iterable[str]) -> None:
        """Refuse rows of other cameras than the rows before: a reader would drop the fewer of them.

        Raises:
            RecordingError: If the folder's last row has other cameras.
        """
        expected = set(self._cameras or cameras)
        if set(cameras) != expected:
            raise RecordingError(
                f"{self._folder}: holds rows of cameras {_join(expected)}, now come rows of {_join(cameras)}; "
                "record these into another folder"
            )

    def append(
        self,
        images: Mapping[str, bytes],
        steering_angle: float,
        throttle: float,
        brake: float,
        speed_mph: float,
        time: datetime,
    ) -> None:
        """Write one row: its images, unchanged, then its line.

        Args:
            images: JPEG files by camera.
            steering_angle: Normalised, [-1, 1].
            throttle: [-1, 1].
            brake: [0, 1].
            speed_mph: Miles per hour.
            time: For the names of the images; increased where it would repeat or go back.

        Raises:
            OSError: If the disk is full, or the like. Nothing of the row is left behind.
            RecordingError: If the rows before have other cameras, or the log is as long as a reader reads it.
        """
        self.check_cameras(images)
        stamp = self._times.next(time)
        names = {camera: image_name(camera, stamp) for camera in images}
        paths = {camera: self._folder / IMAGE_FOLDER / name for camera, name in names.items()}
        try:
            if self._log is None:
                (self._folder / IMAGE_FOLDER).mkdir(exist_ok=True)
            for camera, image in images.items():
                with open(paths[camera], "wb", opener=_open_ours) as file:
                    file.write(image)
            if self._log is None:
                log = self._folder / LOG_NAME
                self._log = open(log, "ab", buffering=0, opener=_open_ours)  # noqa: SIM115 - closed in close()
            _append_whole(self._log, format_row(names, steering_angle, throttle, brake, speed_mph).encode())
        except (OSError, RecordingError):
            for path in paths.values():
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            raise
        self._cameras = tuple(images)

    def remove_last(self, n_rows: int) -> int:
        """Remove the last rows, then their images; the next row starts a new episode.

        The log is truncated in one step, so a kill in between leaves whole rows, and at worst images without a row.

        Args:
            n_rows: At most so many, of this session or of an earlier one.

        Returns:
            How many rows were removed.

        Raises:
            OSError: If the log cannot be truncated; then every row is still there.
        """
        log = self._folder / LOG_NAME
        if n_rows <= 0 or not log.exists():
            return 0
        lines = log.read_bytes().splitlines(keepends=True)
        kept, removed = lines[:-n_rows], lines[-n_rows:]
        os.truncate(log, sum(map(len, kept)))
        self._times.start_episode()
        for line in removed:
            for cell in line.decode().split(",")[: len(CAMERAS)]:
                image = self._folder / IMAGE_FOLDER / Path(cell).name  # another tool's path may lead elsewhere
                with contextlib.suppress(OSError):  # no row names it any more: it only takes up space
                    image.unlink(missing_ok=True)
        return len(removed)

    def close(self) -> None:
        """Release the folder for another recorder."""
        if self._log is not None:
            self._log.close()
        with contextlib.suppress(OSError):  # an open file cannot be removed on Windows; then it stays, unlocked
            os.unlink(self._folder / LOCK_NAME)
        self._lock_file.close()


@dataclass(frozen=True)
class _LastRow:
    time: datetime
    cameras: tuple[str, ...]


def _open_ours(path: str, flags: int) -> int:
    """Open a file of the recording to write: not through a link, and without waiting for the other end of a pipe."""
    descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise RecordingError(f"{path}: {kind_of(mode)}, expected a file; record into another folder")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _join(cameras: Iterable[str]) -> str:
    return ", ".join(camera for camera in CAMERAS if camera in cameras)


def _append_whole(log: io.FileIO, line: bytes) -> None:
    """Append a line or nothing; on a full disk the system may take only a part of it."""
    length = os.fstat(log.fileno()).st_size
    if length + len(line) > MAX_LOG_BYTES:
        raise RecordingError(f"the log has {MAX_LOG_BYTES >> 20} MB, as much as is read; record into another folder")
    try:
        rest = line
        while rest:
            rest = rest[log.write(rest) :]
    except OSError:
        log.truncate(length)
        raise


def _acquire_lock(folder: Path) -> io.FileIO:
    while True:
        lock_file = open(folder / LOCK_NAME, "ab", buffering=0, opener=_open_ours)  # noqa: SIM115 - held while recording
        try:
            _lock(lock_file.fileno())
            if os.path.samestat(os.fstat(lock_file.fileno()), os.stat(folder / LOCK_NAME)):
                return lock_file
            lock_file.close()  # its owner removed it between our open and our lock: our lock is on a file that is gone
        except FileNotFoundError:
            lock_file.close()
        except (BlockingIOError, PermissionError):
            lock_file.close()
            raise RecordingError(
                f"{folder}: another recorder is writing into it; stop that one or record into another folder"
            ) from None
        except BaseException:
            lock_file.close()
            raise


def _resume(folder: Path) -> _LastRow | None:
    """Make the log end in a whole row, and return that row; None if it has none."""
    log, images = folder / LOG_NAME, folder / IMAGE_FOLDER
    for path in (log, images):  # a link would let a recording of others write wherever that leads
        if path.is_symlink():
            raise RecordingError(f"{path}: a link, which nothing is recorded through; record into another folder")
    if images.exists() and not images.is_dir():
        raise RecordingError(f"{images}: expected a folder; record into another folder")
    if log.exists():
        return _remove_incomplete_line(log)
    others = sorted(path.name for path in folder.iterdir() if path.name != IMAGE_FOLDER and path.name[0] != ".")
    if others:
        raise RecordingError(
            f"{folder}: expected a new or empty folder or a recording, found {others[0]!r} and no {LOG_NAME}"
        )
    return None


def _remove_incomplete_line(log: Path) -> _LastRow | None:
    with open(log, "r+b", opener=_open_ours) as file:
        length = file.seek(0, os.SEEK_END)
        if length > MAX_LOG_BYTES:
            raise RecordingError(f"{log}: has grown to {length >> 20:,} MB; record into another folder")
        file.seek(max(0, length - _TAIL_BYTES))
        whole, newline, torn = file.read().rpartition(b"\n")
        last_line = whole.rpartition(b"\n")[2]
        last = _parse_row(last_line) if newline else None
        begun = torn.rstrip(b"\0")  # after a power cut there may be zeros where a row was
        if (newline and last is None) or not (begun.startswith(_ROW_START) or _ROW_START.startswith(begun)):
            raise RecordingError(
                f"{log}: cannot be resumed, its last line {(last_line or begun)[:80]!r} was written by another tool; "
                "record into another folder"
            )
        file.truncate(length - len(torn))
    return last


def _parse_row(line: bytes) -> _LastRow | None:
    cells = line.decode(errors="replace").split(",")
    time_s = image_time_s(cells[0])
    if not line.startswith(_ROW_START) or len(cells) != len(COLUMNS) or math.isnan(time_s):
        return None
    time = datetime(1970, 1, 1) + timedelta(milliseconds=round(time_s * 1000))
    return _LastRow(time, tuple(camera for camera, path in zip(CAMERAS, cells, strict=False) if path))


class _RowTimes:
    """Gives every row a time later than that of the row before, so that no image is overwritten.

    A resumed recording, or one whose clock was set back, continues as a new episode after the last row.
    """

    def __init__(self, last: datetime | None) -> None:
        self._last = last
        self._starts_episode = last is not None
        self._shift = timedelta(0)

    def start_episode(self) -> None:
        """Let the next row start a new episode."""
        self._starts_episode = self._last is not None

    def next(self, time: datetime) -> datetime:
        time += self._shift
        time = time.replace(microsecond=time.microsecond // 1000 * 1000)
        if self._last is not None:
            starts_episode = self._starts_episode or self._last - time > _EPISODE_GAP
            earliest = self._last + (_NEW_EPISODE if starts_episode else _MILLISECOND)
            if time < earliest and starts_episode:
                self._shift += earliest - time
            time = max(time, earliest)
        self._last, self._starts_episode = time, False
        return time
