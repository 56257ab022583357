"""Drive the server for a long time, roughly: `python drive/soak.py model.h5 --minutes 30`.

Simulators drive at a steady rate, send malformed telemetry and reconnect, while another client breaks websockets.
Says whether every telemetry was answered exactly once, whether memory grows, and whether answers get late.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator_bridge.cli.command import exit_code
from simulator_bridge.errors import ModelFileError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drive.benchmark.latency_run import OwnServer
    from drive.benchmark.soak_simulators import SoakCounts

N_PARTS = 10  # of the time, for drift; the first is warming up
N_SAMPLES = 60  # of memory
WARMING_UP = 0.5  # of the time: the allocator's arenas fill as threads come and go; a leak goes on after that
MAX_GROWTH_MB = 5.0  # in the rest of the time
MAX_DRIFT_MS = 5.0  # of the median answer, from the second tenth to the last


@dataclass(frozen=True)
class SoakConfig:
    """Everything that can be set, and the defaults.

    Raises:
        ValueError: If a value is out of range.
    """

    model: Path | None = None
    minutes: float = 30.0
    fps: float = 60.0
    simulators: int = 2
    transport: str = "threading"
    seed: int = 0
    json: Path | None = None
    quiet: bool = False

    def __post_init__(self) -> None:
        if not 0.05 <= self.minutes <= 10_000:
            raise ValueError(f"expected --minutes from 0.05 to 10,000, got {self.minutes:g}")
        if not 1 <= self.fps <= 1000:
            raise ValueError(f"expected an --fps from 1 to 1000, got {self.fps:g}")
        if not 1 <= self.simulators <= 16:
            raise ValueError(f"expected from 1 to 16 --simulators, got {self.simulators}")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        config = SoakConfig(**vars(arguments))
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: run(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    defaults = SoakConfig()
    parser = argparse.ArgumentParser(description="Drive the server for a long time, with reconnects and faults.")
    parser.add_argument("model", type=Path, nargs="?", help="model file; without one a driver that goes straight on")
    parser.add_argument("--minutes", type=float, default=defaults.minutes, help="how long (default: %(default)s)")
    parser.add_argument(
        "--fps", type=float, default=defaults.fps, help="telemetry/s of each simulator (default: %(default)s)"
    )
    parser.add_argument(
        "--simulators", type=int, default=defaults.simulators, help="at the same time (default: %(default)s)"
    )
    parser.add_argument(
        "--transport", choices=("eventlet", "threading"), default=defaults.transport,
        help="how connections are served (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=defaults.seed, help="of the faults (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures into this file")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and the result")
    return parser


def run(config: SoakConfig) -> int:
    """Soak, print what came of it; exit code 1 if the server is not as it should be."""
    if config.model is not None and not config.model.is_file():
        raise ModelFileError(f"{config.model}: no such model file; train one first with train/clone.py")
    if config.json is not None and not config.json.parent.is_dir():
        raise UserError(f"{config.json}: there is no folder {config.json.parent}; make it first")
    from drive.benchmark.latency_run import OwnServer

    way = "none" if config.model is None else "litert"
    with closing(OwnServer(config.model or Path(), way, config.transport)) as server:
        summary = soak(server, config)
    lines, is_good = judge(summary)
    print("\n".join(lines))  # noqa: T201 - the command's result
    if config.json is not None:
        config.json.write_text(json.dumps(summary, indent=2) + "\n")
    return 0 if is_good else 1


def soak(server: OwnServer, config: SoakConfig) -> dict[str, Any]:
    """Drive the server for the wanted time; the figures, as JSON types."""
    from drive.benchmark.latency_client import draw_jpegs
    from drive.benchmark.soak_simulators import SoakSimulator, vandalise

    jpegs = draw_jpegs()
    stop = threading.Event()
    simulators = [
        SoakSimulator(server.url, jpegs, config.fps, config.seed + number) for number in range(config.simulators)
    ]
    threads = [threading.Thread(target=simulator.run, args=(stop,)) for simulator in simulators]
    threads.append(threading.Thread(target=vandalise, args=(server.url, stop, config.seed)))
    for thread in threads:
        thread.start()
    try:
        memory = _watch(server, config.minutes * 60, is_shown=sys.stderr.isatty() and not config.quiet)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return summarise([simulator.counts for simulator in simulators], memory, config.minutes * 60)


def _watch(server: OwnServer, seconds: float, is_shown: bool) -> list[tuple[float, float]]:
    """Sample the server's memory until the time is over: (seconds since the start, MB)."""
    began_at = time.monotonic()
    memory: list[tuple[float, float]] = []
    for number in range(1, N_SAMPLES + 1):
        time.sleep(max(0.0, began_at + number * seconds / N_SAMPLES - time.monotonic()))
        memory.append((time.monotonic() - began_at, server.report()["memory_mb"]))
        if is_shown:
            print(f"\r{memory[-1][0] / 60:.1f} min, {memory[-1][1]:.0f} MB", end="", file=sys.stderr)  # noqa: T201
    return memory


