"""Poses of a drive from what its frames say and from how the car moved between them: one Gauss-Newton step.

A pose is (s, offset, heading error). From row to row the car goes on by its odometer, turns as it is steered, and the
road turns under it; each with some noise. All poses of a stretch are corrected at once, by a block-tridiagonal system.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import FloatArray
from simulator_bridge.udacity_car import TURNING_POINT_M

ALONG_NOISE = 0.02  # m in a metre driven, growing with its root; in the same way the next two
ACROSS_NOISE = 0.03
TURN_NOISE = float(np.radians(0.8))
ALONG_PRIOR_M, ACROSS_PRIOR_M, HEADING_PRIOR_RAD = 3.0, 2.0, 0.1  # of a driver; s: of what odometry found
PRIOR_WEIGHT = 0.05  # neighbouring rows know of each other
LARGEST_STEP = np.array([3.0, 1.5, 0.15])  # m, m, rad: what is linear goes no farther
_LEAST_M = 0.02


@dataclass(frozen=True, eq=False)
class Motion:
    """How a car moved along M rows.

    Attributes:
        way_m: (M - 1,) from row to row.
        turn_rad: (M - 1,) from row to row, + = to the left.
        curvature: (M,) of its own path, 1/m.
    """

    way_m: FloatArray
    turn_rad: FloatArray
    curvature: FloatArray


@dataclass(frozen=True, eq=False)
class Correction:
    """Of M poses: what is to be added to each (M, 3), and the covariance that is left of it (M, 3, 3)."""

    step: FloatArray
    covariance: FloatArray


class PoseSmoother:
    """Corrects the poses of one stretch of a drive.

    Args:
        track: In the direction driven.
        motion: Along M rows, at least two.
        along_m: (M,) where the car was along the lap by odometry, not wrapped.
    """

    def __init__(self, track: Track, motion: Motion, along_m: FloatArray) -> None:
        self._curvature, self._ds_m, self._lap_m = track.curvature, track.ds_m, track.length_m
        self._motion, self._along_m = motion, along_m
        way_m = np.maximum(motion.way_m, _LEAST_M)[:, None]
        noise = np.array([ALONG_NOISE, ACROSS_NOISE, TURN_NOISE])
        self._certainty = 1 / (noise**2 * way_m + np.array([1e-4, 1e-5, 1e-6]))

    def correct(self, poses: FloatArray, information: FloatArray, vector: FloatArray) -> Correction:
        """One step from poses (M, 3), given what the frames say: (M, 3, 3) and (M, 3), zero where there is none."""
        jacobian, residual = self._linearised(poses)
        pulled = self._certainty[:, :, None] * jacobian
        diagonal, right = self._with_prior(poses, information, vector)
        diagonal[:-1] += np.einsum("mki,mkj->mij", jacobian, pulled)
        diagonal[1:] += self._certainty[:, :, None] * np.eye(3)
        beside = -np.swapaxes(pulled, 1, 2)  # from a row to the next
        right[:-1] += np.einsum("mki,mk->mi", pulled, residual)
        right[1:] -= self._certainty * residual
        step, covariance = solve_chain(diagonal, beside, right)
        return Correction(np.clip(step, -LARGEST_STEP, LARGEST_STEP), covariance)

    def _linearised(self, poses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How the next pose follows from each (M - 1, 3, 3), and how far it is from what it should be (M - 1, 3)."""
        s_m, offset_m, heading = poses[:-1].T
        way_m = np.maximum(self._motion.way_m, _LEAST_M)
        road, sharpening = self._road_curvature(s_m)
        slip = -TURNING_POINT_M * 0.5 * (self._motion.curvature[1:] + self._motion.curvature[:-1])
        closeness = 1 - road * np.clip(offset_m, -6, 6)
        along_m = way_m * np.cos(heading) / np.maximum(closeness, 0.3)
        expected = np.stack(
            [
                s_m + along_m,
                offset_m + way_m * np.sin(heading + slip),
                heading + self._motion.turn_rad - road * along_m,
            ],
            axis=1,
        )
        jacobian = np.tile(np.eye(3), (len(way_m), 1, 1))
        jacobian[:, 0, 1] = along_m * road
        jacobian[:, 0, 2] = -way_m * np.sin(heading)
        jacobian[:, 1, 2] = way_m * np.cos(heading)
        jacobian[:, 2, 0] = -sharpening * way_m
        jacobian[:, 2, 1] = -(road**2) * way_m
        return jacobian, poses[1:] - expected

    def _with_prior(
        self, poses: FloatArray, information: FloatArray, vector: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """What the frames say, and what drivers do: keep near the road's middle, and near where odometry has them."""
        slip = -TURNING_POINT_M * self._motion.curvature
        usual = np.stack([self._along_m, np.zeros(len(poses)), -slip], axis=1)
        prior = PRIOR_WEIGHT / np.array([ALONG_PRIOR_M, ACROSS_PRIOR_M, HEADING_PRIOR_RAD]) ** 2
        return information + np.diag(prior), vector - prior * (poses - usual)

    def _road_curvature(self, s_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The road's curvature at places (M,), and how it changes, 1/m^2."""
        at_m = np.arange(len(self._curvature) + 1) * self._ds_m
        values = np.append(self._curvature, self._curvature[0])
        here, before, behind = (np.interp((s_m + ahead_m) % self._lap_m, at_m, values) for ahead_m in (0.0, -1.0, 1.0))
        return here, (behind - before) / 2


def solve_chain(diagonal: FloatArray, beside: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Solve a symmetric block-tridiagonal system, and invert its matrix on the diagonal.

    Args:
        diagonal: (M, K, K) blocks.
        beside: (M - 1, K, K) blocks right of them; those left of them are their transposes.
        right: (M, K).

    Returns:
        The solution (M, K), and the blocks (M, K, K) of the inverse on its diagonal.
    """
    n = len(diagonal)
    inverse, solution = np.empty_like(diagonal), right.copy()
    inverse[0] = np.linalg.inv(diagonal[0])
    for row in range(1, n):
        back = beside[row - 1].T @ inverse[row - 1]
        inverse[row] = np.linalg.inv(diagonal[row] - back @ beside[row - 1])
        solution[row] -= back @ solution[row - 1]
    covariance = inverse.copy()
    solution[-1] = inverse[-1] @ solution[-1]
    for row in range(n - 2, -1, -1):
        gain = inverse[row] @ beside[row]
        solution[row] = inverse[row] @ solution[row] - gain @ solution[row + 1]
        covariance[row] += gain @ covariance[row + 1] @ gain.T
    return solution, covariance
