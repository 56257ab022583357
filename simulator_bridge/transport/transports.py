"""The two ways of serving HTTP and websockets: real threads, or eventlet's green ones."""

from __future__ import annotations

from simulator_bridge.transport.eventlet_transport import EventletTransport
from simulator_bridge.transport.threading_transport import ThreadingTransport
from simulator_bridge.transport.transport_contract import Transport


def build_transport(name: str) -> Transport:
    """Make a transport: "threading" or "eventlet"."""
    if name == "eventlet":
        return EventletTransport()
    if name == "threading":
        return ThreadingTransport()
    raise ValueError(f"expected the transport 'eventlet' or 'threading', got {name!r}")
