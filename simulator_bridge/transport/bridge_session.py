"""One Engine.IO session and its websocket: python-engineio's, changed so that they serve old and new clients.

Uses private names of python-engineio; they are in `legacy_clients.HOOKS` and are checked when a server is made.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import engineio
import engineio.exceptions
import engineio.socket
from engineio import json as engineio_json
from engineio import packet as engineio_packet

from simulator_bridge.transport.fault_log import FaultLog
from simulator_bridge.transport.websocket import WebSocket, logger
from simulator_bridge.transport.websocket_frames import Message

faults = FaultLog(logger)

MAX_UNREAD_PACKETS = 200  # in the queue of a client that does not read; then it is dropped
MAX_MESSAGES_PER_S = 3000  # of one client; it is read no faster, so TCP slows it down
_FULL_TELEMETRY = re.compile(r'42\d*\["telemetry",\{')


class EngineIoWebSocket(WebSocket):
    """A websocket that only passes on what python-engineio accepts as a packet."""

    def __init__(self, handler: Callable[[WebSocket], object], server: Any) -> None:
        super().__init__(handler, server)
        self._websockets: set[EngineIoWebSocket] = server.websockets
        self._sleep: Callable[[float], None] = server.sleep
        self._second, self._n_this_second = 0, 0
        self.n_written = 0  # packets from the session's queue

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        """Do the handshake, then run the handler until the connection ends."""
        self._websockets.add(self)
        try:
            return super().__call__(environ, start_response)
        finally:
            self._websockets.discard(self)

    def wait(self) -> str | bytes | None:
        """Wait for the next Engine.IO packet; None when the connection has ended."""
        while True:
            message = super().wait()
            self._limit_rate()
            if not isinstance(message, str) or message[:1] in tuple("0123456"):
                return message
            faults.report("engine packet", "ignoring a message that begins with %.40r", message[:40])

    def send(self, message: str | bytes) -> None:
        """Send a packet from the session's queue; see `WebSocket.send`."""
        super().send(message)
        self.n_written += 1

    def send_past_the_queue(self, message: str | bytes) -> None:
        """Send a packet that was not in the queue; see `WebSocket.send`."""
        super().send(message)

    def newer_telemetry_waits(self) -> bool:
        """Whether a telemetry with a frame has arrived since the current message."""
        return any(isinstance(message.data, str) and _FULL_TELEMETRY.match(message.data) for message in self.waiting)

    def _limit_rate(self) -> None:
        now = time.monotonic()
        if int(now) != self._second:
            self._second, self._n_this_second = int(now), 0
        self._n_this_second += 1
        if self._n_this_second > MAX_MESSAGES_PER_S:
            faults.report("rate", "slowing down a client that sends more than %d messages/s", MAX_MESSAGES_PER_S)
            self._sleep(math.ceil(now) - now)


