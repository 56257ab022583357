"""What `latency.py` measured, as tables of 80 columns and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np

from drive.benchmark.latency_run import STAGES, Measured
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.text_table import TextColumn, text_table

PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
NOTE = """\
round trip: from the first fragment sent to the answer read, 20 KB JPEG, one in
flight. start s: from the command to the first steer. receive: mostly the
sender's pace. decode: JSON, base64, JPEG. There is no stage for preprocessing:
cropping and scaling are layers of the model, so it is a part of infer."""


def summarise(runs: Sequence[Measured]) -> dict[str, Any]:
    """Give the figures as JSON types: milliseconds, seconds, megabytes."""
    return {
        "machine": {
            "processor": platform.machine(), "cores": os.cpu_count(), "system": platform.system(),
            "load_1_min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        },
        "servers": {run.name: _summary(run) for run in runs},
        "ratios": _ratios(runs),
    }  # fmt: skip


def _summary(run: Measured) -> dict[str, Any]:
    trips = run.drive.round_trips_s
    return {
        "transport": run.transport,
        "way": run.way,
        "n": len(trips),
        "round_trip_ms": _percentiles(trips),
        "stages_ms": {
            stage: _percentiles([row[column] for row in run.stages_s]) for column, stage in enumerate(STAGES)
        } if run.stages_s else None,
        "frames_per_s": round(len(trips) / run.drive.elapsed_s, 1) if run.drive.elapsed_s else 0.0,
        "n_passed_over": run.n_passed_over,
        "n_unanswered": run.drive.n_unanswered,
        "memory_mb": None if run.memory_mb is None else round(run.memory_mb),
        "first_steer_s": round(run.first_steer_s, 2),
        "n_page_updates": run.n_page_updates,
        "n_page_maps": run.n_page_maps,
    }  # fmt: skip


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return dict.fromkeys(PERCENTILES, float("nan"))
    return {name: round(float(np.percentile(seconds, at)) * 1000, 3) for name, at in PERCENTILES.items()}


def _ratios(runs: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """How many times as long as ours, on its transport, each other way takes."""
    ratios: dict[str, dict[str, float]] = {}
    ours = {run.transport: run for run in runs if run.way == "litert"}
    for run in runs:
        base = ours.get(run.transport) or next(iter(ours.values()), None)
        if base is None or run.way in ("litert", "none") or not run.drive.round_trips_s:
            continue
        a, b = _percentiles(run.drive.round_trips_s), _percentiles(base.drive.round_trips_s)
        ratios[f"{run.name} / {base.name}"] = {name: round(a[name] / b[name], 2) for name in PERCENTILES}
    return ratios


def print_tables(summary: dict[str, Any]) -> None:
    """Print the figures on standard output."""
    servers: dict[str, dict[str, Any]] = summary["servers"]
    lines = [_server_table(servers), ""]
    for name, server in servers.items():
        if server["stages_ms"] and server["way"] == "litert":
            lines += [_stage_table(name, server["stages_ms"]), ""]
    for name, ratio in summary["ratios"].items():
        lines.append(f"{name}: {ratio['p50']:g} times as long at p50, {ratio['p99']:g} at p99")
    for name, server in servers.items():
        if server["n_passed_over"] or server["n_unanswered"]:
            lines.append(
                f"{name}: {server['n_passed_over']} passed over for newer frames, {server['n_unanswered']} unanswered"
            )
        if server["n_page_updates"]:
            lines.append(
                f"{name}: the page saw {server['n_page_updates']} updates and {server['n_page_maps']} saliency maps"
            )
    print_result("\n".join([*lines, NOTE]))


def _server_table(servers: dict[str, dict[str, Any]]) -> str:
    columns = [
        TextColumn("server", numeric=False),
        *(TextColumn(name, 2) for name in PERCENTILES),
        TextColumn("fps", 1),
        TextColumn("frames", 0),
        TextColumn("MB", 0),
        TextColumn("start s", 1),
    ]
    rows = [
        [
            name, *(server["round_trip_ms"][percentile] for percentile in PERCENTILES), server["frames_per_s"],
            server["n"], server["memory_mb"], server["first_steer_s"],
        ]
        for name, server in servers.items()
    ]  # fmt: skip
    return text_table(columns, rows, title="round trip, ms")


def _stage_table(name: str, stages: dict[str, dict[str, float]]) -> str:
    columns = [TextColumn("stage", numeric=False), *(TextColumn(percentile, 3) for percentile in PERCENTILES)]
    rows = [[stage, *(times[percentile] for percentile in PERCENTILES)] for stage, times in stages.items()]
    return text_table(columns, rows, title=f"inside {name}, ms")
