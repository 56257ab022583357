"""Measure how fast the drive server answers: `python drive/latency.py model.h5`.

Starts servers and a client that sends what Udacity's simulator sends, and prints where the time goes: with the model,
with no model (the floor), with `model.predict` and with a plain call of the Keras model, in turn on the same machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import exit_code
from simulator_bridge.errors import ModelFileError, UserError

if TYPE_CHECKING:
    from drive.benchmark.latency_run import Measured

WAY_NAMES = {"litert": "", "none": ", no model", "call": ", plain call", "predict": ", predict"}


@dataclass(frozen=True)
class LatencyConfig:
    """Everything that can be set, and the defaults.

    Raises:
        ValueError: If a value is out of range.
    """

    model: Path | None = None
    json: Path | None = None
    frames: int = 600
    clients: int = 1
    fps: float = 0.0
    transport: str = "both"
    skip_keras: bool = False
    cockpit: bool = False
    against: str | None = None
    against_port: int = 4567
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.model is None and self.against is None:
            raise ValueError("expected a model file, or a server's command with --against")
        if self.cockpit and (self.model is None or self.clients > 1 or self.against is not None):
            raise ValueError("expected --cockpit with a model file and one client, and without --against")
        if self.frames < 20:
            raise ValueError(f"expected at least 20 --frames, got {self.frames}")
        if not 1 <= self.clients <= 64:
            raise ValueError(f"expected from 1 to 64 --clients, got {self.clients}")
        if not 0 <= self.fps <= 1000:
            raise ValueError(f"expected an --fps from 0 to 1000, got {self.fps:g}")
        if not 1 <= self.against_port <= 65535:
            raise ValueError(f"expected an --against-port from 1 to 65535, got {self.against_port}")

    @property
    def transports(self) -> tuple[str, ...]:
        """Those that are measured."""
        return ("threading", "eventlet") if self.transport == "both" else (self.transport,)

    @property
    def is_load(self) -> bool:
        """Whether it is measured under load, not in turn with one client."""
        return self.clients > 1 or self.fps > 0


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        config = LatencyConfig(**vars(arguments))
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: run(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    defaults = LatencyConfig(model=Path())
    parser = argparse.ArgumentParser(description="Measure how fast the drive server answers, and where the time goes.")
    parser.add_argument("model", type=Path, nargs="?", help="model file, as train/clone.py writes it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same numbers into this file")
    parser.add_argument("--frames", type=int, default=defaults.frames, help="frames a client (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=defaults.clients, help="at the same time (default: %(default)s)")
    parser.add_argument(
        "--fps", type=float, default=defaults.fps,
        help="frames/s of each client, answered or not; 0: each when the last is answered (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--transport", choices=("threading", "eventlet", "both"), default=defaults.transport,
        help="of our server (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--skip-keras", action="store_true", help="do not compare with model.predict and a plain call")
    parser.add_argument(
        "--cockpit", action="store_true",
        help="instead, compare answers while a page watches the cockpit, saliency on, with those while none does",
    )  # fmt: skip
    parser.add_argument(
        "--against", metavar="COMMAND",
        help="also measure the server that this command starts, such as 'python old/drive.py model.h5'",
    )  # fmt: skip
    parser.add_argument(
        "--against-port", type=int, default=defaults.against_port, metavar="PORT",
        help="where that one listens; {port} in COMMAND is replaced by it (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and the tables")
    return parser


def run(config: LatencyConfig) -> int:
    """Measure and print."""
    if config.model is not None and not config.model.is_file():
        raise ModelFileError(f"{config.model}: no such model file; train one first with train/clone.py")
    if config.json is not None and not config.json.parent.is_dir():
        raise UserError(f"{config.json}: there is no folder {config.json.parent}; make it first")
    from drive.benchmark.latency_table import print_tables, summarise

    summary = summarise(_measure(config))
    print_tables(summary)
    if config.json is not None:
        config.json.write_text(json.dumps(summary, indent=2) + "\n")
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
            _say(config, f"starting {one.name}")
            server = stack.enter_context(running(one, config.model, config.against, config.against_port))
            client = stack.enter_context(closing(start_driving(one, server, jpegs)))
            if config.is_load:
                client.close()
                measure_load(one, server, config.frames, config.clients, config.fps)
                stack.close()
            runs.append(LatencyRun(one, server, client))
        if not config.is_load:
            _say(config, f"measuring {len(runs)} servers in turn")
            measure_in_turn(runs, config.frames)
    return measured


def _measure_cockpit(model: Path, config: LatencyConfig) -> list[Measured]:
    from drive.benchmark.latency_cockpit import measure_cockpit

    measured: list[Measured] = []
    for transport in config.transports:
        _say(config, f"measuring {transport} with the cockpit open and closed, in turn")
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


def _say(config: LatencyConfig, line: str) -> None:
    if not config.quiet:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress


if __name__ == "__main__":
    sys.exit(main())
