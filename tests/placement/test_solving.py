"""The arithmetic under placement: the chain's transposed step, and the block-tridiagonal solver."""

from __future__ import annotations

import numpy as np
import pytest

from simulator_bridge.placement.markov import RoadChain, Steps
from simulator_bridge.placement.pose_smoother import solve_chain
from simulator_bridge.track import build_track


@pytest.mark.parametrize("reach", [0, 7, 100_000, None, "no new episode"])
def test_going_back_is_the_transpose_of_going_on(reach: int | str | None) -> None:
    chain = RoadChain(build_track("random:3"), weaving_deg=2.5)
    starts = {} if isinstance(reach, str) else {1: reach}
    steps = Steps(np.zeros(2), np.zeros(2, np.intp), np.ones(2), starts, chain.cell_m)
    rng = np.random.default_rng(0)
    belief, message = rng.uniform(size=(2, 2 * chain.n_cells + 1))
    there = chain.go_on(belief, steps, 1)
    assert there.sum() == pytest.approx(belief.sum())
    assert there @ message == pytest.approx(belief @ chain.go_back(message, steps, 1))


def test_a_chain_of_blocks_is_solved_and_inverted() -> None:
    rng = np.random.default_rng(1)
    n, k = 6, 3
    root = np.zeros((n * k, n * k))
    for row in range(n):
        here = slice(row * k, (row + 1) * k)
        root[here, here] = rng.normal(size=(k, k)) + 3 * np.eye(k)
        if row:
            root[here, (row - 1) * k : row * k] = rng.normal(size=(k, k))
    whole = root.T @ root
    blocks = whole.reshape(n, k, n, k).transpose(0, 2, 1, 3)
    right = rng.normal(size=(n, k))
    diagonal = np.array([blocks[row, row] for row in range(n)])
    beside = np.array([blocks[row, row + 1] for row in range(n - 1)])
    solution, covariance = solve_chain(diagonal, beside, right)
    inverse = np.linalg.inv(whole)
    np.testing.assert_allclose(solution.ravel(), inverse @ right.ravel())
    np.testing.assert_allclose(covariance, [inverse[i * k : (i + 1) * k, i * k : (i + 1) * k] for i in range(n)])
