"""One page that watches a live channel: what it was sent, what it has drawn, and the notices that wait for it."""

from __future__ import annotations

import json
import struct
import time
from collections import deque
from collections.abc import Hashable
from typing import Any

KEEP_ALIVE_S = 0.5  # an update is sent then, even if nothing is new
MAX_UNSEEN = 2  # updates on their way to a page: more would be out of date when they arrive
MAX_NOTICES = 16  # that wait for one page


class Viewer:
    """One page that watches.

    Attributes:
        number: Counted from 1.
        view: What it shows, in a type of the channel's owner; passed to `newest`.
        is_gone: Whether its connection has ended.
    """

    def __init__(self, number: int, view: Hashable = None) -> None:
        self.number = number
        self.view = view
        self.is_gone = False
        self._notices: deque[dict[str, Any]] = deque(maxlen=MAX_NOTICES)
        self._n_sent = self._n_seen = 0
        self._shown: int | None = None  # number of the update sent last
        self._sent_at = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether as many updates as may are still on their way to the page."""
        return self._n_sent - self._n_seen >= MAX_UNSEEN

    def notify(self, text: str, kind: str = "info") -> None:
        """Show a line on this page: kind "info" or "error"."""
        self._notices.append({"text": text, "kind": kind})

    def acknowledge(self, number: object) -> None:
        """Note that the page has drawn a message; a number that was never sent is ignored."""
        if isinstance(number, int) and number <= self._n_sent:
            self._n_seen = max(self._n_seen, number)

    def next_message(self, number: int, state: bytes, pictures: bytes) -> bytes | None:
        """The message with an update, to be sent now; None if the page has it already and nothing else is new.

        Args:
            number: Of the update.
            state: Members of its JSON object, without the braces.
            pictures: One after the other.
        """
        now = time.monotonic()
        if number == self._shown and not self._notices and now - self._sent_at < KEEP_ALIVE_S:
            return None
        notices = [self._notices.popleft() for _ in range(len(self._notices))]
        self._n_sent += 1
        self._shown, self._sent_at = number, now
        head = b'{"number":%d,"viewer":%d,"notices":%s,%s}' % (
            self._n_sent, self.number, json.dumps(notices).encode(), state,
        )  # fmt: skip
        return struct.pack(">I", len(head)) + head + pictures
