"""Drive laps in the built-in simulator and judge them: `python drive/laps.py model.h5 --track lake`.

Starts the real drive server and the real simulator as processes and lets them talk over the wire.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import hashlib
import logging
import signal
from typing import Any

from drive.evaluation.lap_config import LapsConfig
from simulator_bridge.cli.command import exit_code
from simulator_bridge.errors import ModelFileError, UserError
from simulator_bridge.simulator.scene.scene_options import BACKENDS, WEATHERS

logger = logging.getLogger(__name__)

EPILOG = """\
A seed decides where the car starts (anywhere on the lap, up to 0.3 m off its line and 2 degrees askew), the scenery,
and with --weather random the light and colours too. Drives are in lock-step and in simulated time: how busy the
machine is changes how long they take, and nothing else.

A drive is given up after too many interventions, or when it is slower than 2 m/s on the whole.

Exit code: 0 if every lap was driven without an intervention, 1 if not, 2 for a wrong command line.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    arguments = vars(parser.parse_args(argv))
    arguments["tracks"] = tuple(track for text in arguments.pop("track") or LapsConfig.tracks for track in _split(text))
    try:
        config = LapsConfig(**arguments)
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: run(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        description="Drive laps in the built-in simulator and print how well they were driven.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_driver(parser.add_argument_group("who drives"))
    _add_drives(parser.add_argument_group("what is driven"))
    _add_results(parser.add_argument_group("results"))
    return parser


def run(config: LapsConfig) -> int:
    """Drive, print the table, say whether all was well."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    level = logging.DEBUG if config.verbose else logging.WARNING if config.quiet else logging.INFO
    logging.getLogger("drive").setLevel(level)
    logger.setLevel(level)
    _check_files(config)
    _check_tracks(config)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: end the processes first

    from drive.evaluation.lap_runs import LapResult, run_jobs
    from drive.evaluation.lap_table import build_table, groups_to_json
    from simulator_bridge.cli.output_file import write_json
    from simulator_bridge.software_versions import versions

    jobs = config.plan()
    logger.info("%s: %d drives of %d laps", config.driver, len(jobs), config.laps)

    def say(result: LapResult) -> None:
        outcome = result.failure or ("driven" if result.passed else result.report and result.report.given_up)
        logger.info("%s, seed %d: %s", result.job.group, result.job.seed, outcome or "driven, with interventions")

    results = run_jobs(config, jobs, say)
    passed = all(result.passed for result in results)
    print(build_table(results))  # noqa: T201 - the command's result
    if config.json is not None:
        drives = [result.to_json() for result in results]
        settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(config).items()}
        content: dict[str, Any] = {
            "config": settings,
            "model_sha256": None if config.model is None else hashlib.sha256(config.model.read_bytes()).hexdigest(),
            "versions": versions(),
            "passed": passed,
            "groups": groups_to_json(results),
            "drives": drives,
        }
        write_json(config.json, content)
    if config.report is not None:
        from drive.evaluation.lap_report import build_lap_report
        from simulator_bridge.pages.document import write_document

        write_document(config.report, build_lap_report(config, results))
    return 0 if passed else 1


def _check_files(config: LapsConfig) -> None:
    """Look at every file before anything is started.

    Raises:
        UserError: If the model is missing, or there is no folder for a result.
    """
    if config.model is not None and not config.model.is_file():
        raise ModelFileError(f"{config.model}: no such model file; train one first with train/clone.py")
    for path in (config.json, config.video, config.report):
        if path is not None and not path.absolute().parent.is_dir():
            raise UserError(f"{path}: there is no folder {str(path.parent)!r} to write it into")


def _check_tracks(config: LapsConfig) -> None:
    """Build every track once: a bad one is known at once, not after an hour of driving the others.

    Raises:
        TrackError: If one cannot be driven.
    """
    from simulator_bridge.track import build_track

    for track in config.tracks:
        build_track(track, seed=config.first_seed, scale=config.scale)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in _split(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected milliseconds, such as 100 or 0,50,100; got {text!r}") from None


def _add_driver(group: argparse._ArgumentGroup) -> None:
    defaults = LapsConfig(expert=True)
    group.add_argument("model", type=Path, nargs="?", help="model file, as train/clone.py writes it")
    group.add_argument("--expert", action="store_true", help="the expert, which knows the road, instead of a model")
    group.add_argument("--policy", choices=("zero",), help="zero: never steers; any model must beat it")
    group.add_argument(
        "--speed", dest="speed_mph", type=float, default=defaults.speed_mph, metavar="MPH",
        help="set speed in mph, up to 30; less in bends (default: %(default)s)",
    )  # fmt: skip


def _add_drives(group: argparse._ArgumentGroup) -> None:
    defaults = LapsConfig(expert=True)
    group.add_argument(
        "--track", action="append", metavar="TRACK",
        help="lake, jungle, random:SEED or a CSV file; several with commas or by saying it again (default: lake)",
    )  # fmt: skip
    group.add_argument("--laps", type=int, default=defaults.laps, help="laps of a drive (default: %(default)s)")
    group.add_argument("--seeds", type=int, default=defaults.seeds, help="drives of a track (default: %(default)s)")
    group.add_argument(
        "--first-seed", type=int, default=defaults.first_seed, metavar="SEED", help="(default: %(default)s)"
    )
    group.add_argument("--weather", choices=WEATHERS, default=defaults.weather, help="(default: %(default)s)")
    group.add_argument(
        "--latency", dest="latencies_ms", type=_numbers, default=defaults.latencies_ms, metavar="MS[,MS...]",
        help="simulated milliseconds from a frame until its control takes effect (default: 0)",
    )  # fmt: skip
    group.add_argument("--reverse", action="store_true", help="drive the other way")
    group.add_argument("--both-directions", action="store_true", help="drive either way")
    group.add_argument("--scale", type=float, default=defaults.scale, help="stretch the tracks (default: %(default)s)")
    group.add_argument("--backend", choices=BACKENDS, default=defaults.backend, help="(default: %(default)s)")
    group.add_argument(
        "--max-interventions", type=int, metavar="N", help="give a drive up after so many (default: 10 a lap)"
    )
    group.add_argument("--jobs", type=int, default=defaults.jobs, help="drives at a time (default: %(default)s)")
    group.add_argument(
        "--silence", dest="silence_s", type=float, default=defaults.silence_s, metavar="S",
        help="a drive without progress for so many seconds has failed (default: %(default)s)",
    )  # fmt: skip


def _add_results(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--json", type=Path, metavar="FILE", help="write all numbers, settings and versions")
    group.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write a page: maps, traces, and what led to each intervention"
    )
    group.add_argument("--video", type=Path, metavar="FILE.mp4", help="film the drives, one file each")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="say more on standard error")
    loudness.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and the table")


if __name__ == "__main__":
    sys.exit(main())
