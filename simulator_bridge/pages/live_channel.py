"""A live channel: any number of pages watch the newest state over websockets, and send commands.

The state is pulled, never pushed: it costs nothing while no page watches. A page acknowledges each update that it has
drawn; a slow page gets fewer updates, always the newest, and delays no other. Independent of Flask and of driving.

An update is one binary message: the length of its JSON in 4 bytes (big-endian), the JSON, then the pictures. A page
sends JSON objects: `{"seen": number}` for each update, else commands.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator_bridge.errors import UserError
from simulator_bridge.pages.live_viewer import Viewer
from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.transport_contract import Upgrade
from simulator_bridge.transport.websocket import WebSocket
from simulator_bridge.transport.websocket_frames import CLOSE_GOING_AWAY

logger = logging.getLogger(__name__)

PERIOD_S = 0.05  # from one update to the next, unless the owner of the channel sets another
SILENT_S = 20.0  # a page that sends nothing for so long has gone
MAX_VIEWERS = 16  # at one time
MAX_COMMAND_BYTES = 16_384
MAX_COMMANDS_PER_S = 200  # of one page; it is read no faster


class CommandError(UserError):
    """A command of a page cannot be carried out; the message is shown on the page."""


@dataclass(frozen=True, eq=False)
class Update:
    """What a page shows at one moment.

    Attributes:
        state: JSON types.
        pictures: Encoded images (JPEG, PNG) by name.
        number: Another one if there is something new.
    """

    state: Mapping[str, Any]
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    number: int = 0


class LiveChannel:
    """The newest state for any number of viewers, and their commands.

    Args:
        newest: Returns the update of a `view`. Called at most every `period_s` for all viewers of
            the same view together, in a thread of theirs; must not wait.
        take: Carries out a page's command; raises CommandError if it cannot. Called in the page's own thread.
        left: Called with a viewer that has gone.
        first_view: The view of a page that has just come.
        period_s: From one update to the next.
    """

    def __init__(
        self,
        newest: Callable[[Hashable], Update],
        take: Callable[[Viewer, Mapping[str, Any]], None],
        left: Callable[[Viewer], None] = lambda viewer: None,
        first_view: Hashable = None,
        period_s: float = PERIOD_S,
    ) -> None:
        self._newest, self._take, self._left, self._first_view = newest, take, left, first_view
        self._period_s = period_s
        self._faults = FaultLog(logger)
        self._lock = threading.Lock()  # held for instants only, which suits green threads, too
        self._encoding = threading.Lock()  # guards the following; `newest` is called under it
        self._encoded: dict[Hashable, tuple[float, int, bytes, bytes]] = {}  # made at, number, state, pictures
        self._open: dict[Viewer, WebSocket] = {}
        self._n_viewers = 0  # so far

    @property
    def n_viewers(self) -> int:
        """Pages that watch now."""
        return len(self._open)

    def views(self) -> list[Hashable]:
        """The views of all pages that watch."""
        return [viewer.view for viewer in list(self._open)]

    def serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one page's websocket until it ends; a WSGI application, with a transport's `bridge.upgrade`."""
        if self.n_viewers >= MAX_VIEWERS:
            self._faults.report("viewers", "refusing a page: %d watch already", MAX_VIEWERS)
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"too many pages watch"]
        return WebSocket(lambda websocket: self._attend(websocket, environ["bridge.upgrade"]), _Limits())(
            environ, start_response
        )

    def hang_up(self) -> None:
        """Close every page's connection; the pages try again by themselves."""
        for websocket in list(self._open.values()):
            websocket.close(CLOSE_GOING_AWAY)

    def _attend(self, websocket: WebSocket, upgrade: Upgrade) -> None:
        websocket.set_patience(SILENT_S)
        with self._lock:
            self._n_viewers += 1
            viewer = Viewer(self._n_viewers, self._first_view)
            self._open[viewer] = websocket
        try:
            upgrade.start_thread(lambda: self._send(viewer, websocket, upgrade))
            self._listen(viewer, websocket, upgrade)
        finally:
            viewer.is_gone = True
            with self._lock:
                del self._open[viewer]
            self._left(viewer)

    def _listen(self, viewer: Viewer, websocket: WebSocket, upgrade: Upgrade) -> None:
        second, n_this_second = 0, 0
        while (text := websocket.wait()) is not None:
            now = time.monotonic()
            if int(now) != second:
                second, n_this_second = int(now), 0
            n_this_second += 1
            if n_this_second > MAX_COMMANDS_PER_S:
                self._faults.report(
                    "rate", "slowing down a page that sends more than %d messages/s", MAX_COMMANDS_PER_S
                )
                upgrade.sleep(second + 1 - now)
            try:
                self._handle(viewer, _parse(text))
            except CommandError as error:
                viewer.notify(str(error), "error")
            except Exception:  # a bug: the page's connection must survive it
                self._faults.report("command", "a page's command failed", traceback=True)
                viewer.notify("that failed; the server's log says why", "error")

    def _handle(self, viewer: Viewer, message: dict[str, Any]) -> None:
        seen = message.get("seen")
        if seen is None:
            self._take(viewer, message)
        else:
            viewer.acknowledge(seen)

    def _send(self, viewer: Viewer, websocket: WebSocket, upgrade: Upgrade) -> None:
        """Send what is new until the viewer has gone: the only thread that waits for it to read."""
        try:
            while not viewer.is_gone:
                message = self._next_message(viewer)
                if message is not None:
                    websocket.send(message)
                upgrade.sleep(self._period_s)
        except OSError:
            logger.debug("a page was lost", exc_info=True)
        except Exception:  # a bug in `newest`: end this page's connection, not the server
            self._faults.report("state", "a page's state failed", traceback=True)
        finally:
            websocket.close()

    def _next_message(self, viewer: Viewer) -> bytes | None:
        return None if viewer.is_behind else viewer.next_message(*self._encode(viewer.view))

    def _encode(self, view: Hashable) -> tuple[int, bytes, bytes]:
        """An update's number, the rest of its JSON's head and its pictures; made once for all viewers of a view."""
        with self._encoding:
            now = time.monotonic()
            made_at, number, state, pictures = self._encoded.get(view, (-self._period_s, 0, b"", b""))
            if now - made_at >= self._period_s * 0.8:
                update = self._newest(view)
                sizes = [[name, len(picture)] for name, picture in update.pictures.items()]
                text = json.dumps({"state": update.state, "pictures": sizes}, allow_nan=False, separators=(",", ":"))
                number, state, pictures = update.number, text[1:-1].encode(), b"".join(update.pictures.values())
                self._encoded = {key: entry for key, entry in self._encoded.items() if now - entry[0] < self._period_s}
                self._encoded[view] = (now, number, state, pictures)
        return number, state, pictures


@dataclass(frozen=True)
class _Limits:
    """The settings that `WebSocket` reads from its server."""

    max_http_buffer_size: int = MAX_COMMAND_BYTES


def _parse(text: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise CommandError("expected a JSON object")
    return message
