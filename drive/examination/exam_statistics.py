"""Intervals and comparisons of exam scores, paired by segment. Pure; arrays are (N,) over segments.

The bootstrap resamples segments within each factor, and the seeds of a recipe before them. Source of the manner:
Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (rliable); Holm 1979.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 4000
FLIPS = 20_000
DRAWS_A_PAIR = 40  # at least, for each pair compared: fewer find no p below ALPHA / pairs, which Holm asks for
SEED = 0
ALPHA = 0.05

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two examinees, or two recipes.

    Attributes:
        first: Name.
        second: Name.
        difference: First less second, points.
        improvement: Probability that the first is better at a segment, ties counting half.
        p: That such a difference comes about by chance.
        p_holm: The same, with all comparisons of the run considered.
    """

    first: str
    second: str
    difference: Interval
    improvement: float
    p: float
    p_holm: float = 1.0

    @property
    def is_separated(self) -> bool:
        """Whether the two differ by more than chance."""
        return self.p_holm < ALPHA


class ExamStatistics:
    """Statistics over the segments of one exam.

    Args:
        factors: (N,) names.
        weights: (N,), 1 in all.
    """

    def __init__(self, factors: Sequence[str], weights: FloatArray) -> None:
        self._weights = weights
        names = np.array(factors)
        self._groups = [np.flatnonzero(names == name) for name in dict.fromkeys(factors)]
        self._signs: FloatArray = np.empty((0, len(weights)))

    def score(self, scores: FloatArray) -> Interval:
        """The weighted mean of (N,) or, over seeds, (K, N) scores."""
        runs = np.atleast_2d(scores)
        return self._interval(float(runs.mean(axis=0) @ self._weights), self._resampled(runs))

    def compare(self, first: tuple[str, FloatArray], second: tuple[str, FloatArray], n_pairs: int = 1) -> Comparison:
        """Two examinees, one of `n_pairs`: `p` by flipping signs of the segments' differences at random."""
        difference = first[1] - second[1]
        weighted = self._weights * difference
        by_chance = np.abs(self._random_signs(max(FLIPS, DRAWS_A_PAIR * n_pairs)) @ weighted)
        p = float((1 + (by_chance >= abs(weighted.sum()) - 1e-9).sum()) / (len(by_chance) + 1))
        interval = self._interval(float(weighted.sum()), self._resampled(difference[None]))
        return Comparison(first[0], second[0], interval, self._improvement(first[1][None], second[1][None]), p)

    def compare_recipes(
        self, first: tuple[str, FloatArray], second: tuple[str, FloatArray], n_pairs: int = 1
    ) -> Comparison:
        """Two recipes of seeds, (K, N) and (L, N), one of `n_pairs`: `p` by bootstrap over seeds and segments."""
        one, other = first[1], second[1]
        rng = np.random.default_rng(SEED)
        picked = self._pick_segments(rng, max(RESAMPLES, DRAWS_A_PAIR * n_pairs))
        resampled = self._resampled(one, rng, picked) - self._resampled(other, rng, picked)
        below = float((resampled <= 0).mean())
        p = max(2 * min(below, float((resampled >= 0).mean())), 1 / len(resampled))
        mean = float((one.mean(axis=0) - other.mean(axis=0)) @ self._weights)
        improvement = self._improvement(one, other)
        return Comparison(first[0], second[0], self._interval(mean, resampled), improvement, min(p, 1.0))

    def _improvement(self, one: FloatArray, other: FloatArray) -> float:
        better = one[:, None] > other[None]
        same = one[:, None] == other[None]
        return float(((better + 0.5 * same).mean(axis=(0, 1))) @ self._weights)

    def _random_signs(self, flips: int) -> FloatArray:
        """(flips, N) of -1 and 1; the same ones for every pair, so drawn once."""
        if len(self._signs) != flips:
            is_plus = np.random.default_rng(SEED).integers(0, 2, (flips, len(self._weights)), dtype=np.int8)
            self._signs = np.where(is_plus, 1.0, -1.0)
        return self._signs

    def _pick_segments(self, rng: np.random.Generator, resamples: int) -> list[npt.NDArray[np.intp]]:
        """For each factor (resamples, n) of its segments, drawn with replacement."""
        return [group[rng.integers(0, len(group), (resamples, len(group)))] for group in self._groups]

    def _resampled(
        self,
        runs: FloatArray,
        rng: np.random.Generator | None = None,
        picked: list[npt.NDArray[np.intp]] | None = None,
    ) -> FloatArray:
        """Weighted means of resampled runs and segments; RESAMPLES of them, or as many as are picked."""
        rng = rng or np.random.default_rng(SEED)
        picked = picked or self._pick_segments(rng, RESAMPLES)
        resamples = len(picked[0])
        chosen = rng.integers(0, len(runs), (resamples, len(runs)))
        means = np.zeros(resamples)
        for group, segments in zip(self._groups, picked, strict=True):
            share = self._weights[group].sum()
            values = np.mean([runs[chosen[:, k][:, None], segments] for k in range(len(runs))], axis=0)
            means += share * values.mean(axis=1)
        return means

    @staticmethod
    def _interval(mean: float, resampled: FloatArray) -> Interval:
        low, high = np.quantile(resampled, (0.025, 0.975))
        return Interval(mean, float(low), float(high))


def compare_all(
    statistics: ExamStatistics, scores: Mapping[str, FloatArray], of: Collection[str] | None = None
) -> list[Comparison]:
    """Every two examinees, by name -> (N,) scores; the better one first.

    Args:
        statistics: Of the exam.
        scores: Of everyone.
        of: Names; leave out pairs in which there is none of them.
    """
    order = sorted(scores, key=lambda name: -statistics.score(scores[name]).mean)
    pairs = [pair for pair in itertools.combinations(order, 2) if of is None or not set(pair).isdisjoint(of)]
    return holm([statistics.compare((one, scores[one]), (other, scores[other]), len(pairs)) for one, other in pairs])


def compare_all_recipes(statistics: ExamStatistics, scores: Mapping[str, FloatArray]) -> list[Comparison]:
    """Every two recipes, by name -> (K, N) scores; the better one first."""
    order = sorted(scores, key=lambda name: -statistics.score(scores[name]).mean)
    pairs = list(itertools.combinations(order, 2))
    return holm(
        [statistics.compare_recipes((one, scores[one]), (other, scores[other]), len(pairs)) for one, other in pairs]
    )


def holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with `p_holm`: none of them is called separated by chance in more than 5 % of all exams."""
    order = sorted(range(len(comparisons)), key=lambda index: comparisons[index].p)
    adjusted, highest = [1.0] * len(comparisons), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min((len(comparisons) - rank) * comparisons[index].p, 1.0))
        adjusted[index] = highest
    return [
        Comparison(each.first, each.second, each.difference, each.improvement, each.p, p)
        for each, p in zip(comparisons, adjusted, strict=True)
    ]
