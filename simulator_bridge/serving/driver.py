"""What a server asks of whoever drives: telemetry in, control out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from simulator_bridge.messages import Control, Telemetry


class Driver(Protocol):
    """Drives one car; there is one for each connection."""

    def __call__(self, telemetry: Telemetry) -> Control:
        """Decide what the car does next."""


@runtime_checkable
class ClosableDriver(Driver, Protocol):
    """A driver that wants to know when its connection has ended."""

    def close(self) -> None:
        """Let go of what the driver holds."""
