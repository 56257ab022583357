"""Does a replay rank models as true drives do? `python docs/replay_ranking.py RECORDING MODEL...`.

The recording is the expert's on the built-in lake. Each model drives the lake and replays the recording, with several
latencies, which make it worse; so does the car that never steers.
"""

# ruff: noqa: T201 - it prints a table
from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from dataclasses import replace

import numpy as np

from drive.evaluation.lap_config import LapsConfig
from drive.evaluation.lap_runs import LapResult, run_jobs

LATENCIES_MS = (0.0, 200.0, 400.0)
SPEED_MPH = 25.0


def main(recording: Path, models: list[Path]) -> None:
    """Print autonomy and interventions of true drives and of replays, and how well their ranks agree."""
    rows = []
    for model in (*models, None):
        config = LapsConfig(
            model=model,
            policy=None if model else "zero",
            speed_mph=SPEED_MPH,
            latencies_ms=LATENCIES_MS if model else (0.0,),
            laps=1,
            seeds=1,
            max_interventions=1000,
        )
        true, replayed = (
            run_jobs(each, each.plan(), lambda result: None) for each in (config, replace(config, replays=(recording,)))
        )
        for one, other in zip(true, replayed, strict=True):
            name = f"{config.driver}, {one.job.latency_ms:g} ms"
            rows.append((*measures(one), *measures(other)))
            print(
                f"{name:40}"
                + "   ".join(f"{percent:5.1f} % {count:3.0f}" for percent, count in np.reshape(rows[-1], (2, 2)))
            )
    _, true_count, _, replay_count = np.array(rows).T
    print(
        f"Spearman's rank correlation of interventions: {np.corrcoef(ranks(true_count), ranks(replay_count))[0, 1]:.2f}"
    )


def measures(result: LapResult) -> tuple[float, float]:
    """Autonomy in percent, and interventions."""
    if result.report is None:
        raise SystemExit(f"{result.job.name}: {result.failure}")
    return result.report.autonomy_percent, float(result.report.n_interventions)


def ranks(values: np.ndarray) -> np.ndarray:
    """Equal values share their mean rank."""
    ordered = np.sort(values)
    return np.array([np.flatnonzero(ordered == value).mean() for value in values])


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
