"""The background: the sky and a ring of hills on the horizon, drawn around the camera. Pure numpy."""

from __future__ import annotations

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray, Image, Label, Layer, grid_mesh, smoothstep
from simulator_bridge.simulator.scene.pictures import sprites
from simulator_bridge.simulator.scene.pictures.textures import picture, tiling_noise
from simulator_bridge.simulator.scene.themes import Look

DISTANCE_M = 100.0  # has no effect: it is drawn first, behind everything
SKY_SIDES, RING_SIDES = 24, 36
TOP_AT_DEG = 28.0  # above this the sky has its full colour
RING_DEG = 14.0  # height of the ring's picture above the horizon
RING_PX = (128, 2048)  # rows and columns of it
BELOW_DEG = -9.0  # lower end of the ring, in the colour of its lowest row
RING_NOISE_PX = 512
FAR_TREES = 700  # on a ring with as many trees as the lake's
FAR_TREE_PX = (10, 19)  # their height


def backdrop_layers(look: Look, rng: np.random.Generator) -> list[Layer]:
    """The sky, then the hills in front of it."""
    return [_sky(look, rng), _hills(look, rng)]


def _sky(look: Look, rng: np.random.Generator) -> Layer:
    elevation = np.radians([-12.0, 0.0, 3.0, 6.0, 10.0, 15.0, 21.0, 28.0, 45.0, 90.0])
    azimuth = np.linspace(0, 2 * np.pi, SKY_SIDES + 1)
    points = _on_sphere(azimuth, elevation)
    height = smoothstep(np.degrees(elevation) / TOP_AT_DEG) ** 0.75
    colors = np.array(look.sky_horizon) + height[:, None] * (np.array(look.sky_top) - np.array(look.sky_horizon))
    uv = np.dstack(np.broadcast_arrays(-azimuth / (2 * np.pi) * 3, (np.sin(elevation) * 1.5)[:, None]))
    texture = np.full((8, 8, 3), 255.0)
    if look.clouds:
        cover = smoothstep((tiling_noise(256, 5, 5, rng) + 2.2 * look.clouds - 0.9) / 2.2)
        texture = np.repeat((255 - 70 * look.clouds * cover)[..., None], 3, axis=2)
    brightness = min(1.0, 0.25 + 0.75 * look.light.brightness)
    mesh = grid_mesh(points, uv, colors[:, None] / 255 * brightness)
    return Layer("sky", mesh, picture(texture), Label.SKY, two_sided=True)


def _hills(look: Look, rng: np.random.Generator) -> Layer:
    image, label = _ring(look, rng)
    azimuth = np.linspace(0, 2 * np.pi, RING_SIDES + 1)
    points = _on_sphere(azimuth, np.radians([BELOW_DEG, 0.0, RING_DEG]))
    lowest = 0.5 / len(image)  # the middle of the lowest row
    v = np.array([lowest, lowest, 1 - lowest])[:, None]
    mesh = grid_mesh(points, np.dstack(np.broadcast_arrays(azimuth / (2 * np.pi), v)), np.ones(3))
    return Layer("far hills", mesh, image, label, two_sided=True)


def _ring(look: Look, rng: np.random.Generator) -> tuple[Image, Image]:
    """The hills all around as a cut-out picture, and its classes: several ridges, the farther the hazier."""
    rows, columns = RING_PX
    height = (rows - 0.5 - np.arange(rows))[:, None] / rows * RING_DEG  # of each row, degrees
    rgb, label = np.zeros((rows, columns, 3)), np.full((rows, columns), Label.TERRAIN, np.uint8)
    there = np.zeros((rows, columns), bool)
    there[-1] = True
    rgb[-1] = _ridge_tone(look, 0.25)
    streaks = np.tile(tiling_noise(RING_NOISE_PX, 64, 3, rng), (1, columns // RING_NOISE_PX))[:rows]
    for distance, top in ((1.0, 1.0), (0.6, 0.8), (0.25, 0.4)):
        ridge = _ridge(look, rng) * top
        tone = _ridge_tone(look, distance)
        here = height < ridge
        shade = 1 + look.far_relief * (1.1 - distance) * (streaks - 0.5 * smoothstep((ridge - height) / 2))
        rgb[here] = (tone * shade[..., None])[here]
        label[here] = Label.TERRAIN
        there |= here
        _plant_trees(look, rng, ridge, distance, rgb, label, there)
    return np.dstack([np.clip(rgb, 0, 255), 255.0 * there]).astype(np.uint8), label


def _ridge(look: Look, rng: np.random.Generator) -> FloatArray:
    """Elevation of a ridge in degrees, for every column of the ring."""
    columns = RING_PX[1]
    shape = tiling_noise(256, 8, 4, rng)[0]
    smooth = np.interp(np.arange(columns) * 256 / columns, np.arange(257), [*shape, shape[0]])
    crags = np.tile(np.clip(tiling_noise(RING_NOISE_PX, 22, 3, rng)[0], 0, None) ** 0.7, columns // RING_NOISE_PX)
    return np.asarray(look.far_hills_deg * np.clip(0.55 + 0.3 * smooth + look.far_crags * crags, 0.08, 2.0))


def _ridge_tone(look: Look, distance: float) -> FloatArray:
    green = 0.55 * np.array(look.grass) + 0.45 * np.array(look.rock)
    return np.asarray(look.through_haze(green, np.array(distance * look.far_haze_m)) * look.light.brightness)


def _plant_trees(
    look: Look, rng: np.random.Generator, ridge: FloatArray, distance: float, rgb: FloatArray, label: Image,
    there: sprites.BoolArray,
) -> None:  # fmt: skip
    """Draw far trees on a ridge, in place."""
    rows, columns = RING_PX
    kinds = [sprites.plant(kind, look.leaf, rng) for kind in dict.fromkeys(look.trees)]
    for _ in range(int(FAR_TREES / 3 * look.far_wood)):
        image = kinds[rng.integers(len(kinds))]
        size = int(rng.integers(*FAR_TREE_PX) * (1.25 - 0.6 * distance))
        width = max(2, size * image.shape[1] // image.shape[0])
        small = image[(np.arange(size) + 0.5).astype(int) * len(image) // size]
        small = small[:, (np.arange(width) + 0.5).astype(int) * image.shape[1] // width]
        left = int(rng.integers(columns - width))
        foot = rows - int(ridge[left + width // 2] * rng.uniform(0.45, 1.0) / RING_DEG * rows)
        top = max(0, foot - size)
        small = small[len(small) - (foot - top) :]
        mask = small[..., 3] > 0
        seen = look.through_haze(
            small[..., :3] * look.light.brightness, np.full(mask.shape, distance * look.far_haze_m)
        )
        place = np.s_[top:foot, left : left + width]
        rgb[place][mask], label[place][mask], there[place][mask] = seen[mask], Label.VEGETATION, True


def _on_sphere(azimuth: FloatArray, elevation: FloatArray) -> FloatArray:
    """(rows, columns, 3)."""
    flat, up = np.cos(elevation)[:, None], np.sin(elevation)[:, None]
    x, y = flat * np.cos(azimuth), flat * np.sin(azimuth)
    return np.asarray(DISTANCE_M * np.dstack([x, y, np.broadcast_to(up, x.shape)]))
