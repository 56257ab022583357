"""The state of one client: as the server keeps it, and as it is shown to others."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator_bridge.drive_progress import DriveProgress
from simulator_bridge.messages import Control
from simulator_bridge.serving.watchdog import Watchdog
from simulator_bridge.transport.bridge_session import BridgeSession

if TYPE_CHECKING:
    from simulator_bridge.serving.driver import Driver

N_ANSWERS_KEPT = 60  # of one client, to show their times
HINT_S = 15.0  # how long a warning of the watchdog is shown


@dataclass(frozen=True, eq=False)
class ClientFacts:
    """The state of one client at one moment; times are seconds."""

    number: int  # counted from 1
    driver: Driver
    n_telemetry: int
    connected_for_s: float
    silent_for_s: float  # since its last telemetry was answered; infinite if there was none
    is_manual: bool
    answers_s: tuple[float, ...]  # times of the last answers, oldest first
    hint: str  # the watchdog's warning; empty if there is none
    progress: DriveProgress | None
    name: str = ""  # of the program, as it says itself
    kind: str = ""  # what it is, if that is none that can be driven; see `client_kinds`


@dataclass
class ClientState:
    """What is stored about one client, whichever protocol it speaks."""

    number: int  # counted from 1
    driver: Driver
    connected_at: float = field(default_factory=time.monotonic)
    n_telemetry: int = 0
    said_frame_size: bool = False
    last_control: Control | None = None  # of the driver
    watchdog: Watchdog = field(default_factory=lambda: Watchdog(time.monotonic()))
    is_manual: bool = False  # its last telemetry was empty: a person drives in the simulator
    answered_at: float = -math.inf  # monotonic clock, seconds
    answers_s: deque[float] = field(default_factory=lambda: deque(maxlen=N_ANSWERS_KEPT))  # how long they took
    hint: str = ""  # the watchdog's last warning
    hinted_at: float = -math.inf
    progress: DriveProgress | None = None  # only the built-in simulator sends it
    name: str = ""  # of the program, as it says itself
    kind: str = ""  # what it is, if that is none that can be driven; see `client_kinds`

    def answered(self, received_at: float, passed_over: bool = False) -> None:
        """Record an answer to a telemetry that came at `received_at`; see `Watchdog.answered`."""
        now = time.monotonic()
        self.watchdog.answered(now, now - received_at, passed_over)
        self.answered_at = now
        self.answers_s.append(now - received_at)

    def facts(self, now: float) -> ClientFacts:
        """The state of the client; `now` is the monotonic clock, seconds."""
        return ClientFacts(
            number=self.number,
            driver=self.driver,
            n_telemetry=self.n_telemetry,
            connected_for_s=now - self.connected_at,
            silent_for_s=now - self.answered_at,
            is_manual=self.is_manual,
            answers_s=tuple(self.answers_s.copy()),
            hint=self.hint if now - self.hinted_at < HINT_S else "",
            progress=self.progress,
            name=self.name,
            kind=self.kind,
        )


@dataclass
class Connection(ClientState):
    """One client of Socket.IO."""

    session: BridgeSession = field(kw_only=True)
    decimal_comma: bool = False  # once seen, all answers have it, too
    kicked_off: bool = False
    decoded_at: float = 0.0  # when the current telemetry was parsed; time.perf_counter
