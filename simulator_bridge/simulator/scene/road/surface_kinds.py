"""What roads and their shoulders are made of: asphalt, concrete, gravel, dirt. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray, Image, smoothstep
from simulator_bridge.simulator.scene.pictures import textures
from simulator_bridge.simulator.scene.pictures.textures import CONCRETE_MEAN, GROUND_MEAN, ROAD_TEXTURE_PX, Rgb
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track.track_plan import Shoulder, Surface

CONCRETE = np.array([172.0, 168.0, 158.0])
GRAVEL: Rgb = (150, 145, 134)
CONCRETE_GRAIN, CONCRETE_GRAINS = 9.0, 200
JOINT_PX, JOINT_TONE = 4, 0.72  # between the slabs of concrete
OLDER = np.array([1.22, 1.2, 1.16])  # old asphalt is paler
CRACK_TONE = 0.62
WHEEL_TRACKS, TRACK_WIDTH = (0.3, 0.7), 0.09  # of a dirt road, as shares of its width


@dataclass(frozen=True, eq=False)
class ShoulderLook:
    """A shoulder's mean colour, the grey detail to multiply it with, and that detail's mean."""

    color: Rgb
    detail: Image
    mean: float
    is_paved: bool


def is_asphalt(surface: Surface) -> bool:
    """Whether it is new or old asphalt."""
    return surface in ("asphalt", "old asphalt")


def surface_picture(surface: Surface, look: Look, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """A road's surface without lines, (512, 512, 3), and how much brighter it is from a distance."""
    if surface == "dirt":
        return _dirt(look, rng), 1.0
    if surface == "concrete":
        return _concrete(look, rng), 1.0
    asphalt = textures.asphalt(look.asphalt, look.grain, look.grains, look.streaks, rng)
    return (_cracked(asphalt * OLDER, rng) if surface == "old asphalt" else asphalt), look.asphalt_afar


def deck_picture(look: Look, rng: np.random.Generator) -> Image:
    """The surface of bridges."""
    if look.deck == "brick":
        return textures.picture(textures.brick(rng))
    return textures.picture(surface_picture(look.deck, look, rng)[0])


def shoulder_look(shoulder: Shoulder, look: Look, rng: np.random.Generator) -> ShoulderLook:
    """What a shoulder looks like; that of dirt and grass is a little darker than the land's."""
    if shoulder == "paved":
        color = look.shoulder if look.shoulder_paved else _rgb(0.95 * CONCRETE)
        return ShoulderLook(color, textures.concrete(rng), CONCRETE_MEAN, is_paved=True)
    colors: dict[Shoulder, Rgb] = {"gravel": GRAVEL, "dirt": look.dirt, "grass": _rgb(0.92 * np.array(look.grass))}
    contrast = 48.0 if shoulder == "gravel" else 30.0
    return ShoulderLook(colors[shoulder], textures.ground_detail(rng, contrast), GROUND_MEAN, is_paved=False)


def _concrete(look: Look, rng: np.random.Generator) -> FloatArray:
    """Slabs with joints across the road and one along its middle."""
    tone = np.mean(look.asphalt) / 116.0  # as bright for concrete as the track's asphalt is for asphalt
    base = textures.asphalt(_rgb(CONCRETE * np.clip(tone, 0.85, 1.15)), CONCRETE_GRAIN, CONCRETE_GRAINS, 1, rng)
    stains = 1 + 0.05 * textures.tiling_noise(ROAD_TEXTURE_PX, 5, 3, rng)
    base *= stains[..., None]
    middle = ROAD_TEXTURE_PX // 2
    base[:JOINT_PX] *= JOINT_TONE
    base[:, middle - JOINT_PX // 2 : middle + JOINT_PX // 2] *= JOINT_TONE
    return base


def _dirt(look: Look, rng: np.random.Generator) -> FloatArray:
    """Packed earth, paler where the wheels run."""
    base = textures.asphalt(_rgb(0.9 * np.array(look.dirt)), 13.0, 140, 1, rng)
    blots = 1 + 0.08 * textures.tiling_noise(ROAD_TEXTURE_PX, 7, 4, rng)
    across = (np.arange(ROAD_TEXTURE_PX) + 0.5) / ROAD_TEXTURE_PX
    to_wheels = np.abs(across[:, None] - np.array(WHEEL_TRACKS)).min(axis=1)
    wheels = np.exp(-((to_wheels / TRACK_WIDTH) ** 2))
    return np.asarray(base * blots[..., None] * (1 + 0.16 * wheels)[None, :, None])


def _cracked(base: FloatArray, rng: np.random.Generator) -> FloatArray:
    noise = textures.tiling_noise(ROAD_TEXTURE_PX, 6, 5, rng)
    where = textures.tiling_noise(ROAD_TEXTURE_PX, 5, 2, rng)
    crack = smoothstep((0.05 - np.abs(noise)) / 0.05) * smoothstep((where - 0.2) / 0.5)
    return np.asarray(base * (1 - (1 - CRACK_TONE) * crack[..., None]))


def _rgb(values: FloatArray) -> Rgb:
    red, green, blue = values.tolist()
    return red, green, blue
