"""Changes of a look by steps: light, weather and texture, each at a level from 0, none, to 3, extreme. Pure.

Signs and directions are drawn; how large a change is follows from its level alone, so that a level is as hard for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulator_bridge.simulator.scene.colors import OVERCAST, clipped, mixed
from simulator_bridge.simulator.scene.pictures.textures import Rgb
from simulator_bridge.simulator.scene.themes import Look

LEVELS = (0, 1, 2, 3)
# at levels 0 to 3
DARKER, BRIGHTER = (1.0, 0.8, 0.6, 0.42), (1.0, 1.12, 1.25, 1.4)
SUN_TURNED_DEG, SUN_ELEVATION_DEG = (0.0, 50.0, 110.0, 180.0), (None, 32.0, 22.0, 13.0)
TINT = (0.0, 0.05, 0.11, 0.18)  # warmer or colder
HAZE = (0.0, 0.15, 0.4, 0.9)
VISIBILITY_M = (None, 260.0, 110.0, 50.0)
CLOUDS = (0.0, 0.4, 0.75, 1.0)
ASPHALT = (0.0, 0.14, 0.28, 0.45)  # darker or brighter by this share
GROUND = (0.0, 0.12, 0.25, 0.4)  # the other colours: brightness and, half of it, hue
GRAIN = (1.0, 1.4, 1.9, 2.6)
LINE_WEAR = (None, 0.35, 0.6, 0.85)


@dataclass(frozen=True)
class LookChange:
    """How a scene's look differs from its track's own; levels 0 to 3, drawn from a seed.

    Raises:
        ValueError: If a level is none of `LEVELS`.
    """

    light: int = 0
    weather: int = 0
    texture: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("light", "weather", "texture"):
            if getattr(self, name) not in LEVELS:
                raise ValueError(f"{name}: expected a level from 0 to 3, got {getattr(self, name)!r}")

    def __call__(self, look: Look) -> Look:
        """The changed look."""
        for_light, for_weather, for_texture = np.random.default_rng([self.seed, 11]).spawn(3)
        look = _change_texture(look, self.texture, for_texture)
        look = _change_weather(look, self.weather, for_weather)
        return _change_light(look, self.light, for_light)


def _change_light(look: Look, level: int, rng: np.random.Generator) -> Look:
    """Sun from another side and lower, darker or brighter, warmer or colder."""
    if level == 0:
        return look
    brightness = look.light.brightness * float(rng.choice([DARKER[level], BRIGHTER[level]]))
    turned = float(rng.choice([-1, 1])) * SUN_TURNED_DEG[level]
    tint = float(rng.choice([-1, 1])) * TINT[level] * np.array([1.0, 0.0, -1.0])
    light = replace(
        look.light,
        brightness=brightness,
        sun_azimuth_deg=look.light.sun_azimuth_deg + turned,
        sun_elevation_deg=SUN_ELEVATION_DEG[level] or look.light.sun_elevation_deg,
    )
    colors = {
        name: clipped(np.array(getattr(look, name)) * (1 + tint))
        for name in ("sky_top", "sky_horizon", "asphalt", "grass", "dirt", "rock", "shoulder", "water", "leaf")
    }
    sky = {name: clipped(np.array(colors[name]) * min(brightness, 1.1)) for name in ("sky_top", "sky_horizon")}
    return _recolored_look(replace(look, light=light), {**colors, **sky})


def _change_weather(look: Look, level: int, rng: np.random.Generator) -> Look:
    """Clouds, which take the shadows away, and fog, which takes the distance away."""
    if level == 0:
        return look
    clouds, shift = CLOUDS[level], float(rng.uniform(-12, 12))
    overcast = OVERCAST + shift
    return replace(
        look,
        clouds=max(look.clouds, clouds),
        fog_m=VISIBILITY_M[level],
        ambient=look.ambient + (0.85 - look.ambient) * 0.8 * clouds,
        sky_top=mixed(look.sky_top, overcast, 0.85 * clouds),
        sky_horizon=mixed(look.sky_horizon, overcast, 0.85 * clouds),
        haze_color=mixed(look.haze_color or look.sky_horizon, overcast, 0.85 * clouds),
        light=replace(
            look.light, haze=look.light.haze + HAZE[level], brightness=look.light.brightness * (1 - 0.2 * clouds)
        ),
    )


def _change_texture(look: Look, level: int, rng: np.random.Generator) -> Look:
    """Another asphalt, worn lines, other colours of land and plants."""
    if level == 0:
        return look
    asphalt = np.array(look.asphalt) * (1 + float(rng.choice([-1, 1])) * ASPHALT[level])
    colors = {
        name: _recolored(getattr(look, name), GROUND[level], rng)
        for name in ("grass", "dirt", "rock", "shoulder", "leaf")
    }
    changed = replace(look, grain=look.grain * GRAIN[level], line_wear=max(look.line_wear, LINE_WEAR[level] or 0.0))
    return _recolored_look(
        changed, {**colors, "asphalt": clipped(asphalt * (1 + rng.uniform(-1, 1, 3) * GROUND[level] / 4))}
    )


def _recolored_look(look: Look, colors: Mapping[str, Rgb]) -> Look:
    return replace(look, **colors)  # type: ignore[arg-type] # all of them are colours


def _recolored(color: Rgb, amount: float, rng: np.random.Generator) -> Rgb:
    hue = rng.choice([-1, 1], 3) * amount / 2
    return clipped(np.array(color) * (1 + float(rng.choice([-1, 1])) * amount) * (1 + hue))
