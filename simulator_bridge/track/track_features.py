"""What is along a road: kerbs, bridges, water. Flags for each centre line point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from simulator_bridge.track.track_geometry import smooth_closed
from simulator_bridge.track.track_plan import BoolArray, FloatArray, Stretch, Stretches

KERB_RADIUS_M = 60.0  # bends sharper than this have kerbs, unless the plan sets them

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Features:
    """What is along the road: flags (N,), one for each centre line point. Left and right in driving direction."""

    kerb_left: BoolArray
    kerb_right: BoolArray
    bridge: BoolArray
    turn_off_left: BoolArray  # a dirt road leaves: no edge line and no kerb on that side
    turn_off_right: BoolArray
    water_left: BoolArray
    water_right: BoolArray
    cliff_left: BoolArray
    cliff_right: BoolArray
    shade: BoolArray
    rail_left: BoolArray  # a guard rail
    rail_right: BoolArray
    overpass: BoolArray  # a bridge over another part of the road

    def reversed(self) -> Features:
        """The same road driven in the other direction; point 0 stays point 0."""
        return Features(
            kerb_left=backwards(self.kerb_right),
            kerb_right=backwards(self.kerb_left),
            bridge=backwards(self.bridge),
            turn_off_left=backwards(self.turn_off_right),
            turn_off_right=backwards(self.turn_off_left),
            water_left=backwards(self.water_right),
            water_right=backwards(self.water_left),
            cliff_left=backwards(self.cliff_right),
            cliff_right=backwards(self.cliff_left),
            shade=backwards(self.shade),
            rail_left=backwards(self.rail_right),
            rail_right=backwards(self.rail_left),
            overpass=backwards(self.overpass),
        )

    def without_kerbs(self, where: BoolArray) -> Features:
        """The same without kerbs at the points `where` (N,)."""
        return replace(self, kerb_left=self.kerb_left & ~where, kerb_right=self.kerb_right & ~where)


def features_along(stretches: Stretches, curvature: FloatArray, ds_m: float, overpass: BoolArray) -> Features:
    """The features of a plan at every centre line point (N,), where `overpass` is known from the road's heights."""
    n = len(curvature)
    fraction = np.arange(n) / n

    def flags(where: tuple[Stretch, ...]) -> BoolArray:
        covered = np.zeros(n, dtype=np.bool_)
        for stretch in where:
            covered |= stretch.covers(fraction)
        return covered

    bend = np.abs(smooth_closed(curvature, 6.0 / ds_m)) > 1.0 / KERB_RADIUS_M
    bridge = flags(stretches.bridge)
    turn_off_left, turn_off_right = flags(stretches.turn_off_left), flags(stretches.turn_off_right)
    kerb_left = bend if stretches.kerb_left is None else flags(stretches.kerb_left)
    kerb_right = bend if stretches.kerb_right is None else flags(stretches.kerb_right)
    return Features(
        kerb_left=kerb_left & ~bridge & ~turn_off_left,
        kerb_right=kerb_right & ~bridge & ~turn_off_right,
        bridge=bridge,
        turn_off_left=turn_off_left,
        turn_off_right=turn_off_right,
        water_left=flags(stretches.water_left),
        water_right=flags(stretches.water_right),
        cliff_left=flags(stretches.cliff_left),
        cliff_right=flags(stretches.cliff_right),
        shade=flags(stretches.shade) & ~overpass,
        rail_left=flags(stretches.rail_left) & ~bridge & ~turn_off_left,
        rail_right=flags(stretches.rail_right) & ~bridge & ~turn_off_right,
        overpass=overpass,
    )


def backwards(values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Per-point values (N, ...) of the lap driven in the other direction; the first stays the first."""
    return np.roll(values[::-1], 1, axis=0)
