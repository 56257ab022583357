"""Records live driving without delaying it: a bounded queue and a thread in front of a `RecordingAppender`.

Rows that come faster than the disk can write them are dropped and counted. If the disk fails, recording stops with one
line in the log, and driving continues. The thread must be a real one: under `eventlet.monkey_patch(thread=True)` the
disk would block the server.
"""

from __future__ import annotations

import logging
import math
import threading
import time as clocks
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import FRAME_SHAPE, Frame, encode_frame
from simulator_bridge.recording.appender import RecordingAppender
from simulator_bridge.recording.log.log_format import CAMERAS

logger = logging.getLogger(__name__)

_REPORT_INTERVAL_S = 5.0  # between two lines about dropped rows


@dataclass(frozen=True, eq=False)
class _Row:
    images: Mapping[str, Frame | bytes]
    steering_angle: float
    throttle: float
    brake: float
    speed_mph: float
    time: datetime


class Recorder:
    """Writes frames and driving data into a recording folder, new or resumed; a context manager.

    Any number of threads may `add`. After a kill every row that was written is readable (see `appender`).

    >>> import numpy as np, tempfile
    >>> from simulator_bridge.recording import load_recording
    >>> frame = np.zeros(FRAME_SHAPE, np.uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Recorder(Path(folder)) as recorder:
    ...         recorder.add({"center": frame}, steering_angle=-0.05, throttle=0.3, brake=0.0, speed_mph=20.0)
    ...     load_recording(Path(folder)).steering_angle.tolist()
    [-0.05000000074505806]

    Args:
        folder: Where `driving_log.csv` and `IMG/` go; made if it is missing.
        cameras: The cameras of the rows, if known: a folder with rows of other cameras is then refused at once, instead
            of at the first row.
        queue_size: Rows that may wait for the disk; 64 are 4 s at 15 rows/s and at most 30 MB of raw frames.
        clock: The time of rows that come without one; by default local time that never goes back.

    Attributes:
        newest: The time of the newest row of this session; None before the first.

    Raises:
        RecordingError: If the folder cannot be written, holds something else, or another recorder is using it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cameras: Sequence[str] | None = None,
        queue_size: int = 64,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        if queue_size < 1:
            raise ValueError(f"expected a queue_size of at least 1, got {queue_size}")
        self.folder = folder
        self._appender = RecordingAppender(folder)
        if cameras is not None:
            try:
                self._appender.check_cameras(cameras)
            except RecordingError:
                self._appender.close()
                raise
        self.newest: datetime | None = None
        self._queue_size = queue_size
        self._clock = clock or _steady_clock()
        self._waiting: deque[_Row] = deque()
        self._changed = threading.Condition()  # guards all of the following
        self._busy = self._closed = False
        self._n_written = self._n_dropped = 0
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._write_rows, name="recorder", daemon=True)
        self._thread.start()

    @property
    def n_written(self) -> int:
        """Rows written in this session."""
        return self._n_written

    @property
    def n_dropped(self) -> int:
        """Rows lost in this session: the queue was full, the disk failed, or they came after `close`."""
        return self._n_dropped

    @property
    def failed(self) -> str | None:
        """Why recording stopped for good; None while it works."""
        return self._failure

    def add(
        self,
        frames: Mapping[str, Frame | bytes],
        steering_angle: float,
        throttle: float,
        brake: float,
        speed_mph: float,
        time: datetime | None = None,
    ) -> None:
        """Add one row; returns at once, whatever the disk does.

        Args:
            frames: By camera, "center" alone or all three: frames (copied here), or JPEG files (written unchanged).
            steering_angle: Normalised, [-1, 1].
            throttle: [-1, 1]; negative brakes.
            brake: [0, 1].
            speed_mph: Miles per hour.
            time: When the frame was seen, local time without a zone; now by default.

        Raises:
            ValueError: If the row is not one that a reader would accept.
        """
        _check_row(frames, steering_angle, throttle, brake, speed_mph)
        images = {camera: frame if isinstance(frame, bytes) else frame.copy() for camera, frame in frames.items()}
        with self._changed:
            if self._closed or self._failure is not None or len(self._waiting) >= self._queue_size:
                self._n_dropped += 1
                return
            self.newest = self._clock() if time is None else time
            self._waiting.append(_Row(images, steering_angle, throttle, brake, speed_mph, self.newest))
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until every row added so far is written, or recording has failed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._busy)

    def remove_last(self, n_rows: int) -> int:
        """Write the rows in the queue, then remove the last rows; see `RecordingAppender.remove_last`.

        Returns:
            How many rows were removed.

        Raises:
            RecordingError: If the disk refuses; then every row is still there.
        """
        with self._changed:  # held until it is done: no row is written in the meantime
            self._changed.wait_for(lambda: not self._waiting and not self._busy)
            try:
                n_removed = self._appender.remove_last(n_rows)
            except OSError as error:
                raise RecordingError(f"{self.folder}: rows cannot be taken back: {error.strerror}") from error
            self._n_written = max(self._n_written - n_removed, 0)
            return n_removed

    def close(self) -> None:
        """Write the rows in the queue, log a summary and release the folder; a second call does nothing."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._appender.close()
        logger.info("%s: %d rows recorded, %d dropped", self.folder, self._n_written, self._n_dropped)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _write_rows(self) -> None:
        reported, next_report_s = 0, 0.0
        while (row := self._take()) is not None:
            try:
                self._append(row)
            except OSError as error:
                self._fail(error.strerror or repr(error))
            except RecordingError as error:
                self._fail(str(error))
            except BaseException as error:
                self._fail(repr(error))
                raise
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
            if self._failure is None and self._n_dropped > reported and clocks.monotonic() >= next_report_s:
                logger.warning("%s: the disk is too slow, %d rows dropped so far", self.folder, self._n_dropped)
                reported, next_report_s = self._n_dropped, clocks.monotonic() + _REPORT_INTERVAL_S

    def _take(self) -> _Row | None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting) or self._closed)
            if not self._waiting:
                return None
            self._busy = True
            return self._waiting.popleft()

    def _append(self, row: _Row) -> None:
        images = {
            camera: image if isinstance(image, bytes) else encode_frame(image) for camera, image in row.images.items()
        }
        self._appender.append(images, row.steering_angle, row.throttle, row.brake, row.speed_mph, row.time)
        with self._changed:
            self._n_written += 1

    def _fail(self, reason: str) -> None:
        with self._changed:
            self._failure = reason
            self._n_dropped += 1 + len(self._waiting)
            self._waiting.clear()
        logger.error(
            "%s: recording stopped: %s; the %d rows of this session are complete, driving goes on",
            self.folder, reason, self._n_written,
        )  # fmt: skip


def _check_row(frames: Mapping[str, Frame | bytes], steering_angle: float, *others: float) -> None:
    if set(frames) not in ({"center"}, set(CAMERAS)):
        raise ValueError(f"expected frames of 'center' or of {CAMERAS}, got {tuple(frames)}")
    for camera, frame in frames.items():
        if not isinstance(frame, bytes) and (frame.shape != FRAME_SHAPE or frame.dtype != "uint8"):
            raise ValueError(f"expected a uint8 frame {FRAME_SHAPE}, got {frame.dtype} {frame.shape} of {camera!r}")
    if not -1 <= steering_angle <= 1:
        raise ValueError(f"expected a steering_angle in [-1, 1], got {steering_angle}")
    if not all(map(math.isfinite, others)):
        raise ValueError(f"expected finite throttle, brake and speed_mph, got {others}")


def _steady_clock() -> Callable[[], datetime]:
    """Local time at the start plus the monotonic clock: daylight saving and clock corrections have no effect."""
    start, start_s = datetime.now(), clocks.monotonic()
    return lambda: start + timedelta(seconds=clocks.monotonic() - start_s)
