"""A hidden Markov model of where on a closed road a car is: every cell in both directions, or elsewhere.

One step is one cell of the car's way. The car goes on by a cell, now and then by none or two, for odometry drifts. What
is observed is what the car turned lately (`odometry.py`): on the road it is what the road turned there, give or take
the driver's weaving. Elsewhere it is what such drives are like: the turn of a few metres before, a little changed.

Neighbouring observations tell the same twice: each counts for its share of `INDEPENDENT_M`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.placement.odometry import MEMORY_M, Way, driven_turn, road_turn
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import FloatArray
from simulator_bridge.udacity_car import MAX_SPEED_MPH, MPS_PER_MPH

INDEPENDENT_M = 8.0  # from one observation to the next that does not know of it
P_DRIFT = 0.02  # of going on by no cell, and by two: 2 m (standard deviation) in 100 m
P_SWITCH = 0.1  # from the track to elsewhere or back, from an episode to the next; within one nobody changes tracks
P_OTHER_PLACE = 0.2  # that a new episode begins anywhere; else the car drove on, at most at its top speed
WEAVING_DEG = (1.2, 2.5, 5.0, 10.0, 20.0)  # standard deviations of driven and road's turn that are tried
TYPICAL_WEAVING_DEG = 5.0
P_OUTLIER, OUTLIER_DENSITY = 0.04, 1 / 3.0  # a spin, a wall: any turn within 3 rad
LEAST_CHANGE_RAD = np.radians(2.0)  # of the turn elsewhere
NEAR_M = 5.0  # the confidence is that of being within so many metres
_MOST_NUMBERS = 8_000_000  # of beliefs in memory


@dataclass(frozen=True, eq=False)
class Steps:
    """The observations of a recording, K steps of one cell each, its episodes one after the other.

    Attributes:
        turn: (K,) rad, what the car turned lately.
        age: (K,) steps since the episode began.
        elsewhere: (K,) density of the turn if the car is elsewhere.
        reach: Step at which an episode begins -> the most cells since the last one ended; None: unknown.
        cell_m: Length of a step.
    """

    turn: FloatArray
    age: npt.NDArray[np.intp]
    elsewhere: FloatArray
    reach: dict[int, int | None]
    cell_m: float

    def __len__(self) -> int:
        return len(self.turn)


@dataclass(frozen=True, eq=False)
class Along:
    """Where the car was at each of K steps.

    Attributes:
        s_m: (K,) along the lap, in the direction of `is_reverse`.
        is_reverse: (K,) whether it drove the track the other way.
        confidence: (K,) probability that it was within `NEAR_M` of `s_m`.
    """

    s_m: FloatArray
    is_reverse: npt.NDArray[np.bool_]
    confidence: FloatArray


def observe(ways: Sequence[Way], pauses_s: Sequence[float], cell_m: float) -> Steps:
    """The steps of a recording.

    Args:
        ways: Of its episodes.
        pauses_s: Between two episodes each; NaN or negative: unknown.
        cell_m: Length of a step.
    """
    turns = [driven_turn(way, cell_m) for way in ways]
    lag = max(1, round(INDEPENDENT_M / cell_m))
    before = np.concatenate([np.concatenate([np.zeros(lag), turn])[: len(turn)] for turn in turns])
    turn = np.concatenate(turns)
    goes_on = np.clip(np.dot(turn, before) / max(np.dot(before, before), 1e-9), 0.0, 1.0)
    change = turn - goes_on * before
    elsewhere = _normal(change, max(float(np.sqrt(np.mean(change**2))), LEAST_CHANGE_RAD))
    starts = np.cumsum([0, *(len(each) for each in turns)])[1:-1].tolist()
    cells_per_s = MAX_SPEED_MPH * MPS_PER_MPH / cell_m
    reach = {
        start: round(pause * cells_per_s + NEAR_M / cell_m) if pause >= 0 else None
        for start, pause in zip(starts, pauses_s, strict=True)
    }
    age = np.concatenate([np.arange(len(each)) for each in turns])
    return Steps(turn, age, elsewhere, reach, cell_m)


class RoadChain:
    """The model of one track and one driver.

    A belief is (2 N + 1,): the N cells forwards, the N cells in reverse, and elsewhere.

    Args:
        track: N points.
        weaving_deg: Standard deviation of the driven turn about the road's.
    """

    def __init__(self, track: Track, weaving_deg: float) -> None:
        self.n_cells = len(track)
        self.cell_m = track.ds_m
        self._turns = np.stack([road_turn(each.curvature, each.ds_m) for each in (track, track.reversed())])
        self._weaving = float(np.radians(weaving_deg))
        self._share = track.ds_m / INDEPENDENT_M

    def start(self) -> FloatArray:
        """The belief before anything is observed: elsewhere or not, half and half."""
        return self._join(np.full((2, self.n_cells), 0.25 / self.n_cells), 0.5)

    def likelihood(self, steps: Steps, step: int) -> FloatArray:
        """Of the observation at a step, in each state: (2 N + 1,)."""
        age = int(steps.age[step])
        fading = np.exp(-age * self.cell_m / MEMORY_M)
        turns = self._turns
        if fading > 1e-3:  # the road turned before the episode began, too; nobody has recorded the car's
            turns = turns - fading * np.roll(turns, age, axis=1)
        on_track = (1 - P_OUTLIER) * _normal(steps.turn[step] - turns, self._weaving) + P_OUTLIER * OUTLIER_DENSITY
        return self._join(on_track, float(steps.elsewhere[step])) ** self._share

    def go_on(self, belief: FloatArray, steps: Steps, step: int) -> FloatArray:
        """The belief about the state at `step` from that about the step before."""
        cells, elsewhere = self._split(belief)
        if step not in steps.reach:
            return self._join(
                (1 - 2 * P_DRIFT) * np.roll(cells, 1, 1) + P_DRIFT * (cells + np.roll(cells, 2, 1)), elsewhere
            )
        cells = self._jump(cells, steps.reach[step], backwards=False)
        to_cells = P_SWITCH * elsewhere / cells.size
        return self._join(cells * (1 - P_SWITCH) + to_cells, elsewhere + P_SWITCH * (cells.sum() - elsewhere))

    def go_back(self, message: FloatArray, steps: Steps, step: int) -> FloatArray:
        """What a message about the state at `step` says about the step before: the transpose of `go_on`."""
        cells, elsewhere = self._split(message)
        if step not in steps.reach:
            cells = (1 - 2 * P_DRIFT) * np.roll(cells, -1, 1) + P_DRIFT * (cells + np.roll(cells, -2, 1))
            return self._join(cells, elsewhere)
        before = elsewhere + P_SWITCH * (cells.mean() - elsewhere)
        cells = cells + P_SWITCH * (elsewhere - cells)
        return self._join(self._jump(cells, steps.reach[step], backwards=True), before)

    def _jump(self, cells: FloatArray, reach: int | None, *, backwards: bool) -> FloatArray:
        """Go on by 0 to `reach` cells, all alike, or to anywhere."""
        anywhere = np.full_like(cells, cells.mean())
        if reach is None or reach >= self.n_cells:
            return anywhere
        ahead = cells[:, ::-1] if backwards else cells
        summed = np.cumsum(np.concatenate([np.zeros((2, 1)), ahead[:, self.n_cells - reach :], ahead], axis=1), axis=1)
        spread = (summed[:, reach + 1 :] - summed[:, : -reach - 1]) / (reach + 1)
        spread = spread[:, ::-1] if backwards else spread
        return np.asarray((1 - P_OTHER_PLACE) * spread + P_OTHER_PLACE * anywhere)

    def _split(self, belief: FloatArray) -> tuple[FloatArray, float]:
        return belief[:-1].reshape(2, self.n_cells), float(belief[-1])

    def _join(self, cells: FloatArray, elsewhere: float) -> FloatArray:
        return np.append(cells, elsewhere)


def log_evidence(chain: RoadChain, steps: Steps) -> float:
    """The logarithm of the probability of all observations."""
    return sum(found for _, found in _filtered(chain, steps))


def find_along(chain: RoadChain, steps: Steps) -> Along:
    """Where the car was at each step, by all observations before and after it."""
    size = max(1, min(len(steps), _MOST_NUMBERS // (2 * chain.n_cells + 1)))
    starts = list(range(0, len(steps), size))
    checkpoints = [belief for step, (belief, _) in enumerate(_filtered(chain, steps)) if step % size == 0]
    found: list[tuple[float, bool, float]] = []
    message = np.ones(2 * chain.n_cells + 1)
    for start, checkpoint in zip(reversed(starts), reversed(checkpoints), strict=True):
        stop = min(start + size, len(steps))
        beliefs = [checkpoint, *(belief for belief, _ in _filtered(chain, steps, checkpoint, start + 1, stop))]
        for step in range(stop - 1, start - 1, -1):
            found.append(_summarise(chain, beliefs[step - start] * message))
            message = chain.go_back(message * chain.likelihood(steps, step), steps, step)
            message /= message.mean()
    s_m, is_reverse, confidence = zip(*reversed(found), strict=True)
    return Along(np.array(s_m), np.array(is_reverse), np.array(confidence))


def _filtered(
    chain: RoadChain, steps: Steps, belief: FloatArray | None = None, start: int = 0, stop: int | None = None
) -> Iterator[tuple[FloatArray, float]]:
    """The belief at each step by what was observed until then, and the logarithm of what was expected of the step."""
    for step in range(start, len(steps) if stop is None else stop):
        before = chain.start() if belief is None else chain.go_on(belief, steps, step)
        belief = before * chain.likelihood(steps, step)
        total = belief.sum()
        belief /= total
        yield belief, float(np.log(total))


def _summarise(chain: RoadChain, belief: FloatArray) -> tuple[float, bool, float]:
    """The most likely cell's neighbourhood: its mean place, direction and probability."""
    cells = belief[:-1].reshape(2, chain.n_cells)
    is_reverse, best = divmod(int(cells.argmax()), chain.n_cells)
    reach = int(NEAR_M / chain.cell_m)
    around = np.arange(-reach, reach + 1)
    weights = cells[is_reverse, (best + around) % chain.n_cells]
    held = float(weights.sum())
    if not held > 0:  # a drive that no place explains, such as one that never steers
        return best * chain.cell_m, bool(is_reverse), 0.0
    mean = best + float(np.dot(weights, around)) / held
    return mean % chain.n_cells * chain.cell_m, bool(is_reverse), held / float(belief.sum())


def _normal(values: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(np.exp(-0.5 * (values / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi)))
