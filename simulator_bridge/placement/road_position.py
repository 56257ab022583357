"""What one frame says about where the car is: along the road, across it, and how far askew it stands.

The frame is unrolled about the pose where the car is taken to be. Every pose near that one shifts the cross-sections in
its own way; how well they agree then is its likelihood. The result is the Gaussian nearest to it, which is wide where
the frame says little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator_bridge.placement.cross_section import N_SHIFTS, SHIFT_ZERO, CrossSection
from simulator_bridge.placement.unrolled_road import CELL_M, UnrolledRoad
from simulator_bridge.track.track_plan import FloatArray

N_ALONG, N_ACROSS, N_HEADINGS = 5, 21, 15
SCALE = np.array([1.0, 0.3, 0.05])  # m, m, rad: lengths of about the same importance
_NOISE = np.array([0.5, 0.03, 0.0044])  # m, m, rad: no frame is better than this
_LEAST_INFORMATION = 0.02  # in units of `SCALE`: less is none


@dataclass(frozen=True)
class Window:
    """How far about a pose the frame is asked: so many metres along and across, radians of heading, to both sides."""

    along_m: float
    across_m: float
    heading_rad: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """A Gaussian likelihood of the correction x (3,) of a pose: exp(vector . x - x . information . x / 2).

    Attributes:
        information: (3, 3).
        vector: (3,).
        surprise: How much better the frame fits elsewhere than at the pose, as a squared number of sigmas.
    """

    information: FloatArray
    vector: FloatArray
    surprise: float


def evidence(road: UnrolledRoad, section: CrossSection, window: Window) -> Evidence:
    """What an unrolled frame says about the pose that it is unrolled about."""
    corrections = _corrections(window)
    log_likelihood = agreement_at(road, section.agreement(road), corrections)
    weights = np.exp(log_likelihood - log_likelihood.max())
    weights /= weights.sum()
    mean = weights @ corrections
    away = (corrections - mean) / SCALE
    covariance = (away * weights[:, None]).T @ away + np.diag((_NOISE / SCALE) ** 2)
    asked = np.mean((corrections / SCALE) ** 2, axis=0) + np.array([0.25, 0.0, 0.0])  # all that a silent frame leaves
    posterior = np.linalg.inv(covariance)
    information, directions = np.linalg.eigh(posterior - np.diag(1 / asked))
    vector = directions.T @ (posterior @ (mean / SCALE))
    says = information > _LEAST_INFORMATION
    information, vector = np.where(says, information, 0.0), np.where(says, vector, 0.0)
    surprise = float(np.sum(vector**2 / np.where(says, information, 1.0)))
    return Evidence(
        information=(directions * information) @ directions.T / np.outer(SCALE, SCALE),
        vector=directions @ vector / SCALE,
        surprise=surprise,
    )


def agreement_at(road: UnrolledRoad, agreement: FloatArray, corrections: FloatArray) -> FloatArray:
    """Log-likelihood (K,) of corrections (K, 3), from the agreement (A, N_SHIFTS) of the cross-sections."""
    shift = SHIFT_ZERO + corrections @ road.shifts.T / CELL_M
    np.clip(shift, 0, N_SHIFTS - 1.001, out=shift)
    index = shift.astype(np.int32)
    shift -= index
    index += np.arange(len(agreement), dtype=np.int32) * N_SHIFTS
    flat = agreement.ravel()
    below = flat[index]
    return np.asarray((below + shift * (flat[index + 1] - below)).sum(axis=1))


def _corrections(window: Window) -> FloatArray:
    along = np.linspace(-window.along_m, window.along_m, N_ALONG)
    across = np.linspace(-window.across_m, window.across_m, N_ACROSS)
    heading = np.linspace(-window.heading_rad, window.heading_rad, N_HEADINGS)
    return np.stack(np.meshgrid(along, across, heading, indexing="ij"), axis=-1).reshape(-1, 3)
