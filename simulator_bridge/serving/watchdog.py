"""Warns about a connection that degrades: silence, late answers, frames that come too fast. Pure.

There is one watchdog for each connection; it is told of every answer, and asked regularly for its warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

SILENCE_S = 10.0  # the simulator sends telemetry many times a second while it drives
LATE_S = 0.05  # an answer that took longer: one control period at 20 Hz, the rate at which donkeycar drives
N_ANSWERS = 100  # the window that is examined
MANY_PASSED_OVER = 0.5  # of the window


class Watchdog:
    """Watches one connection.

    Args:
        now: Monotonic clock, seconds, as in all methods.
    """

    def __init__(self, now: float) -> None:
        self._heard_at = now
        self._ever_heard = False
        self._said_silence = False
        self._times: list[float] = []
        self._n_passed_over = 0
        self._warnings: list[tuple[str, str]] = []

    def answered(self, now: float, took_s: float, passed_over: bool) -> None:
        """Record an answer.

        Args:
            now: When it was sent.
            took_s: Since its telemetry had arrived.
            passed_over: It was answered without its frame, because a newer one had arrived.
        """
        self._heard_at, self._ever_heard, self._said_silence = now, True, False
        self._n_passed_over += passed_over
        if not passed_over:
            self._times.append(took_s)
        if len(self._times) + self._n_passed_over >= N_ANSWERS:
            self._examine_window()

    def new_warnings(self, now: float) -> Iterator[tuple[str, str]]:
        """The warnings since the last call: (kind, line)."""
        if now - self._heard_at > SILENCE_S and not self._said_silence:
            self._said_silence = True
            yield ("silence", self._silence(now - self._heard_at))
        while self._warnings:
            yield self._warnings.pop()

    def _examine_window(self) -> None:
        if self._n_passed_over >= MANY_PASSED_OVER * N_ANSWERS:
            self._warnings.append(
                (
                    "passed over",
                    f"frames come faster than they can be answered: {self._n_passed_over} of the last {N_ANSWERS} were "
                    "passed over for newer ones; a smaller model or a lower frame rate in the simulator gets them all",
                )
            )
        typical_s = median(self._times) if self._times else 0.0
        if typical_s > LATE_S:
            self._warnings.append(
                (
                    "late",
                    f"answers are late: {typical_s * 1000:.0f} ms each, the car reacts that much later; end other "
                    "programs, lower the simulator's graphics quality, or see what takes long: "
                    "python drive/latency.py model.h5",
                )
            )
        self._times.clear()
        self._n_passed_over = 0

    def _silence(self, silence_s: float) -> str:
        if not self._ever_heard:
            return (
                f"a client is connected for {silence_s:.0f} s and has sent no telemetry: in the simulator choose "
                "Autonomous Mode; a program of your own must emit 'telemetry'"
            )
        return (
            f"no telemetry for {silence_s:.0f} s: is the simulator paused, minimised or in its menu? "
            "Bring its window to the front; if it hangs, restart it, the server waits"
        )
