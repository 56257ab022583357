"""A program that watches a live channel as a page does, for tests."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from simple_websocket import Client, ConnectionClosed

from simulator_bridge.pages.page_server import PageServer
from simulator_bridge.pages.served_pages import ServedPages
from tests.support.running_server import serving

PATIENCE_S = 10.0


@dataclass(frozen=True)
class Seen:
    """An update as it came."""

    number: int
    viewer: int
    state: dict[str, Any]
    pictures: dict[str, bytes]
    notices: list[dict[str, str]]


class PageViewer:
    """One page; `receive` takes an update without saying so to the server, `see` says so."""

    def __init__(self, port: int, path: str) -> None:
        self._client = Client(f"ws://127.0.0.1:{port}{path}")

    def __enter__(self) -> PageViewer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def receive(self, timeout_s: float = PATIENCE_S) -> Seen:
        message = self._client.receive(timeout_s)
        assert isinstance(message, bytes), "no update came"
        (size,) = struct.unpack(">I", message[:4])
        head = json.loads(message[4 : 4 + size])
        pictures, at = {}, 4 + size
        for name, length in head["pictures"]:
            pictures[name] = message[at : at + length]
            at += length
        assert at == len(message)
        return Seen(head["number"], head["viewer"], head["state"], pictures, head["notices"])

    def see(self) -> Seen:
        seen = self.receive()
        self.send(seen=seen.number)
        return seen

    def see_until(self, is_wanted: Callable[[Seen], bool], n: int = 400) -> Seen:
        for _ in range(n):
            seen = self.see()
            if is_wanted(seen):
                return seen
        raise AssertionError(f"not among {n} updates; the last was {seen}")

    def send(self, **message: Any) -> None:
        self._client.send(json.dumps(message))

    def send_text(self, text: str) -> None:
        self._client.send(text)

    def hangs_up(self) -> bool:
        """Whether the server closes the connection, rather than going on with updates."""
        try:
            while self._client.receive(PATIENCE_S) is not None:
                continue
        except ConnectionClosed:
            return True
        return False

    def close(self) -> None:
        with suppress(ConnectionClosed):  # the server was first
            self._client.close()
        self._client.thread.join(5)
        self._client.sock.close()


@contextmanager
def running_pages(pages: ServedPages, **options: Any) -> Iterator[PageServer]:
    server = PageServer(pages, **options)
    with serving(server):
        yield server
