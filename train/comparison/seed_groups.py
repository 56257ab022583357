"""Runs that differ in nothing but their seed, as one: their mean, and how far apart they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from train.comparison.run_result import RunResult

SEED = re.compile(r" seed=\S+")  # in the name of a run

Figure = Callable[[RunResult], float | None]


@dataclass(frozen=True)
class SeedGroup:
    """Runs with the same settings but for the seed.

    Attributes:
        name: Of a run, without the seed.
        results: Those that have a model.
        n_failed: Those that have none.
    """

    name: str
    results: tuple[RunResult, ...]
    n_failed: int

    def mean(self, figure: Figure) -> float | None:
        """The mean of a figure over the runs that have it; None without one."""
        known = self._known(figure)
        return fmean(known) if known else None

    def spread(self, figure: Figure) -> float | None:
        """The standard deviation of a figure; None of fewer than two runs."""
        known = self._known(figure)
        return stdev(known) if len(known) > 1 else None

    def _known(self, figure: Figure) -> list[float]:
        return [value for value in map(figure, self.results) if value is not None]


def group_by_seed(results: Sequence[RunResult]) -> list[SeedGroup]:
    """All runs, those of one group together, in the order of the first of each."""
    groups: dict[str, list[RunResult]] = {}
    for result in results:
        groups.setdefault(SEED.sub("", result.run.name), []).append(result)
    return [
        SeedGroup(name, trained, len(runs) - len(trained))
        for name, runs in groups.items()
        for trained in [tuple(run for run in runs if run.mse is not None)]
    ]


def has_seeds(groups: Sequence[SeedGroup]) -> bool:
    """Whether there are several runs in any of them."""
    return any(len(group.results) + group.n_failed > 1 for group in groups)


def best_group(groups: Sequence[SeedGroup]) -> SeedGroup | None:
    """The group with the lowest mean error, not that of the luckiest run; None if no run has a model."""
    return min((group for group in groups if group.results), key=lambda group: group.mean(mse_of) or 0.0, default=None)


def mse_of(result: RunResult) -> float | None:
    """Its mean squared error."""
    return result.mse


def r1s_of(result: RunResult) -> float | None:
    """Its r1s, where the rows allow one."""
    r1s = result.validation.get("r1s")
    return None if r1s is None else float(r1s)


def seconds_of(result: RunResult) -> float | None:
    """How long it was trained."""
    return (result.summary or {}).get("seconds")


def autonomy_of(result: RunResult) -> float | None:
    """Its autonomy on the laps, percent."""
    return (result.driving or {}).get("autonomy_percent")


def score_of(result: RunResult) -> float | None:
    """Its score on the laps."""
    return (result.driving or {}).get("driving_score")


def exam_of(result: RunResult) -> float | None:
    """Its score in the exam."""
    return result.exam_score
