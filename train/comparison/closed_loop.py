"""Laps of a trained model in the built-in simulator: runs `drive/laps.py` and summarises what it reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from simulator_bridge.cli.child_process import script
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive
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
    drives = json.loads(report.read_text(encoding="utf-8"))["drives"]
    reports = [FinishedDrive.from_json(drive["report"]) for drive in drives if drive["report"] is not None]
    return summarize_drives(reports, [str(drive["failure"]) for drive in drives if drive["report"] is None])


def summarize_drives(reports: Sequence[FinishedDrive], failures: Sequence[str] = ()) -> dict[str, Any]:
    """Summarise all drives of a model in a few numbers.

    Args:
        reports: Of the finished drives.
        failures: Why the others did not finish.

    Returns:
        autonomy_percent, driving_score (means), n_interventions, off_road (sums), max_abs_cte_m (largest), laps_done,
        laps_wanted (sums), failure (of the first drive that did not finish; None).
    """
    result: dict[str, Any] = {"failure": f"a drive failed: {failures[0]}" if failures else None}
    if not reports:
        return result
    return {
        **result,
        "autonomy_percent": fmean(report.autonomy_percent for report in reports),
        "driving_score": fmean(report.driving_score for report in reports),
        "n_interventions": sum(report.n_interventions for report in reports),
        "off_road": sum(report.off_road for report in reports),
        "laps_done": sum(report.laps_done for report in reports),
        "laps_wanted": sum(report.laps_wanted for report in reports),
        "max_abs_cte_m": max(report.max_abs_cte_m for report in reports),
    }
