"""Closed curves in the plane: even sampling, smoothing, curvature, rounded corners, crossings. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator_bridge.track.track_plan import BoolArray, FloatArray, TrackError

BRIDGE_CLEARANCE_M = 5.0  # height between two parts of a road of which one is a bridge over the other
ABUTMENT_M = 3.0  # of a bridge, beyond the road below

Corner = tuple[float, float, float]
"""x (m), y (m) where two straights cross, and the radius (m) of the arc that joins them."""


def arc_lengths(xy: FloatArray) -> FloatArray:
    """Distance along a closed polyline: xy (N, 2) -> (N + 1,) metres; the last is the whole lap."""
    steps = np.linalg.norm(np.roll(xy, -1, axis=0) - xy, axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def interpolate_closed(s: FloatArray, lengths: FloatArray, values: FloatArray) -> FloatArray:
    """Linear interpolation of values (N,) or (N, K), given at `lengths[:-1]`, at distances `s` around the lap."""
    columns = np.concatenate([values, values[:1]]).reshape(len(values) + 1, -1)
    wrapped = np.mod(s, lengths[-1])
    result = np.stack([np.interp(wrapped, lengths, column) for column in columns.T], axis=-1)
    return result.reshape(np.shape(s) + values.shape[1:])


def spline_closed(xy: FloatArray, per_segment: int) -> FloatArray:
    """Closed Catmull-Rom curve through xy (N, 2): (N * per_segment, 2), with the given points."""
    before, after, after2 = np.roll(xy, 1, axis=0), np.roll(xy, -1, axis=0), np.roll(xy, -2, axis=0)
    t = (np.arange(per_segment) / per_segment)[None, :, None]
    p0, p1, p2, p3 = (points[:, None, :] for points in (before, xy, after, after2))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    return np.asarray(curve.reshape(-1, 2))


def smooth_closed(values: FloatArray, sigma: float) -> FloatArray:
    """Gaussian smoothing around the lap: values (N,) or (N, K), sigma in samples."""
    if sigma <= 0:
        return values
    frequency = np.fft.rfftfreq(len(values))
    gain = np.exp(-2.0 * (np.pi * frequency * sigma) ** 2)
    gain = gain.reshape((-1,) + (1,) * (values.ndim - 1))
    return np.asarray(np.fft.irfft(np.fft.rfft(values, axis=0) * gain, n=len(values), axis=0))


def headings(xy: FloatArray) -> FloatArray:
    """Direction (N,) of a closed curve at its points, radians in (-pi, pi], counter-clockwise from +x."""
    tangent = np.roll(xy, -1, axis=0) - np.roll(xy, 1, axis=0)
    return np.arctan2(tangent[:, 1], tangent[:, 0])


def curvatures(xy: FloatArray) -> FloatArray:
    """Signed curvature (N,) in 1/m of a closed curve sampled evenly, + where it bends left."""
    ahead = np.roll(xy, -1, axis=0) - xy
    directions = np.arctan2(ahead[:, 1], ahead[:, 0])
    turn = wrap_angle(directions - np.roll(directions, 1))
    length = 0.5 * (np.linalg.norm(ahead, axis=1) + np.linalg.norm(np.roll(ahead, 1, axis=0), axis=1))
    return np.asarray(turn / length)


def wrap_angle(angle: FloatArray) -> FloatArray:
    """Angles wrapped to [-pi, pi)."""
    return np.asarray(np.mod(angle + np.pi, 2 * np.pi) - np.pi)


def rounded_polygon(corners: Sequence[Corner], spacing_m: float = 0.5) -> FloatArray:
    """A closed road of straights and arcs: (N, 2) metres, about `spacing_m` apart.

    Raises:
        TrackError: If two neighbouring arcs are longer than the straight between their corners allows.
    """
    points = np.array([corner[:2] for corner in corners], dtype=np.float64)
    radii = np.array([corner[2] for corner in corners], dtype=np.float64)
    turns, tangents = polygon_turns(points, radii)
    sides = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    if np.any(tangents + np.roll(tangents, -1) > sides):
        worst = int(np.argmax(tangents + np.roll(tangents, -1) - sides))
        raise TrackError(f"corners {worst} and {(worst + 1) % len(points)} are too close for their radii")
    pieces = []
    for index, point in enumerate(points):
        back = points[index - 1] - point
        enter = point + back / np.linalg.norm(back) * tangents[index]
        start_angle = np.arctan2(-back[1], -back[0])
        pieces.append(_arc(enter, start_angle, turns[index], radii[index], spacing_m))
    return _fill_straights(pieces, spacing_m)


def polygon_turns(points: FloatArray, radii: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn at every corner (N,) in radians, + = left, and the length (N,) of each straight that its arc replaces, m."""
    out = np.roll(points, -1, axis=0) - points
    directions = np.arctan2(out[:, 1], out[:, 0])
    turns = wrap_angle(directions - np.roll(directions, 1))
    return turns, np.asarray(radii * np.tan(np.abs(turns) / 2))


