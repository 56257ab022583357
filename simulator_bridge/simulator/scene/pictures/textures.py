"""Procedural textures of the scene: ground, paint, brick, water. Pure numpy.

All of them tile. Plants and other cut-outs are in `sprites.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator_bridge.simulator.scene.layers import FloatArray, Image, Label, smoothstep

Rgb = tuple[float, float, float]
"""Red, green, blue, 0 to 255."""

ROAD_TILE_M = 8.0  # of the road's texture, along the road
DASHED_TILE_M = 6.0  # of a road with a dashed line: one dash and one gap, as on real frames seen from above
ROAD_TEXTURE_PX = 512
KERB_TILE_M = 0.52  # one red and one white stripe, measured on real frames seen from above
GROUND_TILE_M = 6.0
STRIP_TONE, GUTTER_TONE = 0.92, 0.62  # of the asphalt beyond the edge line, and of its part next to the line
GUTTER_SHARE = 0.4  # of that strip
SEAM = np.array([1.15, 1.1, 0.7])  # tint of the faint second line between the two
CONCRETE_MEAN = 0.96
GROUND_MEAN = 0.78  # of the ground's detail texture; leaves room for grains brighter than their surroundings
DASH_SHARE = 0.66  # painted share of a dashed line


def tiling_noise(size: int, cells: int, octaves: int, rng: np.random.Generator, stretch: int = 1) -> FloatArray:
    """Smooth noise that tiles: (size, size) with mean 0 and standard deviation 1.

    Args:
        size: Pixels of a side.
        cells: Bumps along a side in the coarsest octave.
        octaves: Each has bumps of half the size and half the height of the one before.
        rng: Draws the noise.
        stretch: How many times longer the bumps are down the rows than along them.
    """
    total = np.zeros((size, size))
    for octave in range(octaves):
        n = min(cells * 2**octave, size)
        grid = rng.standard_normal((max(n // stretch, 1), n))
        total += 0.5**octave * _between(_between(grid, size).T, size).T
    total -= total.mean()
    return np.asarray(total / total.std())


def _between(values: FloatArray, size: int) -> FloatArray:
    """`size` rows, smoothly between the rows given, which tile."""
    n = len(values)
    place = np.arange(size) * n / size
    low = place.astype(np.int64)
    t = smoothstep(place - low)[:, None]
    return np.asarray(values[low] * (1 - t) + values[(low + 1) % n] * t)


def picture(rgb: FloatArray) -> Image:
    """Colours of 0 to 255 as an image."""
    return np.clip(rgb, 0, 255).astype(np.uint8)


def asphalt(color: Rgb, grain: float, grains: int, streaks: int, rng: np.random.Generator) -> FloatArray:
    """Asphalt, (512, 512, 3): about `grains` grains across it, `streaks` times as long as wide.

    Their grey values have a standard deviation of `grain`.
    """
    n = ROAD_TEXTURE_PX
    speckle = 0.95 * tiling_noise(n, grains, 2, rng, streaks) + 0.1 * tiling_noise(n, 24, 3, rng)
    spots = smoothstep((tiling_noise(n, grains, 2, rng) - 1.1) / 0.8) * 1.8  # pale stones
    grey = grain * (speckle + spots)
    return np.asarray(np.array(color) + grey[..., None] * np.array([1.0, 0.99, 0.95]))


def pave_strips(base: FloatArray, share: float) -> FloatArray:
    """The road's surface with a strip of smoother asphalt along both of its sides, darkest beside the road.

    Args:
        base: (512, 512, 3); columns go from the left edge to the right edge.
        share: Width of one strip as a share of the width.
    """
    across = (np.arange(base.shape[1]) + 0.5) / base.shape[1]
    inward = np.minimum(across, 1 - across) / share  # 0 at the outer edge, 1 beside the road
    flat = base.mean(axis=(0, 1)) + 0.45 * (base - base.mean(axis=(0, 1)))
    gutter = smoothstep((inward - (1 - GUTTER_SHARE)) / 0.08)
    seam = np.clip(1 - np.abs(inward - (1 - GUTTER_SHARE)) / 0.05, 0, 1)[:, None]
    tone = (STRIP_TONE + (GUTTER_TONE - STRIP_TONE) * gutter)[:, None] * (1 - seam) + SEAM * seam
    return np.where((inward < 1)[None, :, None], flat * tone[None], base)


def brick(rng: np.random.Generator) -> FloatArray:
    """Worn paving stones with pale joints, (512, 512, 3)."""
    n, columns, rows = ROAD_TEXTURE_PX, 30, 18
    y, x = np.mgrid[:n, :n] / n
    x = x + 0.010 * tiling_noise(n, 12, 3, rng)
    y = y + 0.010 * tiling_noise(n, 12, 3, rng)
    row = np.floor(y * rows).astype(np.int64) % rows
    place = x * columns + 0.5 * (row % 2) + 0.2 * rng.standard_normal(rows)[row]
    column = np.floor(place).astype(np.int64) % columns
    to_joint = np.minimum(0.5 - np.abs(place % 1 - 0.5), (0.5 - np.abs(y * rows % 1 - 0.5)) * columns / rows * 1.4)
    stone = np.array([172.0, 152.0, 136.0]) + 14 * rng.standard_normal((rows, columns))[row, column][..., None]
    stone = stone + 12 * tiling_noise(n, 40, 3, rng)[..., None]
    joint = np.array([218.0, 198.0, 178.0]) + 12 * tiling_noise(n, 40, 3, rng)[..., None]
    t = smoothstep((to_joint - 0.03) / 0.14)[..., None]
    return np.asarray(t * stone + (1 - t) * joint)


@dataclass(frozen=True)
class PaintedLine:
    """A painted line along the road: centre and width as shares of the road's width from its left edge."""

    center: float
    width: float
    color: Rgb
    dashed: bool = False


