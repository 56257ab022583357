"""The processes of driven laps: the drive server of a worker, and the simulator of one drive."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from drive.evaluation.drive_trace import trace_arguments
from drive.evaluation.lap_config import LapJob, LapsConfig
from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError, script
from simulator_bridge.errors import UserError

logger = logging.getLogger(__name__)

SERVER_SCRIPT = script("drive/evaluation/lap_server.py")
SIMULATOR_SCRIPT = script("simulator_bridge/simulate.py")
REPORT_NAME = "report.json"
SERVER_START_S = 180.0  # a foreign model is converted first, with TensorFlow, on a busy machine
POLL_S = 0.5  # between two checks, while waiting, whether it was stopped


class LapServer:
    """A drive server as a process, listening when this is made.

    Args:
        model: The model; None never steers.
        speed_mph: Set speed.
        stopped: Ends the wait for the server's start.
        preprocessing: Of a model of another program, as on a command line.

    Raises:
        UserError: If it does not start.
    """

    def __init__(
        self, model: Path | None, speed_mph: float, stopped: threading.Event, preprocessing: str | None = None
    ) -> None:
        who = [] if model is None else [str(model)]
        who += [] if preprocessing is None else ["--preprocessing", preprocessing]
        self.process = ChildProcess(SERVER_SCRIPT, [*who, "--speed", str(speed_mph), "--end-with-parent"])
        try:
            self.url = self._wait_for_url(stopped)
        except (SilentError, EndedError):
            reason = self.process.last_words()
            logger.debug("%s", self.process.errors())
            self.process.close()
            raise UserError(f"the drive server does not start: {reason}") from None
        logger.debug("server process %d at %s", self.process.pid, self.url)

    def _wait_for_url(self, stopped: threading.Event) -> str:
        deadline = time.monotonic() + SERVER_START_S
        while True:
            try:
                match = re.search(r"http://(\S+:\d+)", self.process.read_line(POLL_S))
                if match:
                    return f"ws://{match[1]}"
            except SilentError:
                if stopped.is_set() or time.monotonic() > deadline:
                    raise


def start_simulator(
    config: LapsConfig, job: LapJob, folder: Path, server_url: str, further: Sequence[str] = ()
) -> ChildProcess:
    """Start the simulator of one drive.

    Args:
        config: Of all drives.
        job: The drive.
        folder: Where it leaves its report, as `REPORT_NAME`, and a trace if a page was asked for.
        server_url: Of the server that drives; not used if the expert does.
        further: Arguments of the simulator beside those that follow from `config` and `job`.
    """
    return ChildProcess(SIMULATOR_SCRIPT, [*_simulator_arguments(config, job, folder, server_url), *further])


def _simulator_arguments(config: LapsConfig, job: LapJob, folder: Path, server_url: str) -> list[str]:
    arguments = [
        *_place_arguments(config, job),
        *("--laps", str(config.n_laps)),
        *("--latency", str(job.latency_ms), "--json", str(folder / REPORT_NAME), "--status", "--end-with-parent"),
    ]
    if config.max_interventions is not None:
        arguments += ["--max-interventions", str(config.max_interventions)]
    if config.expert:
        arguments += ["--expert", "--speed", str(config.speed_mph)]
    else:
        arguments += ["--connect", server_url, "--wait", "5"]
    if config.video is not None:
        arguments += ["--video", str(video_path(config, job))]
    if config.report is not None:
        arguments += trace_arguments(folder)
    return arguments


def _place_arguments(config: LapsConfig, job: LapJob) -> list[str]:
    if job.is_replay:
        return ["--replay", job.track]
    return [
        *("--track", job.track, "--seed", str(job.seed), "--scale", str(config.scale)),
        *("--weather", config.weather, "--backend", config.backend),
        *(["--reverse"] if job.reverse else []),
    ]


def video_path(config: LapsConfig, job: LapJob) -> Path:
    """Where a drive's film goes: the file named, with the drive in its name if there are several."""
    if config.video is None:
        raise ValueError("no video was asked for")
    if len(config.plan()) == 1:
        return config.video
    name = re.sub(r"[^\w.-]+", "-", f"{Path(job.group).name} seed {job.seed}")
    return config.video.with_name(f"{config.video.stem}-{name}{config.video.suffix}")
