"""Layers of the scene: triangle meshes with a texture and a semantic class. Pure numpy, no engine.

Light is baked into the vertex colours, so both renderers show the same scene without shaders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Image = npt.NDArray[np.uint8]
"""A texture: (H, W, 3) RGB or (H, W, 4) with alpha, top row first; or (H, W) class ids."""


class Label(IntEnum):
    """The semantic class of a pixel; the values are written to label files, so they must not change."""

    ROAD = 0
    LINE = 1
    KERB = 2
    SHOULDER = 3
    TERRAIN = 4
    WATER = 5
    VEGETATION = 6
    SKY = 7
    CAR = 8
    OBSTACLE = 9


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with one texture coordinate and one colour a vertex.

    Attributes:
        vertices: (V, 3) metres.
        triangles: (T, 3) vertex indices, counter-clockwise seen from outside.
        uv: (V, 2) texture coordinates; v = 0 is the picture's lowest row.
        colors: (V, 3) RGB factors on the texture, clipped to [0, 1] when drawn.
    """

    vertices: FloatArray
    triangles: IntArray
    uv: FloatArray
    colors: FloatArray


@dataclass(frozen=True, eq=False)
class Layer:
    """A mesh with its texture, class and physical role.

    Attributes:
        name: Of the node in the scene graph.
        texture: RGB, or RGBA whose pixels are opaque or transparent; without a label also partly transparent.
        label: The class of all its pixels, or an image (H, W) of class ids with the texture's coordinates; None for
            shadows, which have the class of what is under them.
        solid: For the car: ground to drive on, an obstacle to hit, or nothing.
        two_sided: Visible from behind as well.
        afar: The texture from a distance, if it is not just its mean; same shape, square.
    """

    name: str
    mesh: Mesh
    texture: Image
    label: Label | Image | None
    solid: Literal["ground", "obstacle", "air"] = "air"
    two_sided: bool = False
    afar: Image | None = None


def grid_mesh(
    points: FloatArray, uv: FloatArray, colors: FloatArray, keep: npt.NDArray[np.bool_] | None = None
) -> Mesh:
    """A surface over a grid of points.

    Args:
        points: (M, K, 3); rows go forward, columns from left to right, seen from outside.
        uv: (M, K, 2).
        colors: (M, K, 3), or anything that broadcasts to it.
        keep: (M - 1, K - 1), or anything that broadcasts to it: which cells to keep.
    """
    m, k = points.shape[:2]
    mask = np.ones((m - 1, k - 1), bool) if keep is None else np.broadcast_to(keep, (m - 1, k - 1))
    row, column = np.nonzero(mask)
    near_left = row * k + column
    near_right, far_left, far_right = near_left + 1, near_left + k, near_left + k + 1
    triangles = np.stack([near_left, near_right, far_left, near_right, far_right, far_left], axis=1).reshape(-1, 3)
    colors = np.broadcast_to(colors, (m, k, 3)).reshape(-1, 3)
    return Mesh(points.reshape(-1, 3), triangles, uv.reshape(-1, 2), colors)


def standing(
    feet: FloatArray, angles: FloatArray, widths: FloatArray, heights: FloatArray, tones: FloatArray | Sequence[float]
) -> Mesh:
    """Upright rectangles: feet (M, 3), angle (M,) of each in the plane, size (M,), brightness (M, 1)."""
    along = np.c_[np.cos(angles), np.sin(angles), np.zeros(len(feet))] * (widths / 2)[:, None]
    up = np.c_[np.zeros((len(feet), 2)), heights]
    corners = np.stack([feet - along, feet + along, feet - along + up, feet + along + up], axis=1)
    base = 4 * np.arange(len(feet))[:, None]
    triangles = (base + np.array([0, 1, 2, 1, 3, 2])).reshape(-1, 3)
    uv = np.tile([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], (len(feet), 1))
    colors = np.broadcast_to(np.asarray(tones)[:, None], (len(feet), 4, 3)).reshape(-1, 3)
    return Mesh(corners.reshape(-1, 3), triangles, uv, colors)


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """All triangles in one mesh."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)]),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate([mesh.colors for mesh in meshes]),
    )


def split_by_place(mesh: Mesh, cell_m: float, cells: int = 1) -> Iterator[Mesh]:
    """Split the mesh into pieces of the plane, so that the engine can skip those out of view.

    Args:
        mesh: What to split.
        cell_m: Side of a square cell.
        cells: How many cells, one beside the other to the north, are a piece. All triangles keep their order for any
            number, cell by cell: where surfaces touch, the picture depends on it.
    """
    if not len(mesh.triangles):
        return
    centers = mesh.vertices[mesh.triangles, :2].mean(axis=1)
    cell = np.floor(centers / cell_m).astype(np.int64)
    order = np.lexsort((cell[:, 1], cell[:, 0]))
    piece = np.c_[cell[:, 0], cell[:, 1] // cells][order]
    for members in np.split(order, np.flatnonzero(np.diff(piece, axis=0).any(axis=1)) + 1):
        used, triangles = np.unique(mesh.triangles[members], return_inverse=True)
        yield Mesh(mesh.vertices[used], triangles.reshape(-1, 3), mesh.uv[used], mesh.colors[used])


def normals(mesh: Mesh) -> FloatArray:
    """(V, 3) unit normals: the mean over the triangles of a vertex, weighted by their area."""
    corners = mesh.vertices[mesh.triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(mesh.vertices)
    for corner in range(3):
        np.add.at(total, mesh.triangles[:, corner], faces)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9))


def smoothstep(x: FloatArray) -> FloatArray:
    """0 below 0, 1 above 1, smooth between."""
    t = np.clip(x, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))
