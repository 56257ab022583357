"""The built-in simulator: `python simulator_bridge/simulate.py --track lake`.

A client of the drive server, as Udacity's simulator is; or the expert at the wheel, recording. Needs no screen. To
drive it yourself from a web page: `train/studio.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not simulator_bridge/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import logging
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import exit_code
from simulator_bridge.cli.parent_watch import end_with_parent
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.run.simulate_config import SimulateConfig
from simulator_bridge.simulator.scene.scene_options import BACKENDS, WEATHERS

if TYPE_CHECKING:
    from simulator_bridge.simulator.run.simulated_drive import SimulationResult

EPILOG = """\
A seed decides where the car starts (anywhere on the lap, up to 0.3 m off its line and 2 degrees askew), the scenery,
the noise, and with --weather random the light and colours too. Without a seed the car starts at the beginning of the
track. The same seed, renderer and machine give the same drive, row by row.

Exit code: 0 after a drive, whatever the referee thought of it; 1 if it could not be driven; 2 for a wrong command line.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    arguments = vars(parser.parse_args(argv))
    if arguments.pop("end_with_parent"):
        end_with_parent()
    try:
        config = SimulateConfig(**arguments)
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: run(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        description="Drive a car around a track, without a screen: steered by a drive server or the expert.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_drive(parser.add_argument_group("the drive"))
    _add_server(parser.add_argument_group("steered by a server"))
    _add_expert(parser.add_argument_group("steered by the expert"))
    _add_results(parser.add_argument_group("results"))
    return parser


def run(config: SimulateConfig) -> int:
    """Simulate and say what came of it."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    level = logging.DEBUG if config.verbose else logging.WARNING if config.quiet else logging.INFO
    logging.getLogger("simulator_bridge").setLevel(level)
    if config.benchmark:
        from simulator_bridge.simulator.run.simulation_speed import run_benchmark

        print(run_benchmark(config.track, config.seed))  # noqa: T201 - the command's result
        return 0
    for path in (config.report, config.rollout, config.video, config.strips):
        if path is not None and not path.absolute().parent.is_dir():
            raise UserError(f"{path}: there is no folder {str(path.parent)!r} to write it into")
    from simulator_bridge.simulator.run.simulated_drive import run_simulation

    result = run_simulation(config)
    _save(config, result)
    if not config.status:
        print(_describe(result))  # noqa: T201 - the command's result
    return 0


def _save(config: SimulateConfig, result: SimulationResult) -> None:
    import numpy as np

    from simulator_bridge.cli.output_file import write_json

    if config.rollout is not None:
        np.savez_compressed(config.rollout, **vars(result.rollout))
    if config.report is not None:
        write_json(config.report, result.report.to_json())


def _describe(result: SimulationResult) -> str:
    report = result.report
    lines = [
        f"{report.track}: {report.laps_done} of {report.laps_wanted} laps, "
        f"{report.elapsed_s:.1f} s simulated in {report.wall_s:.1f} s ({report.renderer})",
        f"autonomy {report.autonomy_percent:.1f} %, score {report.driving_score:.1f}, "
        f"interventions {report.n_interventions}, off-road {report.off_road}, "
        f"collisions {report.collisions}, |cte| mean {report.mean_abs_cte_m:.2f} m, "
        f"largest {report.max_abs_cte_m:.2f} m, {report.mean_speed_mph:.1f} mph",
    ]
    if report.given_up:
        lines.append(report.given_up)
    if result.n_rows:
        lines.append(f"{result.n_rows} rows recorded")
    return "\n".join(lines)


def _add_drive(group: argparse._ArgumentGroup) -> None:
    defaults = SimulateConfig()
    group.add_argument(
        "--track", default=defaults.track,
        help="lake, jungle, random:SEED, or a CSV file with x_m,y_m,w_tr_right_m,w_tr_left_m (default: %(default)s)",
    )  # fmt: skip
    group.add_argument("--scale", type=float, default=defaults.scale, help="stretch the track (default: %(default)s)")
    group.add_argument("--reverse", action="store_true", help="drive the track the other way")
    group.add_argument("--laps", type=int, default=defaults.laps, help="how many laps (default: %(default)s)")
    group.add_argument("--seed", type=int, help="of start, scenery and noise; see below (default: none)")
    group.add_argument("--weather", choices=WEATHERS, default=defaults.weather, help="(default: %(default)s)")
    group.add_argument("--backend", choices=BACKENDS, default=defaults.backend, help="renderer (default: %(default)s)")
    group.add_argument(
        "--period", dest="control_period_s", type=float, default=defaults.control_period_s, metavar="S",
        help="simulated seconds from one frame to the next (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--latency", dest="latency_ms", type=float, default=defaults.latency_ms, metavar="MS",
        help="simulated milliseconds from a frame until its control takes effect (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--realtime", action="store_true",
        help="as fast as the wall clock, driving on while the server thinks; else as fast as it renders, in lock-step",
    )  # fmt: skip
    group.add_argument(
        "--max-interventions", type=int, metavar="N", help="give the drive up after so many (default: 10 a lap)"
    )


def _add_server(group: argparse._ArgumentGroup) -> None:
    defaults = SimulateConfig()
    group.add_argument("--connect", default=defaults.connect, metavar="URL", help="its address (default: %(default)s)")
    group.add_argument(
        "--wait", dest="wait_s", type=float, default=defaults.wait_s, metavar="S",
        help="seconds to go on trying when there is no server, or it is lost (default: %(default)s)",
    )  # fmt: skip


def _add_expert(group: argparse._ArgumentGroup) -> None:
    defaults = SimulateConfig()
    group.add_argument("--expert", action="store_true", help="the expert drives; no server is needed")
    group.add_argument(
        "--speed", dest="speed_mph", type=float, default=defaults.speed_mph, metavar="MPH",
        help="top speed in mph, up to 30; less in bends (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--noise", type=float, default=defaults.noise, metavar="X",
        help="disturb its steering; 1: swings of 0.06 and shoves up to 0.35. The clean label is recorded "
        "(default: %(default)s)",
    )  # fmt: skip
    group.add_argument("--record", type=Path, metavar="DIR", help="record three cameras into this folder")
    group.add_argument(
        "--rate", dest="rate_hz", type=float, default=defaults.rate_hz, metavar="HZ",
        help="rows a simulated second of a recording (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--recoveries", type=int, default=defaults.recoveries, metavar="N",
        help="record N starts of 3 s from off the centre and askew too (default: %(default)s)",
    )  # fmt: skip
    group.add_argument("--labels", action="store_true", help="record the class of each pixel too, PNGs in LABELS/")


def _add_results(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--report", type=Path, metavar="FILE", help="write what the referee says, as JSON")
    group.add_argument("--rollout", type=Path, metavar="FILE.npz", help="write every step of the drive, as arrays")
    group.add_argument("--video", type=Path, metavar="FILE.mp4", help="film the drive")
    group.add_argument(
        "--strips", type=Path, metavar="DIR", help="keep pictures of the seconds before each intervention"
    )
    group.add_argument("--status", action="store_true", help="say how far it is once a second, as lines of JSON")
    group.add_argument("--benchmark", action="store_true", help="measure how fast this machine simulates, and exit")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="say more on standard error")
    loudness.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and the result")
    group.add_argument("--end-with-parent", action="store_true", help="end when standard input closes")


if __name__ == "__main__":
    sys.exit(main())
