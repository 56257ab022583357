"""The drives of a round: a model drives, with real processes, and what it comes to see is recorded with labels."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drive.evaluation.lap_config import LapJob, LapsConfig
from drive.evaluation.lap_runs import LapResult, run_jobs
from simulator_bridge.cli.output_file import write_json
from simulator_bridge.errors import UsageError, UserError
from simulator_bridge.recording.log.log_format import LOG_NAME
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive, load_finished_drive
from train.aggregation.dagger_config import DaggerConfig

MOST_INTERVENTIONS = 30  # a lap; after each the expert passes the place, so that the rest of the lap is driven too
SEEDS_A_RUN = 100  # rounds of one --seed and of the next have no seed in common


@dataclass(frozen=True)
class RoundDrive:
    """One drive of a round.

    Attributes:
        report: What the referee says.
        recording: Where its rows are, whose steering is the expert's.
        n_rows: How many.
        is_exam_track: Whether the exam is driven there too.
    """

    report: FinishedDrive
    recording: Path
    n_rows: int
    is_exam_track: bool

    @property
    def failed(self) -> bool:
        """A wheel left the road, or the car was put back, or it did not get round."""
        return not self.report.passed or self.report.off_road > 0


def drive_round(
    config: DaggerConfig,
    number: int,
    model: Path,
    folder: Path,
    say: Callable[[str], None],
    run: Callable[..., Sequence[LapResult]] = run_jobs,
) -> list[RoundDrive]:
    """Drive all tracks; what was driven before, to its end, is not driven again.

    Args:
        config: Settings.
        number: Of the round, from 1.
        model: Who drives.
        folder: Of the round's recordings, and of the report of each, written when it is whole.
        say: Called with a line about each drive.
        run: Drives.

    Raises:
        UserError: If a drive fails for another reason than how it was driven.
    """
    laps = laps_config(config, number, model)
    names = {job: name_of(job) for job in laps.plan()}
    left = [job for job, name in names.items() if not (folder / f"{name}.json").is_file()]
    for job in left:  # one that was stopped midway begins anew
        shutil.rmtree(folder / names[job], ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)

    def keep(result: LapResult) -> None:
        if result.report is not None:
            write_json(folder / f"{names[result.job]}.json", result.report.to_json())
            say(f"  {result.job.group}: {in_words(result.report)}")

    results = run(laps, left, keep, further=lambda job: recorder_arguments(config, number, folder / names[job]))
    failures = [f"{result.job.group}: {result.failure}" for result in results if result.failure is not None]
    if failures:
        raise UserError(f"round {number}: {failures[0]}; the same command drives what is missing")
    return [_driven(config, job, folder / name) for job, name in names.items()]


def laps_config(config: DaggerConfig, number: int, model: Path) -> LapsConfig:
    """The drives of a round as `drive/laps.py` would drive them."""
    return LapsConfig(
        model=model,
        speed_mph=config.speed_mph,
        tracks=(*config.tracks, *config.exam_tracks),
        laps=config.laps,
        seeds=1,
        first_seed=config.seed * SEEDS_A_RUN + number,
        weather=config.weather,
        latencies_ms=(config.latency_ms,),
        both_directions=config.both_directions,
        max_interventions=MOST_INTERVENTIONS * config.laps,
        jobs=config.jobs,
        silence_s=config.silence_s,
        quiet=config.quiet,
    )


def recorder_arguments(config: DaggerConfig, number: int, recording: Path) -> list[str]:
    """What the simulator is told beside the drive: where to record, and what disturbs the car."""
    return [
        *("--record", str(recording), "--rate", str(config.rate_hz), "--speed", str(config.speed_mph)),
        *("--noise", str(config.noise), "--expert-share", str(config.share_of_expert(number))),
    ]


def name_of(job: LapJob) -> str:
    """A drive's name as part of a file name: `random-3-reverse`."""
    return re.sub(r"[^\w.]+", "-", Path(job.track).name) + ("-reverse" if job.reverse else "")


def check_names(config: DaggerConfig) -> None:
    """Refuse tracks whose recordings would have one name.

    Raises:
        UsageError: Which one.
    """
    names = [name_of(LapJob(track, False, 0.0, 0)) for track in (*config.tracks, *config.exam_tracks)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"expected each track once, got {', '.join(twice)} again")


def in_words(report: FinishedDrive) -> str:
    """A drive in a line."""
    ended = f", {report.given_up}" if report.given_up else ""
    return (
        f"score {report.driving_score:.1f}, {report.n_interventions} interventions, {report.off_road} times off the "
        f"road{ended}"
    )


def _driven(config: DaggerConfig, job: LapJob, recording: Path) -> RoundDrive:
    log = recording / LOG_NAME
    n_rows = len(log.read_bytes().splitlines()) if log.is_file() else 0
    report = load_finished_drive(recording.with_name(f"{recording.name}.json"))
    return RoundDrive(report, recording, n_rows, job.track in config.exam_tracks)
