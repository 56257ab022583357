"""Notices that a drive goes wrong slowly: silence, late answers, frames that come too fast. Pure; says what to do.

One watchdog looks after one connection; it is told of every answer and asked now and then what there is to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

SILENCE_S = 10.0  # the simulator sends telemetry many times a second while it drives
LATE_S = 0.05  # an answer that took longer: one control period at 20 Hz, the rate at which donkeycar drives
N_ANSWERS = 100  # the window that is judged
MANY_PASSED_OVER = 0.5  # of the window


class Watchdog:
    """Looks after one connection.

    Args:
        now: Monotonic clock, seconds, as in all methods.
    """

    def __init__(self, now: float) -> None:
        self._heard_at = now
        self._ever_heard = False
        self._said_silence = False
        self._times: list[float] = []
        self._n_passed_over = 0
        self._complaints: list[tuple[str, str]] = []

    def answered(self, now: float, took_s: float, passed_over: bool) -> None:
        """Take note of an answer.

        Args:
            now: When it was given.
            took_s: Since its telemetry had come.
            passed_over: It was answered without a look at its frame, because a newer one had come.
        """
        self._heard_at, self._ever_heard, self._said_silence = now, True, False
        self._n_passed_over += passed_over
        if not passed_over:
            self._times.append(took_s)
        if len(self._times) + self._n_passed_over >= N_ANSWERS:
            self._judge()

    def complaints(self, now: float) -> Iterator[tuple[str, str]]:
        """Give what there is to say since the last call: (kind, line)."""
        if now - self._heard_at > SILENCE_S and not self._said_silence:
            self._said_silence = True
            yield ("silence", self._silence(now - self._heard_at))
        while self._complaints:
            yield self._complaints.pop()

    def _judge(self) -> None:
        if self._n_passed_over >= MANY_PASSED_OVER * N_ANSWERS:
            self._complaints.append(
                (
                    "passed over",
                    f"frames come faster than they can be answered: {self._n_passed_over} of the last {N_ANSWERS} were "
                    "passed over for newer ones; a smaller model or a lower frame rate in the simulator gets them all",
                )
            )
        typical_s = median(self._times) if self._times else 0.0
        if typical_s > LATE_S:
            self._complaints.append(
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
