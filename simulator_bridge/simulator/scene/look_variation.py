"""The look of a track in a weather: that of its theme, for random tracks varied by the track's own chance. Pure."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import get_args

import numpy as np

from simulator_bridge.simulator.scene.colors import OVERCAST, clipped, mixed
from simulator_bridge.simulator.scene.hood import HoodLook
from simulator_bridge.simulator.scene.pictures.textures import Rgb
from simulator_bridge.simulator.scene.renderer import SimulatorError
from simulator_bridge.simulator.scene.scene_options import WEATHERS
from simulator_bridge.simulator.scene.themes import LOOKS, Deck, Look
from simulator_bridge.track import Light, Track

KERB_COLORS: tuple[tuple[Rgb, Rgb], ...] = (
    ((208, 84, 78), (226, 214, 200)),
    ((70, 96, 168), (224, 222, 214)),
    ((64, 62, 60), (222, 190, 62)),
    ((72, 128, 84), (226, 222, 208)),
)
HOOD_PAINTS: tuple[Rgb, ...] = (  # upper paint
    (142, 134, 112),
    (150, 38, 34),
    (44, 66, 120),
    (38, 40, 44),
    (206, 206, 204),
    (60, 92, 70),
    (196, 158, 52),
    (120, 124, 130),
)
HOOD_LOWER = np.array([1.21, 1.09, 0.96])  # the lower paint as factors on the upper one: it mirrors the sky less
NO_HOOD_CHANCE = 0.15
HOOD_RAISED_PX = (-7.0, 2.0)


def build_look(track: Track, weather: str, rng: np.random.Generator) -> Look:
    """The look of a track in a given weather.

    Args:
        track: Its theme and light; if it has sections, also the colours, sky and hood of its own.
        weather: `clear`: that look unchanged; `random`: other sun, haze, colours and plants.
        rng: For `random`.

    Raises:
        SimulatorError: If there is no such weather.
    """
    if weather not in WEATHERS:
        raise SimulatorError(f"unknown weather {weather!r}: expected one of {', '.join(WEATHERS)}")
    look = replace(LOOKS[track.theme], light=track.light)
    if track.sections is not None:
        look = _own_look(look, np.random.default_rng([20_262, zlib.crc32(track.place.encode())]))
    return look if weather == "clear" else _in_random_weather(look, rng)


def _own_look(look: Look, rng: np.random.Generator) -> Look:
    """The look of one track among many: other colours, asphalt, clouds and hood than its theme has."""
    clouds = float(rng.choice([0.0, rng.uniform(0.15, 0.6), 0.9], p=[0.5, 0.35, 0.15]))
    kerb_red, kerb_white = KERB_COLORS[int(rng.choice(len(KERB_COLORS), p=[0.55, 0.15, 0.15, 0.15]))]
    look = _vary_colors(look, clouds, rng)
    return replace(
        look,
        asphalt=_jitter(look.asphalt, 0.25, rng),
        grains=int(rng.integers(110, 260)),
        streaks=int(rng.choice([1, 1, 3, 6])),
        asphalt_afar=float(rng.uniform(0.98, 1.25)),
        far_hills_deg=look.far_hills_deg * float(rng.uniform(0.5, 1.6)),
        kerb_red=kerb_red,
        kerb_white=kerb_white,
        wall=((26, 25, 27), (150, 146, 138), (112, 84, 66))[int(rng.integers(3))],
        deck=get_args(Deck)[int(rng.integers(len(get_args(Deck))))],
        has_pylons=bool(rng.random() < 0.35),
        has_posts=bool(rng.random() < 0.4),
        hood=_hood(rng),
    )


def _hood(rng: np.random.Generator) -> HoodLook:
    top = _jitter(HOOD_PAINTS[int(rng.integers(len(HOOD_PAINTS)))], 0.12, rng)
    is_there = bool(rng.random() >= NO_HOOD_CHANCE)
    return HoodLook(top, clipped(np.array(top) * HOOD_LOWER), float(rng.uniform(*HOOD_RAISED_PX)), is_there)


def _in_random_weather(look: Look, rng: np.random.Generator) -> Look:
    clouds = float(rng.choice([0.0, rng.uniform(0.2, 0.7), 1.0], p=[0.4, 0.4, 0.2]))
    light = Light(
        sun_azimuth_deg=float(rng.uniform(0, 360)),
        sun_elevation_deg=float(rng.uniform(22, 75)),
        brightness=float(rng.uniform(0.72, 1.12)) * (1 - 0.15 * clouds),
        haze=float(np.clip(look.light.haze + rng.exponential(0.12), 0.02, 0.7)),
    )
    return replace(_vary_colors(look, clouds, rng), light=light)


def _vary_colors(look: Look, clouds: float, rng: np.random.Generator) -> Look:
    """Other colours and clouds, other plants and more or fewer of them, other hills."""
    return replace(
        look,
        clouds=clouds,
        ambient=look.ambient + (0.85 - look.ambient) * 0.8 * clouds,
        sky_top=mixed(_jitter(look.sky_top, 0.12, rng), OVERCAST, 0.8 * clouds),
        sky_horizon=mixed(_jitter(look.sky_horizon, 0.08, rng), OVERCAST, 0.8 * clouds),
        asphalt=_jitter(look.asphalt, 0.18, rng),
        grain=look.grain * float(rng.uniform(0.6, 1.4)),
        grass=_jitter(look.grass, 0.18, rng),
        dirt=_jitter(look.dirt, 0.15, rng),
        rock=_jitter(look.rock, 0.15, rng),
        shoulder=_jitter(look.shoulder, 0.12, rng),
        water=_jitter(look.water, 0.15, rng),
        leaf=_jitter(look.leaf, 0.25, rng),
        line_wear=float(rng.uniform(0.0, 0.55)),
        trees_per_ha=look.trees_per_ha * float(rng.uniform(0.4, 1.6)),
        bushes_per_km=look.bushes_per_km * float(rng.uniform(0.3, 1.6)),
        rocks_per_km=look.rocks_per_km * float(rng.uniform(0.3, 1.6)),
        hill_m=look.hill_m * float(rng.uniform(0.5, 1.4)),
    )


def _jitter(color: Rgb, spread: float, rng: np.random.Generator) -> Rgb:
    """The colour a little brighter or darker, and a little of another hue."""
    factors = rng.uniform(1 - spread, 1 + spread) * rng.uniform(1 - spread / 3, 1 + spread / 3, 3)
    return clipped(np.array(color) * factors)
