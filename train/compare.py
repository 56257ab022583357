"""Train several networks alike and compare them: `python train/compare.py RECORDING... --arch pilotnet,mobilenet_v2`.

Parsing and wiring only; every training runs in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.interrupts import take_sigterm_as_ctrl_c
from simulator_bridge.cli.option_parser import parse_config
from simulator_bridge.cli.output_file import check_output, check_output_folder, write_json
from simulator_bridge.cli.standard_output import STANDARD_OUTPUT, print_result
from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import UsageError
from simulator_bridge.track import build_track
from train.comparison.comparison_config import ComparisonConfig
from train.comparison.run_plan import ComparisonRun, differences, plan_runs
from train.outputs.output_lock import lock_comparison
from train.train_config import TrainConfig

if TYPE_CHECKING:
    from train.comparison.run_result import RunResult

EPILOG = (
    "All runs have the same recordings, the same validation rows and the same budget. The report is written anew after "
    "every run. Ctrl-C saves what is done, the running training included; the same command resumes: runs in --output "
    "that are finished, with the same settings and data, are not trained again.\n\n"
    "Combinations that do not exist, such as a pretrained regime of a network without a backbone, are left out. A run "
    "that fails is a row with the reason, and the others go on.\n\n"
    "Exit code: 0 if every run has a model, 1 if one failed, 2 for a wrong command line, 130 after Ctrl-C."
)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        ComparisonConfig,
        run,
        argv,
        description="Train several networks on the same recordings, with the same budget; compare them on one page.",
        epilog=EPILOG,
    )


def run(config: ComparisonConfig) -> int:
    """Check everything, then carry it out."""
    build_track(config.track)
    runs, left_out = plan_runs(config)
    if not runs:
        reasons = "; ".join(dict.fromkeys(left_out.values()))
        raise UsageError(f"nothing is left to compare: {reasons}; name other regimes with --regime")
    configs = [(entry, train_config_of(config, entry)) for entry in runs]  # a wrong setting is known before the first
    check_places(config)
    take_sigterm_as_ctrl_c()
    with lock_comparison(config.output):
        try:
            return compare(config, configs, left_out)
        except KeyboardInterrupt:
            say("interrupted; the same command resumes")
            raise


def compare(
    config: ComparisonConfig, configs: Sequence[tuple[ComparisonRun, TrainConfig]], left_out: dict[str, str]
) -> int:
    """Carry out all runs, report after every one, and print the table; returns the exit code.

    Raises:
        KeyboardInterrupt: After Ctrl-C; what is done is saved and printed.
    """
    for name, reason in left_out.items():
        say(f"{name} is left out: {reason}")
    for difference in differences(config):
        say(difference)
    facts, fingerprint = look_at_data(configs[0][1])

    from train.comparison.comparison_run import carry_out
    from train.comparison.comparison_table import build_table

    results: list[RunResult] = []
    content: dict[str, Any] = {}
    try:
        for result in carry_out(config, configs, fingerprint, say):
            results.append(result)
            content = to_json(config, results, left_out, facts, missing=len(configs) - len(results))
            write_results(config, results, content)
        if config.exam != "none":
            from train.comparison.comparison_exam import examine_runs

            results, exam = examine_runs(config, results)
            content = to_json(config, results, left_out, facts, missing=0)
            write_results(config, results, content)
            print_result(f"{exam}\n")
    finally:
        if results:
            print_result(build_table(config, results))
            print_result(f"report: {config.report_path}")
            if config.json == STANDARD_OUTPUT:
                write_json(config.json, content)
    return 1 if any(result.failure for result in results) else 0


def check_places(config: ComparisonConfig) -> None:
    """Make the folder for models; check that the results can be written."""
    check_output_folder("--output", config.output)
    config.output.mkdir(parents=True, exist_ok=True)
    check_output("--report", config.report_path)
    check_output("--json", config.json_path)


def train_config_of(config: ComparisonConfig, entry: ComparisonRun) -> TrainConfig:
    """The settings with which `train/clone.py` will train."""
    return parse_config(TrainConfig, [*map(str, config.recordings), *entry.arguments])


def look_at_data(train_config: TrainConfig) -> tuple[dict[str, object], str]:
    """Facts about the recordings and their split, and the fingerprint of the rows."""
    from train.data.training_rows import load_rows

    data = load_rows(train_config)
    rows, split = data.rows, data.split
    facts: dict[str, object] = {
        "recordings": ", ".join(recording.folder.name for recording in rows.recordings),
        "rows to train on": len(split.train),
        "validation rows": len(split.validation),
        "rows left out between them": split.n_guard,
    }
    return facts, rows.fingerprint()


def to_json(
    config: ComparisonConfig,
    results: Sequence[RunResult],
    left_out: dict[str, str],
    facts: dict[str, object],
    *,
    missing: int,
) -> dict[str, Any]:
    """The numbers of all runs so far; `missing` ones are to come."""
    from simulator_bridge.software_versions import versions
    from train.comparison.run_result import baselines_of

    return {
        "data": facts,
        "budget": {"seconds": config.budget_s, "epochs": config.epochs},
        "laps": {"track": config.track, "laps": config.laps, "seeds": config.seeds} if config.laps else None,
        "runs": [result.to_json() for result in results],
        "baselines": baselines_of(results),
        "left_out": left_out,
        "missing": missing,
        "versions": versions(),
    }


def write_results(config: ComparisonConfig, results: Sequence[RunResult], content: dict[str, Any]) -> None:
    """Write the page and the numbers."""
    from simulator_bridge.pages.document import write_document
    from train.comparison.comparison_page import build_page

    page = build_page(config, results, content["left_out"], content["data"], missing=content["missing"])
    write_document(config.report_path, page)
    write_json(config.json_path, content)


if __name__ == "__main__":
    sys.exit(main())
