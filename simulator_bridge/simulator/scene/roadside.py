"""The strips beside the road and their widths. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track

ASPHALT_BEYOND_M = {1: 0.3, 2: 0.12}  # by the number of lanes: how far plain asphalt reaches beyond the road's edge
KERB_FROM_M = 0.1  # paved roadsides: the kerb begins right after the edge line
PAVED_WIDER_M = 0.3  # than planned: kerb and strip are 1.1 m wide in real frames, seen from above
PAVED_SHOULDER_WIDER_M = 0.6  # than planned: real ones are about 2.1 m


@dataclass(frozen=True)
class Roadside:
    """Where the strips beside the road begin and end, metres beyond its edge; the same on both sides.

    Attributes:
        asphalt_to: Asphalt without a kerb ends here and the shoulder begins.
        kerb_from: Kerbs begin here.
        kerb_to: Kerbs end here and the shoulder begins.
        shoulder_to: The shoulder ends here and the verge begins.
        has_strip: Whether the asphalt beyond the edge line is a separate strip, as wide as a kerb.
    """

    asphalt_to: float
    kerb_from: float
    kerb_to: float
    shoulder_to: float
    has_strip: bool


def roadside_of(track: Track, look: Look) -> Roadside:
    """The roadside of a track in a given look."""
    paint = track.paint
    if look.shoulder_paved and paint.lanes == 1:
        kerb_to = paint.kerb_width_m + PAVED_WIDER_M
        shoulder_to = kerb_to + paint.shoulder_width_m + PAVED_SHOULDER_WIDER_M
        return Roadside(kerb_to, KERB_FROM_M, kerb_to, shoulder_to, has_strip=True)
    asphalt_to = ASPHALT_BEYOND_M.get(paint.lanes, 0.2)
    kerb_to = asphalt_to + paint.kerb_width_m
    return Roadside(asphalt_to, asphalt_to, kerb_to, kerb_to + paint.shoulder_width_m, has_strip=False)
