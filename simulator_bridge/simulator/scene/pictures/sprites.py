"""Cut-out pictures of things along the road: plants, pylons, posts. Pure numpy.

RGBA, the lowest row is on the ground; every pixel is opaque (alpha 255) or transparent (0).
"""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator_bridge.simulator.scene.layers import FloatArray, Image
from simulator_bridge.simulator.scene.pictures.textures import Rgb, tiling_noise

BoolArray = npt.NDArray[np.bool_]
Plant = Literal["pine", "palm", "broadleaf", "bush", "reed", "cactus"]
TRUNK: Rgb = (62, 50, 38)
METAL: Rgb = (86, 100, 122)


class _Canvas:
    """A picture to draw on; x from -1 to 1, y from 0 (ground) to 1 (top)."""

    def __init__(self, height: int, width: int, rng: np.random.Generator) -> None:
        rows, columns = np.mgrid[:height, :width]
        self.x = (columns + 0.5) / width * 2 - 1
        self.y = 1 - (rows + 0.5) / height
        self.rng = rng
        self.rgb = np.zeros((height, width, 3))
        self.there = np.zeros((height, width), bool)
        noise_size = max(height, width)
        self.fine = tiling_noise(noise_size, noise_size // 4, 2, rng)[:height, :width]

    def fill(self, where: BoolArray, color: FloatArray | Rgb, spread: float = 10.0) -> None:
        tones = np.asarray(color) + spread * self.fine[..., None] * np.array([1.0, 1.0, 0.7])
        self.rgb[where] = tones[where]
        self.there |= where

    def blob(self, x: float, y: float, rx: float, ry: float, color: Rgb) -> None:
        """A ragged ellipse, lit from above."""
        distance = np.hypot((self.x - x) / rx, (self.y - y) / ry) + 0.22 * self.fine
        light = 1 + 0.35 * np.clip((self.y - y) / ry, -1, 1)[..., None]
        self.fill(distance < 1, np.array(color) * light, spread=12)

    def stroke(self, x0: float, y0: float, x1: float, y1: float, width: float, color: Rgb) -> None:
        """A straight bar; `width` in units of x."""
        along = np.array([x1 - x0, y1 - y0])
        t = np.clip(((self.x - x0) * along[0] + (self.y - y0) * along[1]) / (along @ along), 0, 1)
        distance = np.hypot(self.x - x0 - t * along[0], (self.y - y0 - t * along[1]) * self.aspect)
        self.fill(distance < width / 2, color, spread=5)

    @property
    def aspect(self) -> float:
        """How many units of x one unit of y is long in the picture."""
        return 2 * self.rgb.shape[0] / self.rgb.shape[1]

    def image(self) -> Image:
        # transparent pixels have the mean colour, or the edge would be dark at a distance
        mean = self.rgb[self.there].mean(axis=0)
        rgb = np.where(self.there[..., None], self.rgb, mean)
        return np.dstack([np.clip(rgb, 0, 255), 255.0 * self.there]).astype(np.uint8)


def plant(kind: Plant, leaf: Rgb, rng: np.random.Generator) -> Image:
    """A plant with leaves of about the given colour, 128 pixels high."""
    drawers = {"pine": _pine, "palm": _palm, "broadleaf": _broadleaf, "bush": _bush, "reed": _reed, "cactus": _cactus}
    return drawers[kind](leaf, rng).image()


def _tint(color: Rgb, rng: np.random.Generator, spread: float = 0.18) -> Rgb:
    factor = 1 + spread * rng.uniform(-1, 1)
    return color[0] * factor, color[1] * factor, color[2] * factor


def _pine(leaf: Rgb, rng: np.random.Generator) -> _Canvas:
    canvas = _Canvas(128, 52, rng)
    canvas.stroke(0, 0, 0.05, 0.85, 0.1, TRUNK)
    dark = leaf[0] * 0.45, leaf[1] * 0.5, leaf[2] * 0.55
    for y in np.linspace(0.4, 0.92, 15):
        reach = 0.85 - 0.9 * max(y - 0.62, 0.0) - 1.2 * max(0.52 - y, 0.0)
        x = rng.uniform(-0.5, 0.5) * reach
        canvas.blob(x - 0.12, y - 0.025, reach * rng.uniform(0.4, 0.65), 0.07, _tint(dark, rng, 0.2))
        canvas.blob(x + 0.1, y, reach * rng.uniform(0.3, 0.55), 0.055, _tint(leaf, rng, 0.3))
    return canvas


def _palm(leaf: Rgb, rng: np.random.Generator) -> _Canvas:
    canvas = _Canvas(128, 128, rng)
    lean = rng.uniform(-0.25, 0.25)
    for t in np.linspace(0, 1, 12)[:-1]:
        x0, x1 = lean * t**2, lean * (t + 0.09) ** 2
        canvas.stroke(x0, 0.72 * t, x1, 0.72 * (t + 0.09), 0.13 - 0.04 * t, (82, 72, 58))
    for angle in np.linspace(-0.35, np.pi + 0.35, 12):
        x, y, step = lean, 0.74, 0.085
        for k in range(9):  # a frond: up and out, then down
            direction = angle + np.sign(np.cos(angle)) * -0.13 * k
            nx, ny = x + 1.25 * step * np.cos(direction), y + 0.5 * step * np.sin(direction)
            canvas.stroke(x, y, nx, ny, 0.11 - 0.009 * k, _tint(leaf, rng, 0.4))
            x, y = nx, ny
    return canvas


def _broadleaf(leaf: Rgb, rng: np.random.Generator) -> _Canvas:
    canvas = _Canvas(128, 128, rng)
    canvas.stroke(0, 0, 0, 0.5, 0.09, TRUNK)
    for _ in range(16):
        r, angle = 0.55 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        canvas.blob(r * np.cos(angle), 0.64 + 0.42 * r * np.sin(angle), 0.34, 0.14, _tint(leaf, rng, 0.3))
    return canvas


def _bush(leaf: Rgb, rng: np.random.Generator) -> _Canvas:
    canvas = _Canvas(64, 128, rng)
    for x in np.linspace(-0.75, 0.75, 11):
        height = rng.uniform(0.45, 0.8)
        canvas.blob(x, height / 2, 0.2, height / 2 + 0.1, _tint(leaf, rng, 0.3))
    return canvas


def _reed(leaf: Rgb, rng: np.random.Generator) -> _Canvas:
    canvas = _Canvas(64, 128, rng)
    for x in np.linspace(-0.95, 0.95, 42):
        top = rng.uniform(0.6, 0.98)
        canvas.stroke(x, 0, x + rng.uniform(-0.08, 0.08), top, 0.05, _tint(leaf, rng, 0.45))
    return canvas


def _cactus(leaf: Rgb, rng: np.random.Generator) -> _Canvas:
    canvas = _Canvas(128, 64, rng)
    canvas.stroke(0, 0, 0, 0.92, 0.32, leaf)
    for side in (-1, 1):
        y = rng.uniform(0.3, 0.5)
        canvas.stroke(0, y, 0.6 * side, y + 0.03, 0.24, _tint(leaf, rng))
        canvas.stroke(0.6 * side, y, 0.6 * side, y + 0.28, 0.24, _tint(leaf, rng))
    return canvas


def pylon(rng: np.random.Generator) -> Image:
    """A lattice mast with three arms, (128, 64, 4)."""
    canvas = _Canvas(128, 64, rng)
    legs = [(0.62 * (1 - t) ** 1.3 + 0.06, t) for t in np.linspace(0, 0.97, 11)]
    for (w0, y0), (w1, y1) in itertools.pairwise(legs):
        for side in (-1, 1):
            canvas.stroke(side * w0, y0, side * w1, y1, 0.07, METAL)
            canvas.stroke(side * w0, y0, -side * w1, y1, 0.045, METAL)
    for y, reach in ((0.64, 0.7), (0.76, 0.9), (0.88, 0.6)):
        canvas.stroke(-reach, y, reach, y, 0.06, METAL)
    return canvas.image()


def wires(rng: np.random.Generator) -> Image:
    """Three sagging wires, (32, 256, 4), to hang from mast to mast."""
    canvas = _Canvas(32, 256, rng)
    for top in (0.95, 0.72, 0.5):
        canvas.fill(np.abs(canvas.y - top + 0.4 * (1 - canvas.x**2)) < 0.03, (52, 62, 80), spread=3)
    return canvas.image()


def tyre_stack(rng: np.random.Generator) -> Image:
    """Four tyres on top of one another, (64, 64, 4)."""
    canvas = _Canvas(64, 64, rng)
    for bottom in (0.0, 0.24, 0.48, 0.72):
        height = canvas.y - bottom
        tyre = (height >= 0) & (height < 0.23) & (np.abs(canvas.x) < 0.86 + 0.1 * np.sin(height / 0.23 * np.pi))
        canvas.fill(tyre, np.array([46.0, 42.0, 38.0]) * (0.55 + 3.2 * np.clip(height, 0, 0.23))[..., None], spread=4)
    return canvas.image()


def warning_sign(rng: np.random.Generator) -> Image:
    """A red board with white stripes on two legs, (64, 64, 4)."""
    canvas = _Canvas(64, 64, rng)
    canvas.fill((np.abs(np.abs(canvas.x) - 0.6) < 0.07) & (canvas.y < 0.6), METAL, spread=3)
    board = canvas.y > 0.5
    canvas.fill(board, (206, 66, 58), spread=4)
    canvas.fill(board & ((canvas.x + 1.2 * canvas.y) % 0.7 < 0.3), (232, 226, 220), spread=3)
    return canvas.image()


def post(rng: np.random.Generator) -> Image:
    """A grey post with a red and white board on top, (128, 32, 4)."""
    canvas = _Canvas(128, 32, rng)
    canvas.fill(np.abs(canvas.x) < 0.3, (172, 178, 184), spread=4)
    board = canvas.y > 0.88
    canvas.fill(board, (222, 220, 218), spread=3)
    canvas.fill(board & (np.abs((canvas.y - 0.88) / 0.12 - 0.5) < 0.22), (196, 78, 76), spread=3)
    return canvas.image()


def chevron(rng: np.random.Generator) -> Image:
    """A red and white board of two arrow heads on a leg, (64, 64, 4)."""
    canvas = _Canvas(64, 64, rng)
    canvas.fill((np.abs(canvas.x) < 0.08) & (canvas.y < 0.6), METAL, spread=3)
    board = canvas.y > 0.42
    canvas.fill(board, (228, 226, 222), spread=3)
    arrow = (canvas.x + 2.2 * np.abs(canvas.y - 0.71)) % 1.0
    canvas.fill(board & (arrow < 0.5), (196, 52, 48), spread=3)
    return canvas.image()


def round_sign(rng: np.random.Generator) -> Image:
    """A white disc with a red ring on a pole, (128, 64, 4)."""
    canvas = _Canvas(128, 64, rng)
    canvas.fill((np.abs(canvas.x) < 0.1) & (canvas.y < 0.7), METAL, spread=3)
    radius = np.hypot(canvas.x, (canvas.y - 0.76) * canvas.aspect)
    canvas.fill(radius < 0.9, (198, 48, 44), spread=3)
    canvas.fill(radius < 0.64, (232, 230, 226), spread=3)
    canvas.fill((np.abs(canvas.x) < 0.34) & (np.abs(canvas.y - 0.76) < 0.07), (40, 40, 44), spread=3)
    return canvas.image()


def square_sign(rng: np.random.Generator) -> Image:
    """A blue or yellow board on a pole, (128, 64, 4)."""
    canvas = _Canvas(128, 64, rng)
    canvas.fill((np.abs(canvas.x) < 0.1) & (canvas.y < 0.7), METAL, spread=3)
    board = (np.abs(canvas.x) < 0.9) & (canvas.y > 0.6)
    canvas.fill(board, (48, 92, 164) if rng.random() < 0.5 else (222, 184, 48), spread=3)
    canvas.fill(board & (np.abs(canvas.x) < 0.45) & (np.abs(canvas.y - 0.79) < 0.08), (232, 230, 226), spread=3)
    return canvas.image()
