"""Results of a comparison as if it had been run, for tests of what is shown of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from train.comparison.comparison_config import ComparisonConfig
from train.comparison.run_plan import plan_runs
from train.comparison.run_result import RunResult


def config_of(**more: Any) -> ComparisonConfig:
    """A config; `weights` and `vary` may be dicts."""
    more |= {name: tuple(more[name].items()) for name in ("weights", "vary") if name in more}
    return ComparisonConfig(recordings=(Path("recordings"),), **more)


def made_results(config: ComparisonConfig) -> list[RunResult]:
    """Results of all runs of a config; the last one failed, the one before it drove badly."""
    runs, _ = plan_runs(config)
    results = []
    for i, run in enumerate(runs[:-1], start=1):
        mse = 0.01 / i
        history = [
            {"epoch": n, "loss": mse * 4 / n, "val_loss": mse * 3 / n, "val_mse": mse * 3 / n, "seconds": 9.0 * n}
            for n in (1, 2, 3)
        ]
        score = {"mse": mse, "mae": 0.05, "mae_deg": 1.25, "r1s": 0.8 + i / 100}
        zero = {"mse": 0.013, "mae": 0.1, "mae_deg": 2.5, "r1s": None}
        summary = {"validation": score, "baselines": {"always zero": zero}, "seconds": 60.0 * i, "epochs_done": 3}
        drives = {
            "autonomy_percent": 100.0 - 7 * (i - 1),
            "driving_score": 100.0 - 9 * (i - 1),
            "n_interventions": i - 1,
        }
        results.append(
            RunResult(
                run=run, history=history, summary=summary, parameters=100_000 * i, ms_a_frame=0.5 * i,
                driving={**drives, "max_abs_cte_m": 0.3 * i, "laps_done": 1, "laps_wanted": 1, "failure": None},
            )
        )  # fmt: skip
    return [*results, RunResult(run=runs[-1], failure="<b>no weights</b>")]
