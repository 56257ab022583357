"""Soak-test the drive server: `python drive/soak.py model.h5 --minutes 30`.

Simulators drive at a steady rate, send malformed telemetry and reconnect, while another client breaks websockets.
Prints whether every telemetry was answered exactly once, whether memory grows, and whether answers get late.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drive.model_argument import check_model, model_argument
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option, seed_option, transport_option
from simulator_bridge.cli.interrupts import take_sigterm_as_ctrl_c
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.terminal import console_for_person
from simulator_bridge.transport.transport_name import TransportName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drive.benchmark.latency_run import OwnServer
    from drive.benchmark.soak_simulators import SoakCounts

N_PARTS = 10  # of the time, for drift; the first is warming up
N_SAMPLES = 60  # of memory
WARMING_UP = 0.5  # of the time: the allocator's arenas fill as threads come and go; a leak goes on after that
MAX_GROWTH_MB = 5.0  # in the rest of the time
MAX_DRIFT_MS = 5.0  # of the median answer, from the second tenth to the last


@dataclass(frozen=True, kw_only=True)
class SoakConfig:
    """Settings of a soak test; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range.
    """

    model: Path | None = model_argument("; without one the car goes straight on", default=None)
    minutes: float = option(30.0, "how long", at_least=0.05, at_most=10_000)
    fps: float = option(60.0, "telemetry/s of each simulator", at_least=1, at_most=1000)
    simulators: int = option(2, "simulators at the same time", at_least=1, at_most=16)
    transport: TransportName = transport_option()
    seed: int = seed_option(0, "of the faults")
    json: Path | None = json_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        SoakConfig,
        run,
        argv,
        description="Drive the server for a long time, with reconnects and faults.",
        epilog="Exit code: 0 if the server is as it should be, 1 if not, 2 for a wrong command line.",
    )


def run(config: SoakConfig) -> int:
    """Soak, print the figures; exit code 1 if the server is not as it should be."""
    check_model(config.model)
    check_output("--json", config.json)
    take_sigterm_as_ctrl_c()
    from drive.benchmark.latency_run import OwnServer

    way = "none" if config.model is None else "litert"
    with closing(OwnServer(config.model or Path(), way, config.transport)) as server:
        summary = soak(server, config)
    lines, is_good = judge(summary)
    print_result("\n".join(lines))
    if config.json is not None:
        write_json(config.json, summary)
    return 0 if is_good else 1


def soak(server: OwnServer, config: SoakConfig) -> dict[str, Any]:
    """Drive the server for as long as the settings say; the figures, as JSON types."""
    from drive.benchmark.latency_client import draw_jpegs
    from drive.benchmark.soak_simulators import SoakSimulator, break_websockets

    jpegs = draw_jpegs()
    stop = threading.Event()
    simulators = [
        SoakSimulator(server.url, jpegs, config.fps, config.seed + number) for number in range(config.simulators)
    ]
    threads = [threading.Thread(target=simulator.run, args=(stop,)) for simulator in simulators]
    threads.append(threading.Thread(target=break_websockets, args=(server.url, stop, config.seed)))
    for thread in threads:
        thread.start()
    try:
        memory = _watch(server, config.minutes * 60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return summarise([simulator.counts for simulator in simulators], memory, config.minutes * 60)


def _watch(server: OwnServer, seconds: float) -> list[tuple[float, float]]:
    """Sample the server's memory until the time is over: (seconds since the start, MB)."""
    began_at = time.monotonic()
    memory: list[tuple[float, float]] = []
    with console_for_person().status("soaking") as shown:
        for number in range(1, N_SAMPLES + 1):
            time.sleep(max(0.0, began_at + number * seconds / N_SAMPLES - time.monotonic()))
            memory.append((time.monotonic() - began_at, server.report()["memory_mb"]))
            shown.update(f"{memory[-1][0] / 60:.1f} of {seconds / 60:g} min, {memory[-1][1]:.0f} MB")
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
    """What the figures mean, a line each, and whether all is as it should be."""
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
