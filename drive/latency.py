"""Measure how fast the drive server answers: `python drive/latency.py model.h5`.

Starts servers and a client that sends what Udacity's simulator sends, and prints where the time goes: with the model,
without one (the lower bound), with `model.predict` and with a plain call of the Keras model, in turn on one machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from drive.model_argument import check_model, model_argument
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option, transport_option
from simulator_bridge.cli.interrupts import take_sigterm_as_ctrl_c
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import UsageError
from simulator_bridge.transport.transport_name import TransportName

if TYPE_CHECKING:
    from drive.benchmark.latency_run import Measured

WAY_NAMES = {"litert": "", "none": ", no model", "call": ", plain call", "predict": ", predict"}


@dataclass(frozen=True, kw_only=True)
class LatencyConfig:
    """Settings of a measurement; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range, or settings do not go together.
    """

    model: Path | None = model_argument(default=None)
    frames: int = option(600, "frames a client", at_least=20)
    clients: int = option(1, "clients at the same time", at_least=1, at_most=64)
    fps: float = option(
        0.0, "frames/s of each client, answered or not; 0: each when the last is answered", at_least=0, at_most=1000
    )
    transport: Literal["threading", "eventlet", "both"] = transport_option("both")
    skip_keras: bool = option(False, "do not compare with model.predict and a plain call")
    cockpit: bool = option(
        False, "instead, compare answers while a page watches the cockpit, saliency on, with those while none does"
    )
    against: str | None = option(
        None,
        "also measure the server that this command starts, such as 'python old/drive.py model.h5'",
        metavar="COMMAND",
    )
    against_port: int = option(
        4567,
        "where that one listens; {port} in COMMAND is replaced by it",
        metavar="PORT",
        at_least=1,
        at_most=65535,
    )
    json: Path | None = json_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)
        if self.model is None and self.against is None:
            raise UsageError("expected a model file, or a server's command with --against")
        if self.cockpit and (self.model is None or self.clients > 1 or self.against is not None):
            raise UsageError("expected --cockpit with a model file and one client, and without --against")

    @property
    def transports(self) -> tuple[TransportName, ...]:
        """Those that are measured."""
        return ("threading", "eventlet") if self.transport == "both" else (self.transport,)

    @property
    def is_load(self) -> bool:
        """Whether it is measured under load, not in turn with one client."""
        return self.clients > 1 or self.fps > 0


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        LatencyConfig, run, argv, description="Measure how fast the drive server answers, and where the time goes."
    )


def run(config: LatencyConfig) -> int:
    """Measure, print the tables, write the numbers."""
    check_model(config.model)
    check_output("--json", config.json)
    take_sigterm_as_ctrl_c()
    from drive.benchmark.latency_table import print_tables, summarise

    summary = summarise(_measure(config))
    print_tables(summary)
    if config.json is not None:
        write_json(config.json, summary)
    return 0


def _measure(config: LatencyConfig) -> list[Measured]:
    from drive.benchmark.latency_client import draw_jpegs
    from drive.benchmark.latency_run import LatencyRun, measure_in_turn, measure_load, running, start_driving

    if config.cockpit and config.model is not None:
        return _measure_cockpit(config.model, config)
    jpegs = draw_jpegs()
    measured = _plan(config)
    with ExitStack() as stack:
        runs: list[LatencyRun] = []
        for one in measured:
            say(f"starting {one.name}")
            server = stack.enter_context(running(one, config.model, config.against, config.against_port))
            client = stack.enter_context(closing(start_driving(one, server, jpegs)))
            if config.is_load:
                client.close()
                measure_load(one, server, config.frames, config.clients, config.fps)
                stack.close()
            runs.append(LatencyRun(one, server, client))
        if not config.is_load:
            say(f"measuring {len(runs)} servers in turn")
            measure_in_turn(runs, config.frames)
    return measured


def _measure_cockpit(model: Path, config: LatencyConfig) -> list[Measured]:
    from drive.benchmark.latency_cockpit import measure_cockpit

    measured: list[Measured] = []
    for transport in config.transports:
        say(f"measuring {transport} with the cockpit open and closed, in turn")
        measured += measure_cockpit(model, transport, config.frames, config.fps)
    return measured


def _plan(config: LatencyConfig) -> list[Measured]:
    """Name what to measure."""
    from drive.benchmark.latency_run import Measured

    plan: list[Measured] = []
    for transport in config.transports if config.model is not None else ():
        ways = ["litert", "none"]
        if transport == config.transports[0] and not config.skip_keras and not config.is_load:
            ways += ["call", "predict"]
        plan += [Measured(transport + WAY_NAMES[way], way, transport) for way in ways]
    if config.against is not None:
        plan.append(Measured("against", "against", "unknown"))
    return plan


if __name__ == "__main__":
    sys.exit(main())