def _arc(enter: FloatArray, heading: float, turn: float, radius: float, spacing_m: float) -> FloatArray:
    side = 1.0 if turn >= 0 else -1.0
    centre = enter + side * radius * np.array([-np.sin(heading), np.cos(heading)])
    angles = heading + np.linspace(0.0, turn, max(2, int(abs(turn) * radius / spacing_m) + 1))
    return np.asarray(centre + side * radius * np.stack([np.sin(angles), -np.cos(angles)], axis=-1))


def _fill_straights(arcs: list[FloatArray], spacing_m: float) -> FloatArray:
    pieces = []
    for index, arc in enumerate(arcs):
        goal = arcs[(index + 1) % len(arcs)][0]
        n_steps = max(1, int(np.linalg.norm(goal - arc[-1]) / spacing_m))
        fractions = np.arange(1, n_steps)[:, None] / n_steps
        pieces += [arc, arc[-1] + fractions * (goal - arc[-1])]
    return np.concatenate(pieces)


def closest_approach(
    xy: FloatArray, z: FloatArray, reach: FloatArray, ds_m: float, margin_m: float
) -> tuple[int, int] | None:
    """Where a road overlaps itself, and is no bridge over itself.

    Args:
        xy: (N, 2) metres, evenly spaced, closed.
        z: (N,) metres.
        reach: (N,) metres from the centre line to the farther edge.
        ds_m: Spacing of the points.
        margin_m: Least free ground between two parts of the road.

    Returns:
        The two indices where the road overlaps most; None if it does not.
    """
    step = max(1, round(3.0 / ds_m))
    index = np.arange(0, len(xy), step)
    points, half = xy[index], reach[index]
    needed = half[:, None] + half[None, :] + margin_m
    distance = np.linalg.norm(points[:, None, :] - points[None, :, :], axis=2)
    apart = np.abs(index[:, None] - index[None, :])
    apart = np.minimum(apart, len(xy) - apart) * ds_m
    # points next to each other are always close: only parts farther along than a half turn of that size count
    is_bridge = np.abs(z[index][:, None] - z[index][None, :]) >= BRIDGE_CLEARANCE_M
    overlap = np.where((apart > 0.5 * np.pi * needed) & ~is_bridge, needed - distance, -np.inf)
    worst = int(np.argmax(overlap))
    if overlap.flat[worst] <= 0:
        return None
    first, second = sorted((int(index[worst // len(index)]), int(index[worst % len(index)])))
    return first, second


def over_itself(xy: FloatArray, z: FloatArray, reach: FloatArray) -> BoolArray:
    """Which points (N,) of a road are on a bridge over another part of it; arguments as of `closest_approach`."""

    def is_over(point: FloatArray, height: float, half: float) -> bool:
        below = z <= height - BRIDGE_CLEARANCE_M
        squared = np.sum((xy[below] - point) ** 2, axis=1)
        return bool(np.any(squared < (half + reach[below] + ABUTMENT_M) ** 2))

    return np.array([is_over(*each) for each in zip(xy, z, reach, strict=True)], dtype=np.bool_)