def paint_lines(
    base: FloatArray, lines: list[PaintedLine], wear: float, afar: float, rng: np.random.Generator
) -> tuple[Image, Image, Image]:
    """A road's surface with its lines.

    Args:
        base: (512, 512, 3); columns go from the road's left edge to its right edge, rows along it.
        lines: The lines to paint.
        wear: 0 = new, 1 = worn off.
        afar: How much brighter the surface is from a distance.
        rng: Draws where the lines are worn.

    Returns:
        The picture, its classes (`Label.ROAD` or `Label.LINE`), and the picture without the grains.
    """
    n = len(base)
    along, across = np.mgrid[:n, :n] / n
    rgb, smooth = base.copy(), np.broadcast_to(afar * base.mean(axis=0), base.shape)
    label = np.full((n, n), Label.ROAD, np.uint8)
    worn = smoothstep((tiling_noise(n, 32, 4, rng) + 3.6 - 4.5 * wear) / 1.2)
    for line in lines:
        here = np.abs(across - line.center) < line.width / 2
        if line.dashed:
            here &= along < DASH_SHARE
        cover = (here * worn * 0.95)[..., None]
        rgb = rgb * (1 - cover) + (np.array(line.color) + 0.3 * (base - base.mean())) * cover
        smooth = smooth * (1 - cover) + np.array(line.color) * cover
        label[here] = Label.LINE
    return picture(rgb), label, picture(smooth)


def kerb(red: Rgb, white: Rgb, rng: np.random.Generator) -> Image:
    """One red and one white stripe across the kerb, (64, 64, 3)."""
    along = np.arange(64)[:, None, None] / 64
    rgb = np.where(along < 0.5, np.array(red), np.array(white))
    return picture(rgb + 7 * tiling_noise(64, 8, 3, rng)[..., None])


def ground_detail(rng: np.random.Generator, contrast: float = 30.0) -> Image:
    """Grey grains to multiply with coloured ground, (256, 256, 3), mean `GROUND_MEAN`; contrast in grey values."""
    grains = 0.6 * tiling_noise(256, 6, 5, rng) + 0.5 * tiling_noise(256, 48, 3, rng)
    return picture(np.repeat((255 * GROUND_MEAN + contrast * grains)[..., None], 3, axis=2))


def rock_detail(rng: np.random.Generator) -> Image:
    """Cracked rock to multiply with coloured cliffs, like `ground_detail`."""
    lumps = 0.7 * tiling_noise(256, 14, 3, rng) + 0.7 * tiling_noise(256, 48, 2, rng)
    cracks = np.clip(1.2 - 2.6 * np.abs(tiling_noise(256, 9, 4, rng)), 0, 1)
    return picture(np.repeat((255 * GROUND_MEAN + 40 * lumps - 105 * (cracks - cracks.mean()))[..., None], 3, axis=2))


def concrete(rng: np.random.Generator) -> Image:
    """Nearly even grey to multiply with coloured kerbstones, (128, 128, 3), mean `CONCRETE_MEAN`."""
    grains = tiling_noise(128, 4, 6, rng)
    return picture(np.repeat((255 * CONCRETE_MEAN + 8 * grains)[..., None], 3, axis=2))


def water(color: Rgb, rng: np.random.Generator) -> Image:
    """Ripples, (128, 128, 3)."""
    ripples = tiling_noise(128, 4, 5, rng)
    return picture(np.array(color) + 9 * ripples[..., None])
