"""The strips beside the road and their widths. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track

ASPHALT_BEYOND_M = {1: 0.3, 2: 0.12}  # by the number of lanes: how far plain asphalt reaches beyond the road's edge
KERB_FROM_M = 0.1  # paved roadsides: the kerb begins right after the edge line
ANOTHER_PART_M = 45.0  # along the lap, at least, between two parts of a road that meet
ROOM_STEP_M = 0.25
PAVED_WIDER_M = 0.3  # than planned: kerb and strip are 1.1 m wide in real frames, seen from above
PAVED_SHOULDER_WIDER_M = 0.6  # than planned: real ones are about 2.1 m
KERBSTONE_M, KERBSTONE_HEIGHT_M = 1.25, 0.28  # of concrete, beside asphalt that goes on beyond its edge lines


@dataclass(frozen=True)
class Roadside:
    """Where the strips beside the road begin and end, metres beyond its edge; the same on both sides.

    Attributes:
        asphalt_to: Asphalt without a kerb ends here and the shoulder begins.
        kerb_from: Kerbs begin here.
        kerb_to: Kerbs end here and the shoulder begins.
        shoulder_to: The shoulder ends here and the verge begins.
        shoulder_height: Of the shoulder's outer edge above the road.
        has_strip: Whether the asphalt beyond the edge line is a separate strip, as wide as a kerb.
    """

    asphalt_to: float
    kerb_from: float
    kerb_to: float
    shoulder_to: float
    shoulder_height: float
    has_strip: bool


def roadside_of(track: Track, look: Look) -> Roadside:
    """The roadside of a track in a given look."""
    paint = track.paint
    paved_to = paint.paved_beyond_m
    if paved_to > 0:
        return Roadside(paved_to, KERB_FROM_M, paved_to, paved_to + KERBSTONE_M, KERBSTONE_HEIGHT_M, has_strip=True)
    if look.shoulder_paved and paint.lanes == 1:
        kerb_to = paint.kerb_width_m + PAVED_WIDER_M
        shoulder_to = kerb_to + paint.shoulder_width_m + PAVED_SHOULDER_WIDER_M
        return Roadside(kerb_to, KERB_FROM_M, kerb_to, shoulder_to, 0.03, has_strip=True)
    asphalt_to = ASPHALT_BEYOND_M.get(paint.lanes, 0.2)
    kerb_to = asphalt_to + paint.kerb_width_m
    return Roadside(asphalt_to, asphalt_to, kerb_to, kerb_to + paint.shoulder_width_m, -0.04, has_strip=False)


def room_beside(track: Track, up_to_m: float) -> tuple[FloatArray, FloatArray]:
    """How far (N,) strips may reach beyond the left and right edge, metres: half way to another part of the road."""
    left_normal = np.stack([-np.sin(track.heading), np.cos(track.heading)], axis=1)
    half = np.maximum(track.width_left, track.width_right)
    room = {1.0: np.full(len(track), up_to_m), -1.0: np.full(len(track), up_to_m)}
    on_land = np.flatnonzero(~track.features.overpass)  # strips may go below a bridge
    for index in range(len(track)):
        apart = np.abs(on_land - index)
        others = on_land[np.minimum(apart, len(track) - apart) * track.ds_m > ANOTHER_PART_M]
        distance = _distances(track.xy[others], track.xy[index])
        near = others[distance < half[index] + half[others] + 2 * up_to_m]
        if not len(near):
            continue
        for side, width in ((1.0, track.width_left[index]), (-1.0, track.width_right[index])):
            beyond = np.arange(0.0, up_to_m + ROOM_STEP_M, ROOM_STEP_M)
            places = track.xy[index] + side * (width + beyond)[:, None] * left_normal[index]
            to_other = _distances(places[:, None], track.xy[near]) - half[near]
            is_nearer = (to_other < beyond[:, None]).any(axis=1)
            if is_nearer.any():
                room[side][index] = beyond[max(int(is_nearer.argmax()) - 1, 0)]
    return room[1.0], room[-1.0]


def _distances(places: FloatArray, others: FloatArray) -> FloatArray:
    """Between points (..., 2) and (..., 2); several times as fast as a norm along so short an axis."""
    across, along = (places[..., axis] - others[..., axis] for axis in (0, 1))
    return np.sqrt(across * across + along * along)
