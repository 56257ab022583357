"""Laps of a trained model in the built-in simulator: runs `drive/laps.py` and summarises what it reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from simulator_bridge.cli.child_process import script
from train.comparison.child_script import run_script
from train.comparison.comparison_config import ComparisonConfig

LAPS = script("drive/laps.py")


def drive_laps(config: ComparisonConfig, model: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Drive with `drive/laps.py`; returns what `summarize_drives` does.

    Raises:
        KeyboardInterrupt: If Ctrl-C ended the drives.
    """
    report = model.with_name("drives.json")
    report.unlink(missing_ok=True)
    arguments = [str(model), "--track", config.track, "--laps", str(config.laps), "--seeds", str(config.seeds)]
    ended = run_script(LAPS, [*arguments, "--json", str(report)], model.with_name("laps.log"), lambda line: None)
    if ended.interrupted:
        raise KeyboardInterrupt
    if not report.is_file():
        say(f"  no laps: {ended.reason}")
        return {"failure": f"no laps: {ended.reason}"}
    return summarize_drives(json.loads(report.read_text(encoding="utf-8"))["drives"])


def summarize_drives(drives: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Summarise all drives of a model in a few numbers.

    Returns:
        autonomy_percent, driving_score (means), n_interventions, off_road (sums), max_abs_cte_m (largest), laps_done,
        laps_wanted (sums), failure (why a drive has no report; None).
    """
    reports = [drive["report"] for drive in drives if drive["report"] is not None]
    failures = [str(drive["failure"]) for drive in drives if drive["report"] is None]
    result: dict[str, Any] = {"failure": f"a drive failed: {failures[0]}" if failures else None}
    if not reports:
        return result
    for field in ("autonomy_percent", "driving_score"):
        result[field] = _mean([report[field] for report in reports])
    for field in ("n_interventions", "off_road", "laps_done", "laps_wanted"):
        result[field] = sum(report[field] for report in reports)
    largest = [report["max_abs_cte_m"] for report in reports if report["max_abs_cte_m"] is not None]
    return {**result, "max_abs_cte_m": max(largest, default=None)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
