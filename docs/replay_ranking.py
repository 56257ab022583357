"""Does a replay rank models as true drives do? `python docs/replay_ranking.py RECORDING MODEL[@MS]...`.

The recording is the expert's on the built-in lake. Each model drives that lake, and replays the recording; `@400` makes
it 400 ms late. The car that never steers comes last. The same command goes on where it was ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from drive.evaluation.lap_config import LapsConfig
from drive.evaluation.lap_runs import run_jobs
from drive.evaluation.rank_correlation import spearman
from drive.model_argument import check_model
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import quiet_option, speed_option
from simulator_bridge.cli.json_file import read_results
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.errors import RecordingError, UsageError, UserError
from simulator_bridge.placement.placing import build_tracks, place_recording
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive
from simulator_bridge.simulator.replay.recorded_path import load_recorded_path

logger = logging.getLogger(__name__)
FloatArray = npt.NDArray[np.float64]
ENDLESS = 1000  # interventions: each drive gets around
COLUMNS = (
    TextColumn("who drives", numeric=False),
    *(TextColumn(heading, digits) for place in ("true %", "replay %") for heading, digits in ((place, 1), ("int", 0))),
    *(TextColumn(heading, 0) for heading in ("over line", "both", "true only", "replay only")),
)
LEGEND = """\
int: interventions. over line: times that a wheel crossed an edge line in the
true drive. both, true only, replay only: parts of the lap with an intervention."""


@dataclass(frozen=True, kw_only=True)
class RankingConfig:
    """Settings; the help of each field is that of its flag."""

    recording: Path = argument("the expert's lap of the built-in lake, as simulate.py --record writes it")
    drivers: tuple[str, ...] = argument("model file; @MS behind its name makes it so late", metavar="MODEL[@MS]")
    speed_mph: float = speed_option(25.0)
    parts: int = option(20, "of the lap, in which interventions are compared", at_least=2)
    results: Path = option(
        Path("replay_ranking.json"), "drives that are done; the same command goes on", metavar="FILE"
    )
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)

    def drives(self) -> list[LapsConfig]:
        """The true drive of each driver, from the same start."""
        return [self._drive(driver) for driver in self.drivers] + [self._drive(None)]

    def _drive(self, driver: str | None) -> LapsConfig:
        name, _, latency = (driver or "").partition("@")
        try:
            latency_ms = float(latency or 0)
        except ValueError:
            raise UsageError(f"expected milliseconds behind the @ of {driver}, got {latency!r}") from None
        return LapsConfig(
            model=Path(name) if driver else None,
            policy=None if driver else "zero",
            speed_mph=self.speed_mph,
            latencies_ms=(latency_ms,),
            laps=1,
            seeds=1,
            max_interventions=ENDLESS,
        )


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(RankingConfig, run, argv, description="Rank models by true drives and by replays of one lap.")


def run(config: RankingConfig) -> int:
    """Drive what is not driven yet, and print how well replay and truth agree."""
    check_output("--results", config.results)
    for drive in config.drives():
        check_model(drive.model)
    lap_place, length_m = _lap_places(config.recording)
    pairs = [
        (_driven(config, drive), _driven(config, replace(drive, replays=(config.recording,))))
        for drive in config.drives()
    ]
    edges_m = np.linspace(0, length_m, config.parts + 1)
    counts = np.array(
        [
            (_count(true, edges_m, lambda s_m: s_m % length_m), _count(replayed, edges_m, lap_place))
            for true, replayed in pairs
        ]
    )
    print_result(_table(config, pairs, counts))
    print_result(_agreement(pairs, counts))
    return 0


def _driven(config: RankingConfig, drive: LapsConfig) -> FinishedDrive:
    """The report of one drive, from the results or driven now."""
    results = read_results(config.results)
    (job,) = drive.plan()
    driver = hashlib.sha256(drive.model.read_bytes()).hexdigest()[:16] if drive.model else "never steers"
    key = f"{job.name}, {driver}, {drive.speed_mph:g} mph"
    if key not in results:
        (result,) = run_jobs(drive, [job], lambda result: None)
        if result.report is None:
            raise UserError(f"{job.name}: {result.failure}")
        logger.info("%s: %.1f %%, %d", key, result.report.autonomy_percent, result.report.n_interventions)
        results[key] = result.report.to_json()
        write_json(config.results, results)
    return FinishedDrive.from_json(results[key], str(config.results))


def _lap_places(folder: Path) -> tuple[Callable[[FloatArray], FloatArray], float]:
    """From metres along a recorded path to metres along the lap, and how long the lap is."""
    path = load_recorded_path(folder)
    placement = place_recording(path.recording.log, build_tracks()).of_lines(path.recording.line)
    if not placement.is_placed.any():
        raise RecordingError(f"{folder}: it could not be placed on the lake; see place.py")
    points = [(stretch.row_s_m, placement.s_m[stretch.row]) for stretch in path.stretches]
    path_m, lap_m = np.concatenate(points, axis=1)
    known = np.isfinite(lap_m)
    path_m, lap_m = path_m[known], np.unwrap(lap_m[known], period=placement.lap_m)
    return lambda s_m: np.interp(s_m, path_m, lap_m) % placement.lap_m, placement.lap_m


def _count(drive: FinishedDrive, edges_m: FloatArray, place: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Interventions in each part of the lap."""
    s_m = place(np.array([intervention.s_m for intervention in drive.interventions], np.float64))
    return np.histogram(s_m, edges_m)[0].astype(np.float64)


def _table(config: RankingConfig, pairs: list[tuple[FinishedDrive, FinishedDrive]], counts: FloatArray) -> str:
    rows: list[list[object]] = []
    for name, pair, (true, replayed) in zip((*config.drivers, "never steers"), pairs, counts > 0, strict=True):
        figures = [value for drive in pair for value in (drive.autonomy_percent, drive.n_interventions)]
        parts = [int(each.sum()) for each in (true & replayed, true & ~replayed, replayed & ~true)]
        rows.append([Path(name).name.replace(".h5", ""), *figures, pair[0].over_line, *parts])
    return text_table(COLUMNS, rows, f"{config.recording.name}, in {config.parts} parts") + f"\n\n{LEGEND}\n"


def _agreement(pairs: list[tuple[FinishedDrive, FinishedDrive]], counts: FloatArray) -> str:
    autonomy = np.array([[drive.autonomy_percent for drive in pair] for pair in pairs]).T
    interventions = np.array([[drive.n_interventions for drive in pair] for pair in pairs], np.float64).T
    true, replayed = counts[:, 0] > 0, counts[:, 1] > 0
    caught = (true & replayed).sum() / max(true.sum(), 1)
    over_line = np.array([true_drive.over_line for true_drive, _ in pairs], np.float64)
    models = slice(-1)  # all but who never steers, last
    return "\n".join(
        (
            f"rank correlation of autonomy {spearman(*autonomy):.2f}, of interventions {spearman(*interventions):.2f}",
            f"... of the models alone {spearman(*autonomy[:, models]):.2f}, {spearman(*interventions[:, models]):.2f}",
            "... of true crossings of an edge line and interventions in the replay "
            f"{spearman(over_line, interventions[1]):.2f}",
            f"of {true.size} parts driven, both or neither in {100 * (true == replayed).mean():.0f} %, "
            f"of the models alone {100 * (true == replayed)[models].mean():.0f} %",
            f"{100 * caught:.0f} % of the parts with a true intervention have one in the replay",
            f"rank correlation of interventions over all parts {spearman(counts[:, 0], counts[:, 1]):.2f}, "
            f"of the models alone {spearman(counts[models, 0], counts[models, 1]):.2f}",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
