"""The interface between a server and what drives: telemetry in, control out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from simulator_bridge.messages import SAFE_CONTROL, Control, Telemetry
from simulator_bridge.transport.fault_log import FaultLog


class Driver(Protocol):
    """Drives one car; there is one for each connection."""

    def __call__(self, telemetry: Telemetry) -> Control:
        """The control for a telemetry."""


@runtime_checkable
class ClosableDriver(Driver, Protocol):
    """A driver that is told when its connection has ended."""

    def close(self) -> None:
        """Release what the driver holds: its connection has ended. Must not wait: others come after it."""


def make_driver(new_driver: Callable[[], Driver], faults: FaultLog) -> Driver:
    """The driver of a new connection; one that drives safely, if `new_driver` fails. Never raises."""
    try:
        return new_driver()
    except Exception as error:
        faults.report("new driver", "no driver for a new client, it gets a safe control: %s", error, traceback=True)
        return lambda telemetry: SAFE_CONTROL


def drive(driver: Driver, telemetry: Telemetry, faults: FaultLog) -> Control:
    """The driver's answer; a safe one if it fails. Never raises."""
    try:
        control = driver(telemetry)
        if not isinstance(control, Control):
            raise TypeError(f"expected the driver to return a Control, got {control!r}")
    except Exception as error:  # a bug: the car must not be left without an answer
        kind = f"driver {type(error).__name__}"
        faults.report(kind, "the driver failed, answered with a safe control: %s", error, traceback=True)
        return SAFE_CONTROL
    return control


def close_driver(driver: Driver, faults: FaultLog) -> None:
    """Tell a driver that its connection has ended. Never raises."""
    if isinstance(driver, ClosableDriver):
        try:
            driver.close()
        except Exception as error:
            faults.report("close driver", "a driver failed to close: %s", error, traceback=True)
