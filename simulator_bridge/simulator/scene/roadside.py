"""What lies beside the road, strip by strip, and how wide each strip is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track

ASPHALT_BEYOND_M = {1: 0.3, 2: 0.12}  # by lanes: how far plain asphalt reaches beyond the road's edge
KERB_FROM_M = 0.1  # paved roadsides: the kerb begins right behind the edge line
PAVED_WIDER_M = 0.3  # than the plan says: kerb and strip are 1.1 m wide in real frames, seen from above
PAVED_SHOULDER_WIDER_M = 0.6  # than the plan says: real ones are about 2.1 m


@dataclass(frozen=True)
class Roadside:
    """Metres beyond the road's edge at which the strips beside it begin and end; the same on both sides.

    Attributes:
        asphalt_to: Asphalt without a kerb ends here and the shoulder begins.
        kerb_from: Kerbs begin here.
        kerb_to: Kerbs end here and the shoulder begins.
        shoulder_to: The shoulder ends here and the verge begins.
        has_strip: Whether the asphalt beyond the edge line is a strip of its own, as wide as a kerb.
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
