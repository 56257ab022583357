"""Train several networks alike and compare them: `python train/compare.py RECORDING... --arch pilotnet,mobilenet_v2`.

Parsing and wiring only; every training runs in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simulator_bridge.cli.command import exit_code
from simulator_bridge.cli.options import parse_config
from simulator_bridge.cli.terminal import quiet, say
from simulator_bridge.errors import UserError
from train.comparison.comparison_config import WIDTHS_DIFFER, ComparisonConfig, TrainingRun, plan_runs, widths_differ
from train.train_config import REGIMES, TrainConfig

if TYPE_CHECKING:
    from train.comparison.run_result import RunResult

CTRL_C = 130  # what shells report for a program that Ctrl-C ended

EPILOG = """\
All runs have the same recordings, the same rows held back and the same budget. The report is written anew after
every run. Ctrl-C keeps what is done, the running training included; the same command goes on from there: runs in
--output that are finished, with the same settings and data, are not trained again.

Combinations that do not exist, such as a pretrained regime of a network without a backbone, are left out. A run that
fails is a row with the reason, and the others go on.

Exit code: 0 if every run has a model, 1 if one failed, 2 for a wrong command line, 130 after Ctrl-C.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    arguments = vars(build_parser().parse_args(argv))
    arguments["recordings"] = tuple(arguments["recordings"])
    for name in ("weights", "vary"):
        arguments[name] = dict(arguments[name] or ())
    with quiet(arguments.pop("quiet")):
        return exit_code(lambda: run(ComparisonConfig(**arguments)))


def run(config: ComparisonConfig) -> int:
    """Check everything, carry it out, report after every run."""
    runs, left_out = plan_runs(config)
    for name, reason in left_out.items():
        say(f"{name} is left out: {reason}")
    for arch in widths_differ(config):
        say(WIDTHS_DIFFER.format(arch))
    if not runs:
        raise UserError("nothing is left to compare; name other regimes with --regime")
    check_places(config)
    configs = [(entry, train_config_of(config, entry)) for entry in runs]  # a wrong setting is known before the first
    facts, fingerprint = look_at_data(configs[0][1])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: end the training first

    from train.comparison.comparison_run import carry_out
    from train.comparison.comparison_table import build_table

    results: list[RunResult] = []
    interrupted = False
    try:
        for result in carry_out(config, configs, fingerprint, say):
            results.append(result)
            report(config, results, left_out, facts, len(runs) - len(results))
    except KeyboardInterrupt:
        interrupted = True
    if results:
        print(build_table(config, results))  # noqa: T201 - the command's result
        print(f"report: {config.report_path}")  # noqa: T201
    if interrupted:
        say("interrupted; the same command goes on from here")
        return CTRL_C
    return 1 if any(result.failure for result in results) else 0


def check_places(config: ComparisonConfig) -> None:
    """Make the folder for models; look whether the results can be written."""
    try:
        config.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--output {config.output}: the folder cannot be made: {error.strerror}") from error
    for flag, path in (("--report", config.report_path), ("--json", config.json_path)):
        if path.is_dir() or not path.parent.is_dir():
            raise UserError(f"{flag} {path}: name a file in a folder that exists")


def train_config_of(config: ComparisonConfig, entry: TrainingRun) -> TrainConfig:
    """The settings with which `train/clone.py` will train."""
    return parse_config(TrainConfig, [*map(str, config.recordings), *entry.arguments])


def look_at_data(train_config: TrainConfig) -> tuple[dict[str, object], str]:
    """Facts about the recordings and their split, and the fingerprint of the rows."""
    from train.data.loading import load_rows

    rows, split, _ = load_rows(train_config)
    facts: dict[str, object] = {
        "recordings": ", ".join(recording.folder.name for recording in rows.recordings),
        "rows to train on": len(split.train),
        "rows held back": len(split.validation),
        "rows left out between them": split.n_guard,
    }
    return facts, rows.fingerprint()


def report(
    config: ComparisonConfig,
    results: Sequence[RunResult],
    left_out: dict[str, str],
    facts: dict[str, object],
    missing: int,
) -> None:
    """Write the page and the numbers."""
    from simulator_bridge.pages.document import write_document
    from simulator_bridge.simulator.run.drive_json import save_json, versions
    from train.comparison.comparison_page import build_page
    from train.comparison.run_result import baselines_of

    write_document(config.report_path, build_page(config, results, left_out, facts, missing=missing))
    content: dict[str, Any] = {
        "data": facts,
        "budget": {"seconds": config.budget_s, "epochs": config.epochs},
        "laps": {"track": config.track, "laps": config.laps, "seeds": config.seeds} if config.laps else None,
        "runs": [result.to_json() for result in results],
        "baselines": baselines_of(results),
        "left_out": left_out,
        "missing": missing,
        "versions": versions(),
    }
    save_json(config.json_path, content)


def build_parser() -> argparse.ArgumentParser:
    """The command line; every default is that of `ComparisonConfig`."""
    parser = argparse.ArgumentParser(
        prog="compare.py",
        description="Train several networks on the same recordings, with the same budget; compare them on one page.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "recordings", nargs="+", type=Path, metavar="RECORDING", help="folder with a driving_log.csv, or of such"
    )
    _add_runs(parser.add_argument_group("what is compared"))
    _add_laps(parser.add_argument_group("driving"))
    results = parser.add_argument_group("results")
    results.add_argument(
        "--output", type=Path, default=ComparisonConfig.output, metavar="DIR",
        help="folder for the models and what is finished (default: %(default)s)",
    )  # fmt: skip
    results.add_argument("--report", type=Path, metavar="FILE.html", help="the page (default: DIR/report.html)")
    results.add_argument("--json", type=Path, metavar="FILE", help="the same numbers (default: DIR/results.json)")
    results.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and the result")
    return parser


def _add_runs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--arch", type=_names, default=ComparisonConfig.arch, metavar="NAMES",
        help="architectures, with commas; models/table.py lists them (default: "
        f"{','.join(ComparisonConfig.arch)})",
    )  # fmt: skip
    group.add_argument(
        "--regime", type=_names, default=ComparisonConfig.regime, metavar="NAMES",
        help=f"of {', '.join(REGIMES)}; with commas (default: {','.join(ComparisonConfig.regime)})",
    )  # fmt: skip
    group.add_argument(
        "--weights", type=_pair, action="append", metavar="ARCH=FILE",
        help="pretrained weights of an architecture; again for another (default: Keras downloads them)",
    )  # fmt: skip
    group.add_argument(
        "--vary", type=_values, action="append", metavar="KEY=V1,V2",
        help="a setting of train/clone.py and its values; several multiply; one value sets it for all",
    )  # fmt: skip
    group.add_argument(
        "--budget-s", type=float, metavar="S", help="seconds of each training; reading images is not counted"
    )
    group.add_argument(
        "--epochs", type=int, metavar="N", help=f"of each training (default: {TrainConfig.epochs}, or as time allows)"
    )


def _add_laps(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--laps",
        type=int,
        default=ComparisonConfig.laps,
        metavar="N",
        help="laps of a drive; 0: none (default: %(default)s)",
    )
    group.add_argument("--track", default=ComparisonConfig.track, help="as of drive/laps.py (default: %(default)s)")
    group.add_argument(
        "--seeds",
        type=int,
        default=ComparisonConfig.seeds,
        metavar="K",
        help="drives of a model (default: %(default)s)",
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name.strip(), value.strip()


def _values(text: str) -> tuple[str, tuple[str, ...]]:
    name, values = _pair(text)
    return name.replace("-", "_"), _names(values)


if __name__ == "__main__":
    sys.exit(main())
