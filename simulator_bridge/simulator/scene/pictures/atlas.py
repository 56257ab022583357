"""A texture atlas: many cut-out pictures packed into one, so that all their meshes are one layer. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulator_bridge.simulator.scene.layers import Image, Mesh, merge

WIDTH_PX = 512


def pack(parts: Sequence[tuple[Mesh, Image]]) -> tuple[Mesh, Image]:
    """Merge meshes and their pictures into one mesh and one picture.

    Args:
        parts: Meshes whose texture coordinates lie in [0, 1], and the RGBA picture of each, at most 512 wide.

    Returns:
        The mesh, and its picture: 512 pixels wide, its height a power of two.
    """
    corners, height = _shelves([image for _, image in parts])
    atlas = np.zeros((1 << (height - 1).bit_length(), WIDTH_PX, 4), np.uint8)
    meshes = []
    for (mesh, image), (top, left) in zip(parts, corners, strict=True):
        h, w = image.shape[:2]
        atlas[top : top + h, left : left + w] = image
        # half a pixel inside its own picture, so that filtering does not read its neighbours
        u = (left + 0.5 + mesh.uv[:, 0] * (w - 1)) / WIDTH_PX
        v = 1 - (top + 0.5 + (1 - mesh.uv[:, 1]) * (h - 1)) / len(atlas)
        meshes.append(replace(mesh, uv=np.stack([u, v], axis=1)))
    return merge(meshes), atlas


def _shelves(images: Sequence[Image]) -> tuple[list[tuple[int, int]], int]:
    """(top, left) of each picture, row after row in the order given, and the height of all."""
    corners = []
    top = left = shelf = 0
    for image in images:
        h, w = image.shape[:2]
        if left + w > WIDTH_PX:
            top, left, shelf = top + shelf, 0, 0
        corners.append((top, left))
        left, shelf = left + w, max(shelf, h)
    return corners, top + shelf