def summarise(counts: Sequence[SoakCounts], memory: Sequence[tuple[float, float]], seconds: float) -> dict[str, Any]:
    """Put the figures of all simulators together."""
    import numpy as np

    trips = np.array([trip for count in counts for trip in count.round_trips]).reshape(-1, 2)
    parts = [trips[(trips[:, 0] // (seconds / N_PARTS)) == part, 1] * 1000 for part in range(N_PARTS)]
    at_s, mb = np.array(memory).T
    warm = at_s > seconds * WARMING_UP
    slope = float(np.polyfit(at_s[warm], mb[warm], 1)[0]) * 3600
    return {
        "seconds": seconds,
        "n_telemetry": sum(count.n_telemetry for count in counts),
        "n_answers": sum(count.n_answers for count in counts),
        "n_malformed": sum(count.n_malformed for count in counts),
        "n_connections": sum(count.n_connections for count in counts),
        "n_lost": sum(count.n_lost for count in counts),
        "faults": [fault for count in counts for fault in count.faults],
        "p50_ms": [round(float(np.median(part)), 2) if len(part) else None for part in parts],
        "p99_ms": [round(float(np.percentile(part, 99)), 2) if len(part) else None for part in parts],
        "largest_ms": round(float(trips[:, 1].max()) * 1000, 1) if len(trips) else None,
        "memory_mb": [round(float(value), 1) for value in mb],
        "memory_slope_mb_per_h": round(slope, 2),
        "memory_growth_mb": round(float(np.median(mb[warm][-5:]) - np.median(mb[warm][:5])), 1),
    }


def judge(summary: dict[str, Any]) -> tuple[list[str], bool]:
    """Say what the figures mean, and whether all is as it should be."""
    n, answers = summary["n_telemetry"], summary["n_answers"]
    first, last = summary["p50_ms"][1], summary["p50_ms"][-1]
    drift_ms = last - first if first is not None and last is not None else float("nan")
    exact = n == answers > 0 and not summary["faults"] and not summary["n_lost"]
    flat = summary["memory_growth_mb"] <= MAX_GROWTH_MB
    steady = drift_ms <= MAX_DRIFT_MS
    lines = [
        f"{_mark(exact)} {n} well-formed telemetry in {summary['n_connections']} connections, {answers} answers, "
        f"{summary['n_lost']} connections lost",
        f"   {summary['n_malformed']} malformed ones beside them, each with its safe answer",
        f"{_mark(flat)} memory {summary['memory_mb'][-1]:.0f} MB; slope {summary['memory_slope_mb_per_h']:+.2f} MB/h, "
        f"growth {summary['memory_growth_mb']:+.1f} MB in the second half",
        f"{_mark(steady)} answers: p50 {first} ms in the second tenth of the time, {last} ms in the last "
        f"(drift {drift_ms:+.2f} ms)",
        f"   p99 of each tenth, ms: {' '.join(str(value) for value in summary['p99_ms'])}; "
        f"largest {summary['largest_ms']}",
        *(f"   {fault}" for fault in summary["faults"]),
    ]
    return lines, exact and flat and steady


def _mark(is_good: bool) -> str:
    return "ok" if is_good else "NO"


if __name__ == "__main__":
    sys.exit(main())
