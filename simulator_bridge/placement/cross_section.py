"""What a cross-section of the road looks like, and how well each shift of an unrolled frame agrees with it.

Two things are looked for. How unlike the asphalt before the car a colour is: little on the road, much beyond its edge,
or already beyond its line where there is a kerb. And lines: narrow, brighter or yellower than both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from simulator_bridge.placement.unrolled_road import AHEAD_M, CELL_M, OFFSETS_M, UnrolledRoad
from simulator_bridge.track import Track
from simulator_bridge.track.track_plan import FloatArray

N_SHIFTS = 121
SHIFT_ZERO = N_SHIFTS // 2
SHIFTS_M = CELL_M * (np.arange(N_SHIFTS) - SHIFT_ZERO)

_NEAR_ROWS, _NEAR_M, _FEWEST_PIXELS = 8, 1.2, 30  # the asphalt before the car
_COLOUR_NOISE, _GREY_NOISE = 60.0, 100.0  # variances of a road's colour, in grey levels: light and shade are no edge
_LINE_CONTRAST = 40.0  # grey levels, of a line that is certain
_WEIGHT_LINE, _WEIGHT_EDGE = 0.15, 0.075  # of a pixel: neighbours tell nearly the same
_VARIANCE_LINE, _VARIANCE_EDGE = 0.03, 0.06
_SOFT_M = 0.15
SHARP_M = 6.0  # ahead: farther away a pixel shows more than a cell, and the more a wrong slope matters
_PICTURED = np.minimum(1.0, (SHARP_M / AHEAD_M) ** 2)  # (A,) how much of a cross-section's share a frame shows
_LEFT, _RIGHT = OFFSETS_M > -0.3, OFFSETS_M < 0.3


@dataclass(frozen=True)
class RoadMarks:
    """What is known of a road's cross-section; lengths from its centre line, each half alike.

    Attributes:
        half_width_m: Of the asphalt, as surveyed.
        edge_m: The edge of the asphalt, as seen.
        line_m: The painted line.
        bridge_edge_m: The edge of the deck of a bridge, as seen.
        has_edge_line: Whether there is one.
        has_centre_line: Whether there is one in the middle.
        may_end_at_line: Whether something else than asphalt may begin at the line: a kerb.
    """

    half_width_m: float
    edge_m: float
    line_m: float
    bridge_edge_m: float
    has_edge_line: bool
    has_centre_line: bool
    may_end_at_line: bool

    @classmethod
    def of(cls, track: Track) -> RoadMarks:
        """Those of a track, in the mean of its lap."""
        line_m = float(np.mean([track.width_left, track.width_right]))
        paint = track.paint
        edge_m = line_m + paint.paved_beyond_m
        return cls(
            half_width_m=edge_m,
            edge_m=edge_m,
            line_m=line_m,
            bridge_edge_m=edge_m,
            has_edge_line=paint.edge_line != "none",
            has_centre_line=paint.centre_line == "dashed",
            may_end_at_line=paint.paved_beyond_m > 0,
        )


class CrossSection:
    """Expected values at every offset, ready to be compared at every shift."""

    def __init__(self, marks: RoadMarks, line_spread_m: float = 0.15) -> None:
        self.half_width_m = marks.half_width_m
        ends = [marks.edge_m, marks.line_m + CELL_M] if marks.may_end_at_line else [marks.edge_m]
        self._edges, self._bridge_edge = [_edge_kernel(end) for end in ends], _edge_kernel(marks.bridge_edge_m)
        line = np.full(_PADDED_M.shape, 0.03)
        if marks.has_edge_line:
            line += 0.3 * np.exp(-0.5 * ((np.abs(_PADDED_M) - marks.line_m) / line_spread_m) ** 2)
        if marks.has_centre_line:
            line += 0.15 * np.exp(-0.5 * (_PADDED_M / line_spread_m) ** 2)
        self._line = _Kernel(line, _VARIANCE_LINE, _WEIGHT_LINE)

    def agreement(self, road: UnrolledRoad) -> FloatArray:
        """Log-likelihood (A, N_SHIFTS) of each cross-section, up to a constant, if it is shifted by `SHIFTS_M`."""
        unlike, line = unlike_asphalt(road), line_contrast(road)
        total = np.zeros((len(unlike), N_SHIFTS))
        for half in (_LEFT, _RIGHT):
            seen = np.where(road.seen & half, _PICTURED[:, None], 0.0)
            on_land = np.logaddexp.reduce([edge.agreement(unlike, seen) for edge in self._edges])
            on_bridge = self._bridge_edge.agreement(unlike, seen)
            total += np.where(road.on_bridge[:, None], on_bridge, on_land)
            total += self._line.agreement(line, seen)
        return total


class _Kernel:
    """Compares rows of values with expected ones, at every shift."""

    def __init__(self, expected: FloatArray, variance: float, weight: float) -> None:
        windows = np.lib.stride_tricks.sliding_window_view(expected, len(OFFSETS_M))
        scale = weight / (2 * variance)
        self._scale, self._linear, self._constant = scale, 2 * scale * windows.T, -scale * np.square(windows).T

    def agreement(self, values: FloatArray, seen: FloatArray) -> FloatArray:
        squares = (np.square(values) * seen).sum(axis=1, keepdims=True)
        return np.asarray((values * seen) @ self._linear + seen @ self._constant - self._scale * squares)


_PADDED_M = CELL_M * (np.arange(len(OFFSETS_M) + N_SHIFTS - 1) - (len(OFFSETS_M) + N_SHIFTS - 2) // 2)


def _edge_kernel(end_m: float) -> _Kernel:
    unlike = 0.05 + 0.75 / (1 + np.exp((end_m - np.abs(_PADDED_M)) / _SOFT_M))
    return _Kernel(unlike, _VARIANCE_EDGE, _WEIGHT_EDGE)


def unlike_asphalt(road: UnrolledRoad) -> FloatArray:
    """(A, D) in [0, 1]: how unlike the asphalt right before the car a pixel's colour is."""
    before = np.abs(OFFSETS_M - np.clip(road.offset_m, -3.5, 3.5)) < _NEAR_M
    pixels = road.colors[:_NEAR_ROWS, before][road.seen[:_NEAR_ROWS, before]]
    if len(pixels) < _FEWEST_PIXELS:
        return np.full(road.seen.shape, 0.4)
    spread = np.cov(pixels.T) + _COLOUR_NOISE * np.eye(3) + _GREY_NOISE
    away = road.colors - np.median(pixels, axis=0)
    distance = np.einsum("adi,ij,adj->ad", away, np.linalg.inv(spread), away)
    return np.asarray(1 - np.exp(-np.maximum(distance - 3, 0) / 8))


def line_contrast(road: UnrolledRoad) -> FloatArray:
    """(A, D) in [0, 1]: how much brighter or yellower than both sides a pixel is."""
    red, green, blue = np.moveaxis(road.colors, -1, 0)
    contrast = np.maximum(_ridge(red + green - 2 * blue), _ridge((red + green + blue) / 3))
    return np.clip(contrast / _LINE_CONTRAST, 0.0, 1.0).astype(np.float64)


def _ridge(values: FloatArray) -> FloatArray:
    """How far a pixel lies above what is 0.4 m to its left and right."""
    smooth = cv2.blur(np.ascontiguousarray(values), (3, 1), borderType=cv2.BORDER_REPLICATE)
    padded = np.pad(smooth, ((0, 0), (4, 4)), mode="edge")
    return np.asarray(smooth - np.maximum(padded[:, :-8], padded[:, 8:]))
