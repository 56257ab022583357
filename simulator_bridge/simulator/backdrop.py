"""What is too far to come nearer: the sky and a ring of hills on the horizon. Pure numpy; drawn around the camera."""

from __future__ import annotations

import numpy as np

from simulator_bridge.simulator.layers import FloatArray, Label, Layer, grid_mesh, smoothstep
from simulator_bridge.simulator.textures import picture, tiling_noise
from simulator_bridge.simulator.themes import Look

DISTANCE_M = 100.0  # any: it is drawn first, behind everything
SIDES = 48
TOP_AT_DEG = 28.0  # above this the sky has its full colour
HILLS_DEG = 3.6
HILL_SIDES = 420
HAZE_OVER_M = 420.0


def backdrop_layers(look: Look, rng: np.random.Generator) -> list[Layer]:
    """Sky first, then the hills before it."""
    return [_sky(look, rng), _hills(look, rng)]


def _sky(look: Look, rng: np.random.Generator) -> Layer:
    elevation = np.radians([-12.0, 0.0, 3.0, 6.0, 10.0, 15.0, 21.0, 28.0, 45.0, 90.0])
    azimuth = np.linspace(0, 2 * np.pi, SIDES + 1)
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
    azimuth = np.linspace(0, 2 * np.pi, HILL_SIDES + 1)
    ridge = tiling_noise(256, 10, 5, rng)[0]
    trees = 0.5 * rng.random(HILL_SIDES + 1) ** 3
    shape = np.interp(azimuth, np.linspace(0, 2 * np.pi, 257), [*ridge, ridge[0]])
    ridge = HILLS_DEG * np.clip(0.55 + 0.35 * shape, 0.1, 2.0)
    rows = np.stack([np.full_like(azimuth, -9.0), np.full_like(azimuth, -0.5), 0.5 * ridge, ridge + trees])
    points = np.concatenate([_on_sphere(azimuth, np.radians(row))[0][None] for row in rows])
    green = 0.6 * np.array(look.grass) + 0.4 * np.array(look.rock)
    near, far = look.through_haze(np.stack([green, green]), np.array([0.3, 1.0]) * HAZE_OVER_M)
    tones = np.stack([near, near, 0.7 * far + 0.3 * near, far]) * look.light.brightness
    mesh = grid_mesh(points, np.zeros((*points.shape[:2], 2)), tones[:, None] / 255)
    return Layer("far hills", mesh, picture(np.full((8, 8, 3), 255.0)), Label.TERRAIN, two_sided=True)


def _on_sphere(azimuth: FloatArray, elevation: FloatArray) -> FloatArray:
    """(rows, columns, 3); an elevation (columns,) of the same length as azimuth gives one row."""
    if elevation.shape == azimuth.shape:
        flat, up = np.cos(elevation)[None], np.sin(elevation)[None]
    else:
        flat, up = np.cos(elevation)[:, None], np.sin(elevation)[:, None]
    x, y = flat * np.cos(azimuth), flat * np.sin(azimuth)
    return np.asarray(DISTANCE_M * np.dstack([x, y, np.broadcast_to(up, x.shape)]))
