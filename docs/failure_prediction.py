"""Does a model's doubt predict that it will fail? `python docs/failure_prediction.py model.h5 SEGMENTS.csv`.

SEGMENTS.csv is another exam, of random roads that no exam has: `python docs/make_exam.py SEGMENTS.csv 77 901`. The
model drives its segments. Above which doubt there is alarm is taken from the nominal ones that it drove to their end;
the others tell how often alarm was right.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drive.caution import Caution
from drive.evaluation.rank_correlation import ranks
from drive.examination.exam_plan import NOMINAL, read_segments
from models.loading import load_policy
from models.policy import Policy
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import quiet_option
from simulator_bridge.cli.json_file import read_results
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.terminal import counted
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.errors import UserError
from simulator_bridge.messages import Control
from simulator_bridge.simulator.run.drive_loop import CONTROL_PERIOD_S, Moment
from simulator_bridge.simulator.segments.segment import Segment
from simulator_bridge.simulator.segments.segment_drive import SegmentDriver

FloatArray = npt.NDArray[np.floating[Any]]
WINDOW_S = 1.0
AHEAD_S = 4.0  # alarm is right if the car is lost within so long
WINDOW = round(WINDOW_S / CONTROL_PERIOD_S)
USUAL = 0.95  # of the nominal windows are without alarm
FIGURES = {
    "drives": 0, "lost": 0, "prevalence": 2, "AUC": 2, "F3": 2, "F3 always": 2, "predicted": 0, "s ahead": 1,
    "false/km": 2,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FailurePredictionConfig:
    """Settings; the help of each field is that of its flag."""

    model: Path = argument("of train/clone.py, and one that tells its doubt", metavar="MODEL")
    segments: Path = argument("what docs/make_exam.py wrote", metavar="SEGMENTS.csv")
    results: Path = option(Path("failure_prediction.json"), "what is done; the same command goes on", metavar="FILE")
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, eq=False)
class Driven:
    """How a segment was driven.

    Attributes:
        doubts: (n,) one each CONTROL_PERIOD_S.
        way_m: That was driven.
        ended: Whether the car was lost.
    """

    doubts: FloatArray
    way_m: float
    ended: bool

    @property
    def windows(self) -> FloatArray:
        """(m,) the largest doubt of each second, counted back from the end."""
        whole = self.doubts[len(self.doubts) % WINDOW :].reshape(-1, WINDOW)
        return np.asarray(whole.max(axis=1))

    @property
    def is_before_end(self) -> npt.NDArray[np.bool_]:
        """(m,) whether the car is lost within AHEAD_S of each."""
        n = len(self.windows)
        return np.arange(n) >= n - AHEAD_S / WINDOW_S if self.ended else np.zeros(n, np.bool_)

    def lead_s(self, threshold: float) -> float:
        """For how long there was alarm without a break when the car was lost."""
        quiet = np.flatnonzero(self.doubts <= threshold)
        return (len(self.doubts) - 1 - (quiet[-1] if len(quiet) else -1)) * CONTROL_PERIOD_S


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(FailurePredictionConfig, run, argv, description="Measure whether doubt predicts interventions.")


def run(config: FailurePredictionConfig) -> int:
    """Drive what is not driven yet, and print the figures."""
    check_output("--results", config.results)
    segments = read_segments(config.segments.read_text(encoding="utf-8"))
    driven = drive_all(config, segments)
    roads = {"all": segments, "the jungle": [each for each in segments if each.track == "jungle"]}
    nominal = [driven[each.name] for each in segments if each.factor == NOMINAL and not driven[each.name].ended]
    threshold = float(np.quantile(np.concatenate([each.windows for each in nominal]), USUAL))
    print_result(f"alarm above {threshold:.2f}: {len(nominal)} nominal drives doubt less in 19 of 20 seconds")
    columns = [TextColumn("road", numeric=False), *(TextColumn(name, digits) for name, digits in FIGURES.items())]
    others = {name: [driven[each.name] for each in chosen if each.factor != NOMINAL] for name, chosen in roads.items()}
    rows = [[name, *predicted_failures(drives, threshold)] for name, drives in others.items()]
    print_result(text_table(columns, rows, title="the drives that are not nominal"))
    return 0


def drive_all(config: FailurePredictionConfig, segments: Sequence[Segment]) -> dict[str, Driven]:
    """Every segment, by its name; those that are in the results already are not driven again."""
    policy, results = load_policy(config.model), read_results(config.results)
    missing = sorted((each for each in segments if each.name not in results), key=lambda each: str(each.world))
    doubts: list[float] = []

    def steering(world: object, segment: Segment) -> DoubtingDriver:
        doubts.clear()
        return DoubtingDriver(policy, doubts)

    with SegmentDriver(steering) as driver:
        for segment in counted(missing, "driving"):
            result = driver.drive(segment)
            told = [round(each, 3) for each in doubts]
            results[segment.name] = {"doubts": told, "way_m": result.share * segment.way_m, "ended": result.ended}
            write_json(config.results, results)
    return {
        name: Driven(np.array(each["doubts"]), each["way_m"], bool(each["ended"])) for name, each in results.items()
    }


def predicted_failures(drives: Sequence[Driven], threshold: float) -> list[float | int | None]:
    """`FIGURES` of some drives."""
    doubt = np.concatenate([each.windows for each in drives])
    before = np.concatenate([each.is_before_end for each in drives])
    alarm = doubt > threshold
    at_ease = [each for each in drives if not each.ended]
    false_alarms = sum(int((np.diff((each.windows > threshold).astype(int), prepend=0) == 1).sum()) for each in at_ease)
    leads = [each.lead_s(threshold) for each in drives if each.ended]
    in_time = [lead for lead in leads if lead >= WINDOW_S]
    return [
        len(drives), len(leads), float(before.mean()), _auc(doubt[before], doubt[~before]), _f3(alarm, before),
        _f3(np.ones_like(alarm), before), len(in_time), float(np.median(in_time)) if in_time else None,
        false_alarms / (sum(each.way_m for each in at_ease) / 1000),
    ]  # fmt: skip


def _auc(above: FloatArray, below: FloatArray) -> float | None:
    """The probability that a window before an end has more doubt than another."""
    if not len(above) or not len(below):
        return None
    above_ranks = ranks(np.concatenate([above, below]))[: len(above)]
    return float((above_ranks.sum() - len(above) * (len(above) + 1) / 2) / (len(above) * len(below)))


def _f3(alarm: npt.NDArray[np.bool_], before: npt.NDArray[np.bool_]) -> float:
    """Recall and precision, recall counting three times as much."""
    right = int((alarm & before).sum())
    return 10 * right / max(9 * int(before.sum()) + int(alarm.sum()), 1)


class DoubtingDriver:
    """Steers, and takes note of the doubt that a pilot would be cautious by."""

    def __init__(self, policy: Policy, doubts: list[float]) -> None:
        self._policy, self._doubts, self._caution = policy, doubts, Caution()

    def __call__(self, moment: Moment) -> Control:
        """See `CarDriver`."""
        action = self._policy(moment.frames["center"])
        if action.doubt is None:
            raise UserError("the model tells no doubt; expected a RoadNet of train/clone.py")
        self._caution.see(action.doubt, moment.time_s)
        self._doubts.append(self._caution.doubt or 0.0)
        return Control(min(max(action.steering_angle, -1.0), 1.0), 0.0)


if __name__ == "__main__":
    sys.exit(main())
