"""Do errors on recordings, and replays, rank models as the exam does? `python docs/exam_ranking.py EXAM.json MODEL...`.

EXAM.json is what `drive/exam.py MODEL... --json` wrote. Each model predicts the steering of the recordings and replays
them; the ranks are compared with those of its score.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import logging
from dataclasses import dataclass

import numpy as np

from drive.evaluation.lap_config import LapsConfig
from drive.evaluation.lap_runs import run_jobs
from drive.evaluation.rank_correlation import spearman
from drive.examination.earlier_results import RESULT
from models.loading import load_policy
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import quiet_option
from simulator_bridge.cli.json_file import read_json_file, read_results
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.errors import UserError
from train.validation.driver_error import error_on

logger = logging.getLogger(__name__)
ENDLESS = 1000  # interventions: each replay gets around
FIGURES = ("MSE", "r1s", "autonomy", "interventions")


@dataclass(frozen=True, kw_only=True)
class ExamRankingConfig:
    """Settings; the help of each field is that of its flag."""

    exam: Path = argument("what drive/exam.py --json wrote of the models", metavar="EXAM.json")
    models: tuple[Path, ...] = argument("under the names that they have in the exam", metavar="MODEL")
    recordings: tuple[Path, ...] = option(
        (), "predicted and replayed; several by saying it again", flag="--recording", metavar="RECORDING", repeats=True
    )
    results: Path = option(Path("exam_ranking.json"), "what is done; the same command goes on", metavar="FILE")
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(ExamRankingConfig, run, argv, description="Compare ranks of the exam with those of recordings.")


def run(config: ExamRankingConfig) -> int:
    """Measure what is not measured yet, and print figures and rank correlations."""
    check_output("--results", config.results)
    scores = read_json_file(config.exam, RESULT).get("score")
    if not isinstance(scores, dict):
        raise UserError(f"{config.exam}: expected {RESULT} of several models")
    missing = [model.name for model in config.models if model.name not in scores]
    if missing:
        raise UserError(f"{config.exam}: {missing[0]} is not in it")
    score = np.array([scores[model.name] for model in config.models])
    for recording in config.recordings:
        measured = [_measured(config, model, recording) for model in config.models]
        columns = [
            TextColumn("model", numeric=False),
            TextColumn("exam", 1),
            TextColumn("MSE", 4),
            TextColumn("r1s", 2),
        ]
        columns += [TextColumn("autonomy", 1), TextColumn("interventions", 0)]
        rows = [
            [m.stem, s, *(each[figure] for figure in FIGURES)]
            for m, s, each in zip(config.models, score, measured, strict=True)
        ]
        print_result(text_table(columns, rows, title=recording.name))
        correlations = {
            figure: spearman(score, np.array([each[figure] for each in measured], np.float64)) for figure in FIGURES
        }
        print_result(", ".join(f"{name} {value:.2f}" for name, value in correlations.items()) + "\n")
    return 0


def _measured(config: ExamRankingConfig, model: Path, recording: Path) -> dict[str, float]:
    """The figures of one model on one recording, from the results or measured now."""
    results = read_results(config.results)
    key = f"{model.name} {recording.name}"
    if key not in results:
        drive = LapsConfig(model=model, laps=1, seeds=1, max_interventions=ENDLESS, replays=(recording,))
        (result,) = run_jobs(drive, drive.plan(), lambda result: None)
        if result.report is None:
            raise UserError(f"{key}: {result.failure}")
        driven = {"autonomy": result.report.autonomy_percent, "interventions": result.report.n_interventions}
        error = error_on(load_policy(model), recording)
        results[key] = {"MSE": error.mse, "r1s": error.r1s, **driven}
        write_json(config.results, results)
        logger.info("%s: %s", key, results[key])
    return dict(results[key])


if __name__ == "__main__":
    sys.exit(main())
