"""A place on a road in words."""

from __future__ import annotations

import math

import numpy as np

from simulator_bridge.track.track import Track

BEND_RADIUS_M = 150.0  # a road that is less bent is straight
ABOUT_M = 6.0  # to either side of the place: what it bends there on average


def describe_road(track: Track, s_m: float) -> str:
    """What the road does at a place.

    >>> from simulator_bridge.track import build_track
    >>> lake = build_track("lake")
    >>> describe_road(lake, 10.0), describe_road(lake, float("nan"))
    ('bend to the left, R 56 m', 'an unknown place')

    Args:
        track: In the direction driven.
        s_m: Along it; NaN: not known.
    """
    if not math.isfinite(s_m):
        return "an unknown place"
    places = s_m + np.linspace(-ABOUT_M, ABOUT_M, 13)
    curvature = float(np.mean([track.at(track.curvature, float(place)) for place in places]))
    on_bridge = bool(track.features.bridge[int(s_m % track.length_m / track.ds_m) % len(track)])
    suffix = ", on the bridge" if on_bridge else ""
    if abs(curvature) < 1 / BEND_RADIUS_M:
        return f"straight{suffix}"
    return f"bend to the {'left' if curvature > 0 else 'right'}, R {1 / abs(curvature):.0f} m{suffix}"
