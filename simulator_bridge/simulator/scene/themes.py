"""The look of a world: colours, light, haze and plants of each theme. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from simulator_bridge.simulator.scene.hood import HoodLook
from simulator_bridge.simulator.scene.layers import FloatArray
from simulator_bridge.simulator.scene.pictures.sprites import Plant
from simulator_bridge.simulator.scene.pictures.textures import Rgb
from simulator_bridge.track import Light, Theme

Deck = Literal["brick", "concrete", "asphalt"]


@dataclass(frozen=True)
class Look:
    """The appearance of a scene; colours 0 to 255, as on flat ground in the sun."""

    sky_top: Rgb
    sky_horizon: Rgb
    asphalt: Rgb
    grain: float  # standard deviation of the asphalt's grey values
    grains: int  # along a side of its texture, some 8 m: fewer are coarser
    grass: Rgb
    dirt: Rgb
    rock: Rgb
    shoulder: Rgb
    shoulder_paved: bool
    water: Rgb
    leaf: Rgb
    trees: tuple[Plant, ...]
    bushes: tuple[Plant, ...]
    trees_per_ha: float
    bushes_per_km: float  # along each side of the road
    rocks_per_km: float
    hill_m: float  # height of the hills
    cliff_m: float
    ambient: float  # light in the shadow, as a share of the light in the sun
    shade_tint: tuple[float, float, float] = (1.0, 1.0, 1.0)  # red, green, blue of that light; the sun has the rest
    haze_color: Rgb | None = None  # None: that of the sky at the horizon
    streaks: int = 1  # how many times longer the asphalt's grains are along the road than across it
    asphalt_afar: float = 1.0  # how much brighter it is from a distance
    far_hills_deg: float = 3.6  # height of the hills on the horizon
    far_haze_m: float = 420.0  # distance that the haze of the farthest of them is for
    far_wood: float = 0.5  # density of trees on them, 1 = the lake's
    far_crags: float = 0.0  # pinnacles among them
    far_relief: float = 0.25  # contrast of their rock
    crags: float = 0.0  # share of the land near the road that is cliff, besides the track's own cliffs
    tree_shadows_per_km: float = 0.0
    has_pylons: bool = False
    has_posts: bool = False
    line_white: Rgb = (244, 244, 240)
    line_yellow: Rgb = (176, 156, 62)
    line_wear: float = 0.15
    kerb_red: Rgb = (208, 84, 78)
    kerb_white: Rgb = (226, 214, 200)
    wall: Rgb = (26, 25, 27)  # of bridges
    deck: Deck = "brick"  # the surface of bridges
    hood: HoodLook = field(default_factory=HoodLook)  # of the car
    clouds: float = 0.0  # 0 = blue sky, 1 = overcast
    fog_m: float | None = None  # visibility; None: clear
    light: Light = field(default_factory=Light)

    @property
    def sun(self) -> FloatArray:
        """Unit vector (3,) towards the sun."""
        azimuth, elevation = math.radians(self.light.sun_azimuth_deg), math.radians(self.light.sun_elevation_deg)
        flat = math.cos(elevation)
        return np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])

    def light_on(self, normals: FloatArray, shadow: FloatArray | float = 0.0) -> FloatArray:
        """Light (..., 3) on surfaces with normals (..., 3), 1 on flat ground in clear sun; shadow from 0 to 1."""
        toward_sun = np.clip(normals @ self.sun, 0.0, None) / self.sun[2]
        facing_sky = 0.75 + 0.25 * normals[..., 2]
        shade = self.ambient * np.array(self.shade_tint)
        direct = toward_sun * (1 - np.asarray(shadow))
        return np.asarray(self.light.brightness * (facing_sky[..., None] * shade + direct[..., None] * (1 - shade)))

    def through_haze(self, rgb: FloatArray, distance_m: FloatArray) -> FloatArray:
        """Colours (..., 3) as seen from the road over a distance (...)."""
        share = 1 - np.exp(-np.maximum(distance_m, 0.0) * self.light.haze / 55.0)
        haze = np.array(self.haze_color or self.sky_horizon)
        return np.asarray(rgb + (haze - rgb) * share[..., None])


LOOKS: dict[Theme, Look] = {
    "lake": Look(
        sky_top=(112, 144, 196),
        sky_horizon=(194, 210, 222),
        asphalt=(116, 113, 98),
        grain=26.0,
        grains=190,
        streaks=3,
        asphalt_afar=1.25,
        haze_color=(138, 172, 208),
        grass=(172, 160, 56),
        dirt=(176, 124, 72),
        rock=(176, 168, 132),
        shoulder=(200, 196, 175),
        shoulder_paved=True,
        water=(176, 200, 228),
        leaf=(104, 104, 56),
        trees=("pine", "pine", "pine", "broadleaf"),
        bushes=("bush", "bush", "reed"),
        trees_per_ha=60.0,
        bushes_per_km=70.0,
        rocks_per_km=22.0,
        hill_m=17.0,
        cliff_m=9.0,
        ambient=0.45,
        shade_tint=(0.9, 1.02, 1.1),
        far_hills_deg=6.5,
        far_wood=1.0,
        has_pylons=True,
        line_yellow=(196, 180, 52),
        kerb_red=(206, 92, 84),
    ),
    "jungle": Look(
        sky_top=(56, 86, 142),
        sky_horizon=(116, 146, 194),
        asphalt=(150, 149, 143),
        grain=22.0,
        grains=230,
        streaks=6,
        asphalt_afar=1.12,
        line_wear=0.2,
        grass=(98, 112, 52),
        dirt=(124, 104, 78),
        rock=(112, 112, 92),
        shoulder=(98, 110, 52),
        shoulder_paved=False,
        water=(96, 124, 150),
        leaf=(70, 84, 46),
        trees=("palm", "palm", "palm", "broadleaf"),
        bushes=("bush", "palm"),
        trees_per_ha=46.0,
        bushes_per_km=40.0,
        rocks_per_km=8.0,
        hill_m=26.0,
        cliff_m=20.0,
        ambient=0.31,
        crags=0.55,
        tree_shadows_per_km=14.0,
        far_hills_deg=6.0,
        far_wood=0.7,
        far_haze_m=130.0,
        far_crags=0.9,
        far_relief=0.6,
        has_posts=True,
    ),
    "desert": Look(
        sky_top=(98, 140, 196),
        sky_horizon=(214, 204, 186),
        asphalt=(122, 116, 108),
        grain=14.0,
        grains=150,
        grass=(190, 158, 108),
        dirt=(196, 156, 108),
        rock=(176, 124, 88),
        shoulder=(198, 164, 118),
        shoulder_paved=False,
        water=(120, 160, 176),
        leaf=(86, 100, 62),
        trees=("cactus", "bush"),
        bushes=("bush", "cactus"),
        trees_per_ha=9.0,
        bushes_per_km=30.0,
        rocks_per_km=36.0,
        hill_m=20.0,
        cliff_m=14.0,
        ambient=0.46,
    ),
    "autumn": Look(
        sky_top=(120, 136, 164),
        sky_horizon=(206, 202, 196),
        asphalt=(96, 96, 98),
        grain=12.0,
        grains=150,
        grass=(122, 108, 52),
        dirt=(120, 92, 62),
        rock=(126, 120, 110),
        shoulder=(136, 112, 70),
        shoulder_paved=False,
        water=(128, 146, 164),
        leaf=(152, 88, 34),
        trees=("broadleaf", "broadleaf", "pine"),
        bushes=("bush", "reed"),
        trees_per_ha=34.0,
        bushes_per_km=50.0,
        rocks_per_km=12.0,
        hill_m=20.0,
        cliff_m=10.0,
        ambient=0.52,
    ),
}
