"""The interface between a server and what drives: telemetry in, control out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from simulator_bridge.messages import Control, Telemetry


class Driver(Protocol):
    """Drives one car; there is one for each connection."""

    def __call__(self, telemetry: Telemetry) -> Control:
        """The control for a telemetry."""


@runtime_checkable
class ClosableDriver(Driver, Protocol):
    """A driver that is told when its connection has ended."""

    def close(self) -> None:
        """Release what the driver holds: its connection has ended. Must not wait: others come after it."""
