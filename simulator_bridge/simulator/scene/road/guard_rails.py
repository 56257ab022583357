"""Guard rails: a steel band on posts behind the shoulder, which stops the car. Pure numpy."""

from __future__ import annotations

import numpy as np

from simulator_bridge.simulator.scene.layers import Label, Layer, Mesh, grid_mesh, merge
from simulator_bridge.simulator.scene.pictures import textures
from simulator_bridge.simulator.scene.road.road_strips import LEFT, RoadStrips
from simulator_bridge.track.track_plan import BoolArray

BEYOND_SHOULDER_M = 0.3
BAND_M = (0.42, 0.5, 0.58, 0.66, 0.76)  # heights along its profile,
BAND_TONES = (0.5, 0.72, 0.48, 0.74, 0.6)  # bright where it faces the sky
POST_EVERY_M, POST_WIDTH_M, POST_TOP_M, POST_FOOT_M = 4.0, 0.14, 0.7, -0.8
STEEL = np.array([0.92, 0.96, 1.0])


def rail_layer(strips: RoadStrips, side: float, where: BoolArray) -> Layer:
    """The rail of one side at the points `where` (N,)."""
    beyond = strips.beside.shoulder_to + BEYOND_SHOULDER_M
    points = strips.strip(side, (beyond,) * len(BAND_M), BAND_M)
    points = points[:, ::-1] if side == LEFT else points  # the strip goes from left to right, the band up
    light = strips.light(points)
    colors = light * (np.array(BAND_TONES)[:, None] * STEEL)
    band = grid_mesh(points, strips.uv_across(points, 4.0), colors, where[:, None])
    white = textures.picture(np.full((4, 4, 3), 255.0))
    mesh = merge([band, _posts(strips, side, beyond, where, float(light.mean()))])
    return Layer("rail", mesh, white, Label.OBSTACLE, solid="obstacle", two_sided=True)


def _posts(strips: RoadStrips, side: float, beyond_m: float, where: BoolArray, light: float) -> Mesh:
    """Posts across the driving direction, where the cars see them."""
    across = (beyond_m, beyond_m + POST_WIDTH_M)
    low, high = (strips.strip(side, across, (lift, lift))[:-1] for lift in (POST_FOOT_M, POST_TOP_M))
    every = max(1, round(POST_EVERY_M / strips.track.ds_m))
    stations = np.flatnonzero(where & (np.arange(len(where)) % every == 0))
    corners = np.concatenate([low[stations], high[stations]], axis=1)  # (posts, 4, 3)
    base = 4 * np.arange(len(stations))[:, None]
    triangles = (base + np.array([0, 1, 2, 1, 3, 2])).reshape(-1, 3)
    n = 4 * len(stations)
    return Mesh(corners.reshape(-1, 3), triangles, np.zeros((n, 2)), np.tile(0.42 * light * STEEL, (n, 1)))
