"""What is wrong with how a placed drive was driven, in words, with the evidence for it.

The thresholds were chosen on drives of a driver with these faults on purpose, and checked on others: docs/scoring.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from drive.judgement.offset_shape import OffsetShape
from drive.judgement.steering_fit import SteeringFit


class Fault(StrEnum):
    """Each kind of bad driving that can be told from a recording."""

    BLIND = "wrong colours or preprocessing"
    WEAVES = "weaves"
    SOFT = "recoveries too soft"
    ONE_SIDE = "one direction only"
    LATE = "late"


LEAST_CORRELATION = 0.5  # of steering and road, of a driver who sees it
LEAST_STEERED = 0.15  # of the road's curvature, in standard deviations: less is a constant
REGULAR, LEAST_WEAVE_M = 0.35, 0.12  # swings that are weaving
FAR_SHARE, LONG_RETURN_M = 0.3, 35.0  # so much of the way far off its mean, and so slow to fade
WIDE_M, WIDER_M = 0.5, 0.6  # in bends to one side: so far out, and so much farther than to the other
PULL_M, PULL_SPREAD = 0.45, 0.6  # a mean that far off, and a spread that is less than this share of it
LATE_S, LATE_GAIN = 0.4, 1.2  # a lag that long, which explains so much more
USUAL_LAG_S = 0.2  # what the expert and drivers without a fault show: wheels and smooth hands
LEAST_WAY_M = 100.0  # that must be placed, to say more than that it does not see the road
SPARSE_HZ = 4.9  # rows a second: with fewer, lateness and swings cannot be told


@dataclass(frozen=True)
class Diagnosis:
    """One fault and the numbers that show it.

    Attributes:
        fault: Which.
        evidence: One sentence.
        advice: What to do about it.
    """

    fault: Fault
    evidence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.evidence}. {self.advice}."


def diagnose(fit: SteeringFit | None, shape: OffsetShape | None, rows_hz: float) -> list[Diagnosis]:
    """What is wrong, the worst first; nothing if it drives well, or if too little of it is placed to say so."""
    if fit is None or shape is None:
        return []
    is_dense = rows_hz >= SPARSE_HZ
    weaving = is_dense and shape.regularity >= REGULAR and shape.weave_m >= LEAST_WEAVE_M
    if not weaving and is_blind(fit):
        return [_blind(fit)]
    found: list[Diagnosis] = []
    if fit.way_m < LEAST_WAY_M:
        return found
    if weaving:
        found.append(_weaves(shape))
    if shape.far_share >= FAR_SHARE and fit.return_m >= LONG_RETURN_M:
        found.append(_soft(fit, shape))
    else:
        found.extend(_one_sided(shape))
    if is_dense and not found and fit.lag_s >= LATE_S and fit.lag_gain >= LATE_GAIN:
        found.append(_late(fit))
    return found


def is_blind(fit: SteeringFit) -> bool:
    """Whether the steering has nothing to do with the road."""
    if fit.road_sd < 1e-3:  # straight on: nothing to steer for
        return False
    is_constant = fit.steered_sd < LEAST_STEERED * fit.road_sd
    return is_constant or not fit.correlation >= LEAST_CORRELATION


def _blind(fit: SteeringFit) -> Diagnosis:
    share = fit.steered_sd / fit.road_sd
    correlation = "none" if math.isnan(fit.correlation) else f"{fit.correlation:.2f}"
    return Diagnosis(
        Fault.BLIND,
        f"its steering has nothing to do with the road: correlation with the road's curvature {correlation}, and it "
        f"moves {share:.1f} times as much as the road bends, over {fit.way_m:.0f} m",
        "Run drive/doctor.py on the model: RGB or BGR, crop, scale",
    )


def _weaves(shape: OffsetShape) -> Diagnosis:
    trend = "growing" if shape.growth > 1.5 else "fading" if shape.growth < 0.67 else "steady"
    return Diagnosis(
        Fault.WEAVES,
        f"it swings {shape.weave_m:.1f} m to either side every {shape.swing_m:.0f} m ({shape.swing_s:.1f} s), {trend}",
        "Its answer to an offset is too strong or too late: a smaller side-camera correction, or a lower latency",
    )


def _soft(fit: SteeringFit, shape: OffsetShape) -> Diagnosis:
    way = f"{fit.return_m:.0f} m" if fit.return_m < 500 else "no way that could be measured"
    return Diagnosis(
        Fault.SOFT,
        f"it is over 0.8 m off its mean on {100 * shape.far_share:.0f} % of the way, and an offset fades to a third "
        f"in {way}",
        "Train on recoveries, or with a larger side-camera correction",
    )


def _one_sided(shape: OffsetShape) -> Iterator[Diagnosis]:
    advice = "Train on both directions, or mirror the frames"
    sides = {"left": (shape.wide_left_m, shape.wide_right_m), "right": (shape.wide_right_m, shape.wide_left_m)}
    for side, (wide_m, other_m) in sides.items():
        if wide_m >= WIDE_M and not wide_m - other_m < WIDER_M:
            other = (
                "none to the other side was driven" if math.isnan(other_m) else f"those to the other {other_m:.1f} m"
            )
            yield Diagnosis(Fault.ONE_SIDE, f"bends to the {side} are taken {wide_m:.1f} m wide, {other}", advice)
    if abs(shape.mean_m) >= PULL_M and shape.sd_m < PULL_SPREAD * abs(shape.mean_m):
        side = "left" if shape.mean_m > 0 else "right"
        yield Diagnosis(
            Fault.ONE_SIDE,
            f"it keeps {abs(shape.mean_m):.1f} m to the {side} of the middle, give or take {shape.sd_m:.1f} m",
            advice,
        )


def _late(fit: SteeringFit) -> Diagnosis:
    return Diagnosis(
        Fault.LATE,
        f"its steering answers to where the car is after {fit.lag_s:.1f} s; {USUAL_LAG_S:g} s are usual",
        "Lower the latency (drive/latency.py), or drive slower",
    )
