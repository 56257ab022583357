"""What an open cockpit costs an answer: one server, driven in turn with a page open and with none."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from drive.benchmark.latency_client import draw_jpegs
from drive.benchmark.latency_run import Measured, OwnServer, ServerFailedError, start_driving
from drive.foreign_server import STOP_S
from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError, script

VIEWER = script("drive/cockpit/viewer.py")
N_ROUNDS = 12  # each with a stretch of either kind, in alternating order
MIN_STRETCH = 20  # frames; fewer rounds if need be
OPEN_S = 150.0  # until the first saliency map is here


class ViewerProcess:
    """`cockpit/viewer.py` as a process.

    Args:
        url: Of the server that it watches.
    """

    def __init__(self, url: str) -> None:
        self._child = ChildProcess(VIEWER, [url])

    def open(self) -> None:
        """Open the page and wait until it shows saliency.

        Raises:
            ServerFailedError: If it does not.
        """
        self._command("open")

    def close_page(self) -> dict[str, int]:
        """Close the page; returns what it has seen since it was opened.

        Raises:
            ServerFailedError: If it hangs.
        """
        return self._command("close")

    def close(self) -> None:
        """End the process."""
        self._child.close()

    def _command(self, what: str) -> dict[str, int]:
        try:
            self._child.write_line(what)
            seen: dict[str, int] = json.loads(self._child.read_line(OPEN_S))
        except (SilentError, EndedError):
            with suppress(SilentError):
                self._child.wait(STOP_S)
            raise ServerFailedError(f"the cockpit could not be watched: {self._child.last_words()}") from None
        return seen


def measure_cockpit(model: Path, transport: str, n: int, fps: float) -> list[Measured]:
    """Measure answers with no page open, and with one that watches camera and saliency.

    Args:
        model: That drives.
        transport: Of the server.
        n: Frames for each.
        fps: Frames/s, answered or not; 0: each when the last is answered.

    Raises:
        ServerFailedError: If the server or the page fails.
        ConnectionLostError: If the server stops answering.
    """
    quiet, watched = Measured(transport, "litert", transport), Measured(f"{transport}, cockpit", "cockpit", transport)
    with ExitStack() as stack:
        server = stack.enter_context(closing(OwnServer(model, "litert", transport)))
        client = stack.enter_context(closing(start_driving(quiet, server, draw_jpegs())))
        viewer = stack.enter_context(closing(ViewerProcess(server.url)))
        watched.first_steer_s = quiet.first_steer_s
        n_rounds = min(max(n // MIN_STRETCH, 1), N_ROUNDS)
        for number in range(n_rounds):
            for measured in (quiet, watched) if number % 2 else (watched, quiet):
                if measured is watched:
                    viewer.open()
                server.report()
                n_now = round(n / n_rounds)
                measured.drive.add(client.drive_at(fps, n_now) if fps else client.drive(n_now))
                _add_report(measured, server)
                if measured is watched:
                    seen = viewer.close_page()
                    measured.n_page_updates += seen["n_updates"]
                    measured.n_page_maps += seen["n_maps"]
    return [quiet, watched]


def _add_report(measured: Measured, server: OwnServer) -> None:
    report = server.report()
    measured.stages_s += report["stages_s"]
    measured.n_passed_over += report["n_passed_over"]
    measured.memory_mb = report["memory_mb"]
