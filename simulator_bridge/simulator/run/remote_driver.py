"""A drive server as the driver: asked over the wire as Udacity's simulator asks, and reconnected when it was lost."""

from __future__ import annotations

import logging
import time

from simulator_bridge.drive_progress import EVENT, DriveProgress
from simulator_bridge.messages import SAFE_CONTROL, Control, encode_frame, parse_control, telemetry_to_wire
from simulator_bridge.simulator.run.drive_loop import Moment
from simulator_bridge.transport.simulator_client import ConnectionLostError, SimulatorClient

logger = logging.getLogger(__name__)

ANSWER_S = 10.0  # a server that is silent for longer is lost
RETRY_S = 0.1  # between two attempts to connect


class RemoteDriver:
    """Asks the server at `url` and waits for its answer: simulated time stands still meanwhile (lock-step).

    Telemetry carries the simulated time as a further field, `time` in seconds; other servers ignore it.

    Args:
        url: Of the drive server, such as `ws://127.0.0.1:4567`.
        wait_s: How long to go on trying when it is not there, at first or after it was lost.
        answer_s: How long to wait for an answer before the connection counts as lost.
    """

    def __init__(self, url: str, wait_s: float = 10.0, answer_s: float = ANSWER_S) -> None:
        self._url, self._wait_s, self._answer_s = url, wait_s, answer_s
        self._client: SimulatorClient | None = None
        self._last = SAFE_CONTROL
        self._progress: DriveProgress | None = None
        self.n_connections = 0

    def __call__(self, moment: Moment) -> Control:
        """Send what the center camera sees, return the server's control.

        Raises:
            ConnectionLostError: If there is no server for `wait_s`.
            ProtocolError: If its answer is one that Udacity's simulator could not read.
        """
        return self.ask(telemetry_of(moment))

    def send_progress(self, progress: DriveProgress) -> None:
        """Report how far the drive is, with the next telemetry; from any thread."""
        self._progress = progress

    def ask(self, payload: dict[str, str]) -> Control:
        """Send one telemetry and wait for its answer, over a new connection if the old one is lost."""
        deadline: float | None = None  # counts from the first failure
        while True:
            try:
                return self._ask_once(payload)
            except ConnectionLostError as error:
                now = time.monotonic()
                if deadline is None:
                    deadline = now + self._wait_s
                    if self._client is not None:
                        logger.warning("%s; connecting again for up to %g s", error, self._wait_s)
                self.close()
                if now >= deadline:
                    raise
                time.sleep(RETRY_S)

    def close(self) -> None:
        """Disconnect; the next telemetry connects again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _ask_once(self, payload: dict[str, str]) -> Control:
        if self._client is None:
            self._client = SimulatorClient(self._url, timeout_s=self._answer_s, stays_alive=True)
            self.n_connections += 1
            logger.info("connected to %s", self._url)
        progress, self._progress = self._progress, None
        if progress is not None:
            self._client.emit(EVENT, progress.to_wire())
        self._client.emit("telemetry", payload)
        answer = self._client.wait_for("steer", "manual", timeout_s=self._answer_s)
        if answer.name == "steer":  # "manual" leaves the car as it is
            self._last = parse_control(answer.payload)
        return self._last


def telemetry_of(moment: Moment) -> dict[str, str]:
    """The telemetry of a moment, as Unity writes it, and the simulated time in seconds as `time`."""
    payload = telemetry_to_wire(
        encode_frame(moment.frames["center"]),
        steering_angle_deg=moment.state.steering_angle_deg,
        throttle=max(moment.applied.throttle, 0.0),
        speed_mph=moment.state.speed_mph,
    )
    return {**payload, "time": f"{moment.time_s:.4f}"}
