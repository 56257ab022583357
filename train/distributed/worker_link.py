"""The link to another worker: values that are sent and received in order, and a call when the other worker dies.

A worker that dies is noticed at once (its connection closes), one whose machine vanishes within `SILENCE_S` (TCP
keep-alive).
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Callable
from typing import Any

from simulator_bridge.errors import UserError
from train.distributed.peer_connection import BYTES, END, JSON, PeerConnection


class WorkerLostError(UserError):
    """Another worker ended before the training did."""


class WorkerLink:
    """The link to another worker: what arrives waits in order until it is received."""

    def __init__(self, connection: PeerConnection, on_lost: Callable[[str], None], limit: int) -> None:
        """Read from now on, in a thread.

        Args:
            connection: To the other worker.
            on_lost: Called with the reason if the other ends before it is done.
            limit: Size of its largest message, bytes; a larger one ends the link.
        """
        self._connection, self._on_lost, self._limit = connection, on_lost, limit
        self._left = False
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="peer", daemon=True).start()

    def send(self, value: Any) -> None:
        """Send JSON, or bytes as they are. A worker that is gone is reported by the reader, not here."""
        if isinstance(value, bytes):
            self._send(BYTES, value)
        else:
            self._send(JSON, json.dumps(value).encode())

    def receive(self) -> Any:
        """The next value; waits for it.

        Raises:
            WorkerLostError: If the other worker ended instead.
        """
        value = self._arrived.get()
        if isinstance(value, WorkerLostError):
            raise value
        return value

    def close(self, reason: str | None) -> None:
        """Leave; `reason` tells the other worker what went wrong, None that the training is done."""
        self._left = True
        self._send(END, json.dumps(reason).encode())
        self._connection.finish_sending()

    def _send(self, kind: bytes, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._connection.send(kind, data)

    def _read(self) -> None:
        reason: str | None = "its connection was lost"
        with contextlib.suppress(OSError, EOFError, ValueError, RecursionError), self._connection:
            while True:
                kind, data = self._connection.receive(self._limit)
                if kind == END:
                    reason = json.loads(data)
                    break
                self._arrived.put(data if kind == BYTES else json.loads(data))
        self._arrived.put(WorkerLostError(reason or "it is done"))
        if reason is not None and not self._left:
            self._on_lost(reason)