class BridgeSession(engineio.socket.Socket):  # type: ignore[misc]  # the library is not typed
    """One Engine.IO session; answers pings, which Engine.IO 4 servers do not, and uses no wall clock.

    Attributes:
        websocket: Its websocket; None before it has one.
        was_driven: Whether it has sent telemetry.
    """

    websocket: EngineIoWebSocket | None = None
    was_driven = False

    @staticmethod
    def adopt(session: engineio.socket.Socket, client_pings: bool) -> None:
        """Turn a session that the library has made into one of ours.

        Its fields are complete before its class changes: other threads may see it at any moment.

        Args:
            session: New; only its OPEN packet is queued.
            client_pings: The client sends the pings (Engine.IO 3), so the server must not.
        """
        session._client_pings = client_pings
        session._heard_at = time.monotonic()
        session._ping_due_at = math.inf
        session._pinged_at = math.inf  # when our ping was sent that has no answer yet
        session.last_ping = None  # the library's own, by the wall clock: not used
        session._put_lock = threading.Lock()  # held for an instant only, which is fine for green threads, too
        session._n_put = session.queue.qsize()  # packets for the writer so far
        session._may_send_past_the_queue = False
        session._polling = threading.Lock()  # held while a request waits for packets
        session.__class__ = BridgeSession

    def answer(self, event: str, payload: dict[str, str]) -> None:
        """Send an event, at once and in this thread, unless packets are queued before it or the client does not read.

        Called by the thread that handles the session's messages, so that answers keep their order.
        """
        text = "2" + engineio_json.dumps([event, payload], separators=(",", ":"))
        packet = engineio_packet.Packet(engineio_packet.MESSAGE, text)
        websocket = self.websocket
        if websocket is None or not self._nothing_to_send(websocket) or not websocket.can_send_at_once():
            self.send(packet)
            return
        try:
            websocket.send_past_the_queue(packet.encode())
        except OSError:  # the client has left; the reader will notice
            logger.debug("an answer found no reader", exc_info=True)

    def _nothing_to_send(self, websocket: EngineIoWebSocket) -> bool:
        """Whether the writer's thread has written all packets, also those that have left the queue."""
        return self._may_send_past_the_queue and websocket.n_written == self._n_put

    @property
    def current_message(self) -> Message | None:
        """The message that is being handled; None for a polling client."""
        return self.websocket.current if self.websocket else None

    @property
    def fell_silent(self) -> bool:
        """Whether its websocket has ended because nothing came any more."""
        return self.websocket is not None and self.websocket.fell_silent

    def newer_telemetry_waits(self) -> bool:
        """Whether a telemetry with a frame has arrived since the one that is being handled."""
        return self.websocket is not None and self.websocket.newer_telemetry_waits()

    def drop(self, reason: object) -> None:
        """End the session now, whether its client reads or not."""
        self.close(wait=False, abort=True, reason=reason)
        if self.websocket is not None:
            self.websocket.close()

    def receive(self, pkt: Any) -> None:
        """Handle a packet from the client."""
        self._heard_at = time.monotonic()
        if pkt.packet_type == engineio_packet.PING:
            self.send(engineio_packet.Packet(engineio_packet.PONG, pkt.data))
        elif pkt.packet_type in (engineio_packet.OPEN, engineio_packet.NOOP):
            faults.report("engine packet", "ignoring an Engine.IO packet of type %d", pkt.packet_type)
        else:
            super().receive(pkt)

    def send(self, pkt: Any) -> None:
        """Queue a packet for the client; a client that does not read is dropped."""
        if self.queue.qsize() > MAX_UNREAD_PACKETS and not self.closing:
            faults.report("unread", "dropping a client that has not read %d packets", MAX_UNREAD_PACKETS)
            self.drop(self.server.reason.TRANSPORT_ERROR)
            return
        with self._put_lock:
            self._n_put += 1
        super().send(pkt)

    def schedule_ping(self) -> None:
        """Schedule the next ping, unless the client sends the pings; no thread waits for it."""
        self._pinged_at = math.inf
        if not self._client_pings:
            self._ping_due_at = time.monotonic() + self.server.ping_interval

    def ping_if_due(self, now: float) -> None:
        """Send the ping that is due; `now` is the monotonic clock, seconds."""
        if now >= self._ping_due_at and not self.closing:
            self._ping_due_at = math.inf
            self._pinged_at = now
            self.send(engineio_packet.Packet(engineio_packet.PING))

    def check_ping_timeout(self) -> bool:
        """Whether the client still answers; closes the session if it does not.

        Raises:
            SocketIsClosedError: If the session is closed.
        """
        now = time.monotonic()
        deadline = self._pinged_at + self.server.ping_timeout
        if self._client_pings:
            deadline = self._heard_at + self.server.ping_interval + self.server.ping_timeout
        if now > deadline and not self.closing:
            self.drop(self.server.reason.PING_TIMEOUT)
            return False
        return bool(super().check_ping_timeout())

    def handle_get_request(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer a poll, or upgrade to a websocket.

        Raises:
            EngineIOError: If another poll waits already: each would hold a connection. Ends the session, as Engine.IO's
                own server does.
        """
        if "HTTP_UPGRADE" in environ:
            return super().handle_get_request(environ, start_response)
        if not self._polling.acquire(blocking=False):
            faults.report("polls", "dropping a client that polls twice at the same time")
            self.drop(self.server.reason.TRANSPORT_ERROR)
            raise engineio.exceptions.EngineIOError("two polls at the same time")
        try:
            return super().handle_get_request(environ, start_response)
        finally:
            self._polling.release()

    def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Read the packets of a polling client's POST."""
        try:
            super().handle_post_request(environ)
        except (ValueError, RecursionError) as error:
            faults.report("post", "ignoring a polling request: %s", error)

    def _websocket_handler(self, websocket: EngineIoWebSocket) -> Any:
        self.websocket = websocket
        self._may_send_past_the_queue = not self.connected  # packets sent to polls are not counted
        return super()._websocket_handler(websocket)
