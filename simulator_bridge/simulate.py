"""The built-in simulator: `python simulator_bridge/simulate.py --track lake`.

A client of the drive server, as Udacity's simulator is; or the expert drives, recording. Needs no screen. To
drive it yourself from a web page: `train/studio.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not simulator_bridge/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from typing import TYPE_CHECKING

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.output_file import check_output, check_output_folder, replacing, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.simulator.run.simulate_config import SimulateConfig

if TYPE_CHECKING:
    from simulator_bridge.simulator.run.judged_drive import SimulationResult

FORMER = {"--report": "use --json FILE", "--browser": "run python train/studio.py"}
EPILOG = """\
A seed decides where the car starts (anywhere on the lap, up to 0.3 m off its line and 2 degrees askew), the scenery,
the noise, and with --weather random the light and colours too. Without a seed the car starts at the beginning of the
track. The same seed, renderer and machine give the same drive, row by row.

A replay drives on the real frames of a recording, moved to where the car is; it has no chance in it, and its expert
steers as was recorded, with a weak pull back to the recorded path.

A client of Donkey's simulator loads any of its scenes and gets --track. It drives until Ctrl-C, on this computer only.

To drive yourself, from a web page: python train/studio.py

Exit code: 0 after a drive, whatever its score; 1 if it could not be driven; 2 for a wrong command line.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        SimulateConfig,
        run,
        argv,
        description="Drive a car around a track, without a screen: steered by a drive server or the expert.",
        epilog=EPILOG,
        former=FORMER,
    )


def run(config: SimulateConfig) -> int:
    """Simulate, print a summary, write the results."""
    if config.benchmark:
        from simulator_bridge.simulator.run.simulation_speed import run_benchmark

        print_result(run_benchmark(config.track, config.seed))
        return 0
    if config.donkey_port is not None or config.donkey is not None:
        from simulator_bridge.simulator.run.donkey_clients.donkey_run import run_for_donkey

        print_result(run_for_donkey(config))
        return 0
    for flag, file in (("--json", config.json), ("--rollout", config.rollout), ("--video", config.video)):
        check_output(flag, file)
    for flag, folder in (("--record", config.record), ("--strips", config.strips)):
        check_output_folder(flag, folder)
    result = _drive(config)
    _save(config, result)
    if not config.status:
        print_result(_describe(result))
    return 0


def _drive(config: SimulateConfig) -> SimulationResult:
    if config.replay is not None:
        from simulator_bridge.simulator.run.replayed_drive import run_replay

        return run_replay(config, config.replay)
    from simulator_bridge.simulator.run.simulated_drive import run_simulation

    return run_simulation(config)


def _save(config: SimulateConfig, result: SimulationResult) -> None:
    import numpy as np

    if config.rollout is not None:
        with replacing(config.rollout) as partial:
            np.savez_compressed(partial, **vars(result.rollout))
    if config.json is not None:
        write_json(config.json, result.report.to_json())


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
    if report.invented_percent is not None:
        lines.append(f"invented pixels {report.invented_percent:.1f} %")
    if result.n_rows:
        lines.append(f"{result.n_rows} rows recorded")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
