"""What is laid over the camera of each watched car: computed in a process of its own, a few times a second."""

from __future__ import annotations

import logging
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from drive.decision import Decision
from drive.overlay import Overlay
from simulator_bridge.cli.child_process import script

logger = logging.getLogger(__name__)

SCRIPT = script("drive/cockpit/overlay_process.py")
PERIOD_S = 0.3  # from one map to the next, at least; one of saliency takes about 0.1 s of an idle processor
IDLE_S = 20.0  # the process ends when no page has wanted a map for so long
END_S = 5.0  # an interrupted process ends at once


class OverlayMaps:
    """Computes maps while a page shows them; never holds up an answer.

    Args:
        shows: What the maps are of.
        model: The file that drives.
        wanted: Returns the newest decision of each car, by its number, that a page wants a map of.
        preprocessing: Of a model of another program, as on a command line.
    """

    def __init__(
        self,
        shows: Overlay,
        model: Path,
        wanted: Callable[[], Mapping[int, Decision]],
        preprocessing: str | None = None,
    ) -> None:
        self._shows, self._wanted = shows, wanted
        chosen = ["--preprocessing", preprocessing] if preprocessing else []
        self._arguments = [str(model), "--shows", shows, *chosen]
        self._maps: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()
        self.n_computed = 0
        self.failure = ""

    def newest(self, car: int) -> bytes | None:
        """A car's newest map as a PNG to lay over its frames; None if there is none yet."""
        return self._maps.get(car)

    def wake(self) -> None:
        """Start to compute: a page wants maps now."""
        with self._lock:
            if not self._closed.is_set() and (self._thread is None or not self._thread.is_alive()):
                self.failure = ""
                self._thread = threading.Thread(target=self._run, name=self._shows, daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the process."""
        self._closed.set()
        process = self._process
        if process is not None:
            process.kill()
        if self._thread is not None:
            self._thread.join(END_S)

    def _run(self) -> None:
        """Compute until no page wants maps any more."""
        with subprocess.Popen(
            [sys.executable, str(SCRIPT), *self._arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        ) as process:  # fmt: skip
            self._process = process
            try:
                self._compute_while_wanted(process)
            except _RefusedError as error:
                self._fail(str(error))
            except (OSError, EOFError):
                if not self._closed.is_set():
                    self._fail(f"the {self._shows} process has ended")
            finally:
                self._maps.clear()
                process.kill()

    def _compute_while_wanted(self, process: subprocess.Popen[bytes]) -> None:
        wanted_at = time.monotonic()
        drawn: dict[int, Decision] = {}
        while not self._closed.wait(PERIOD_S):
            wanted = self._wanted()
            now = time.monotonic()
            wanted_at = now if wanted else wanted_at
            if now - wanted_at > IDLE_S:
                return
            self._maps = {car: png for car, png in self._maps.items() if car in wanted}
            for car, decision in wanted.items():
                if drawn.get(car) is decision:
                    continue
                self._maps[car] = _ask(process, decision)
                self.n_computed += 1
            drawn = dict(wanted)

    def _fail(self, reason: str) -> None:
        self.failure = reason
        logger.warning("no %s: %s", self._shows, reason)


def _ask(process: subprocess.Popen[bytes], decision: Decision) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    jpeg = decision.jpeg()
    with suppress(BrokenPipeError):  # it has ended: its answer may hold the reason
        process.stdin.write(struct.pack(">I", len(jpeg)) + jpeg)
    status, size = struct.unpack(">BI", _read(process, 5))
    block = _read(process, size)
    if status != 0:
        raise _RefusedError(block.decode(errors="replace"))
    return block


def _read(process: subprocess.Popen[bytes], size: int) -> bytes:
    parts = []
    while size:
        part = process.stdout.read(size) if process.stdout else b""
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _RefusedError(Exception):
    """The process cannot compute maps of this model; the text is the reason."""
