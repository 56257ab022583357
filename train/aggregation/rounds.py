"""The rounds of DAgger: the model drives, the expert labels, the set grows, the network is trained on all of it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator_bridge.cli.json_file import read_results
from simulator_bridge.cli.output_file import write_json
from simulator_bridge.errors import UserError
from train.aggregation.begun_model import BegunModel
from train.aggregation.dagger_config import DaggerConfig
from train.aggregation.round_drives import RoundDrive, drive_round
from train.aggregation.round_training import MODEL_NAME, train_round

STATE_NAME = "dagger.json"


@dataclass(frozen=True)
class Driving:
    """Some drives of a model in a few numbers; means, but sums of interventions and times off the road.

    Attributes:
        autonomy_percent: NVIDIA's.
        driving_score: 0 to 100.
        off_road: Times that a wheel left the road.
        interventions: Times that the car was put back.
        mean_abs_cte_m: Distance from the driving line.
    """

    autonomy_percent: float
    driving_score: float
    off_road: int
    interventions: int
    mean_abs_cte_m: float

    @classmethod
    def of(cls, drives: Sequence[RoundDrive]) -> Driving | None:
        """Sum up; None for no drives."""
        reports = [drive.report for drive in drives]
        if not reports:
            return None
        return cls(
            statistics.fmean(report.autonomy_percent for report in reports),
            statistics.fmean(report.driving_score for report in reports),
            sum(report.off_road for report in reports),
            sum(report.n_interventions for report in reports),
            statistics.fmean(report.mean_abs_cte_m for report in reports),
        )


@dataclass(frozen=True, eq=False)
class DrivenRound:
    """What a model drove, and how it was trained.

    Attributes:
        number: Of the round that it drove, from 1; it was trained in the one before.
        model: Its file.
        validation_mse: Of its training, on validation rows that grow with the set.
        expert_share: Of the time that the expert drove.
        drives: All of them; none where corrections alone are learned from.
    """

    number: int
    model: Path
    validation_mse: float | None
    expert_share: float
    drives: Sequence[RoundDrive]

    @property
    def driving(self) -> Driving | None:
        """On the tracks that are none of the exam."""
        return Driving.of([drive for drive in self.drives if not drive.is_exam_track])

    @property
    def exam_driving(self) -> Driving | None:
        """On tracks of the exam."""
        return Driving.of([drive for drive in self.drives if drive.is_exam_track])

    @property
    def n_rows(self) -> int:
        """Rows that were recorded."""
        return sum(drive.n_rows for drive in self.drives)

    @property
    def failed(self) -> bool:
        """Anything went wrong."""
        return any(drive.failed for drive in self.drives)

    @property
    def rank(self) -> tuple[float, ...]:
        """The larger the better: fewer interventions, fewer times off the road, later."""
        all_of_it = Driving.of(self.drives)
        found = (0, 0) if all_of_it is None else (-all_of_it.interventions, -all_of_it.off_road)
        return (*found, self.number)


def run_rounds(
    config: DaggerConfig, begun: BegunModel, recordings: Sequence[Path], say: Callable[[str], None]
) -> Iterator[DrivenRound]:
    """Carry out the rounds; what was done before in the folder is taken from there.

    Yields:
        What each model drove, the first one's first.

    Raises:
        UserError: If a drive or a training fails.
    """
    model, mse = begun.path, begun.validation_mse
    added: list[Path] = list(config.corrections)
    for number in range(1, config.n_rounds + 2):
        folder = config.folder / f"round-{number}"
        drives: Sequence[RoundDrive] = ()
        if config.drives:
            say(f"round {number}: {model} drives{_mixed(config, number)}")
            drives = drive_round(config, number, model, folder / "drives", say)
        driven = DrivenRound(number, model, mse, config.share_of_expert(number), drives)
        yield driven
        if number > config.n_rounds:
            return
        if drives and not driven.failed and not driven.expert_share and not config.all_rounds:
            say(f"round {number}: nothing failed; harder drives show more (--noise, --speed, --track), or --all-rounds")
            return
        added += [drive.recording for drive in drives if drive.n_rows]
        if not added:
            raise UserError(f"round {number}: no row was recorded, there is nothing to learn from")
        trained = train_round(begun, model, recordings, added, config.keep, folder, say)
        model, mse = folder / MODEL_NAME, trained["validation"]["mse"]
        say(f"  MSE {mse:.5f}, {trained['seconds']:.0f} s")


def best_of(rounds: Sequence[DrivenRound]) -> DrivenRound:
    """The round whose model drove best: fewest interventions, then fewest times off the road, then the latest.

    Drives with the expert's help tell nothing of a model: where the first ones had it, later ones are preferred.
    """
    alone = [driven for driven in rounds if not driven.expert_share] or [*rounds[-1:]]
    return max(alone, key=lambda driven: driven.rank)


def claim_folder(config: DaggerConfig, decisive: dict[str, Any]) -> None:
    """Make the folder of these rounds, or find that its rounds are these.

    Args:
        config: Settings.
        decisive: What all rounds in a folder have in common.

    Raises:
        UserError: If the folder holds other rounds; says what differs.
    """
    state = config.folder / STATE_NAME
    earlier = read_results(state)
    differ = [name for name in decisive if earlier.get(name) != decisive[name]]
    if earlier and differ:
        raise UserError(
            f"{config.folder}: holds rounds of another {', '.join(differ)}; say the same again, or name another "
            "--folder"
        )
    if not earlier:
        config.folder.mkdir(parents=True, exist_ok=True)
        write_json(state, decisive)


def _mixed(config: DaggerConfig, number: int) -> str:
    share = config.share_of_expert(number)
    return f", and for {100 * share:.0f} % of the time the expert" if share else ""
