"""Converts meshes and pictures to the engine's geometry, textures and collision bodies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from panda3d.bullet import BulletRigidBodyNode, BulletTriangleMesh, BulletTriangleMeshShape
from panda3d.core import (
    CPTAUchar,
    Geom,
    GeomEnums,
    GeomNode,
    GeomTriangles,
    GeomVertexData,
    GeomVertexFormat,
    SamplerState,
    Texture,
)

from simulator_bridge.simulator.scene.layers import Image, Mesh

VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 4), ("uv", "<f4", 2)])  # the engine's v3c4t2
LOD_BIAS = -1.0  # sharper lines and grain at a distance, as in Unity's frames; no effect in tinydisplay, sharp anyway
AFAR_PER_LEVEL = 0.62  # share of the near picture that is left in each mipmap level
LABEL_STEP = 20  # grey values between two classes in a label texture: a driver that rounds does no harm


def to_geom(mesh: Mesh) -> Geom:
    """A mesh as the engine draws it."""
    rows = np.zeros(len(mesh.vertices), VERTEX)
    rows["position"], rows["uv"] = mesh.vertices, mesh.uv
    rows["color"][:, :3] = np.clip(mesh.colors * 255 + 0.5, 0, 255)
    rows["color"][:, 3] = 255
    data = GeomVertexData("mesh", GeomVertexFormat.get_v3c4t2(), GeomEnums.UH_static)
    data.unclean_set_num_rows(len(rows))
    memoryview(data.modify_array(0)).cast("B")[:] = rows.tobytes()
    triangles = GeomTriangles(GeomEnums.UH_static)
    triangles.set_index_type(GeomEnums.NT_uint32)
    indices = triangles.modify_vertices()
    indices.unclean_set_num_rows(mesh.triangles.size)
    memoryview(indices).cast("B")[:] = mesh.triangles.astype("<u4").tobytes()
    geom = Geom(data)
    geom.add_primitive(triangles)
    return geom


def to_geom_node(name: str, mesh: Mesh) -> GeomNode:
    """A node of the scene with one mesh."""
    node = GeomNode(name)
    node.add_geom(to_geom(mesh))
    return node


def to_body(name: str, meshes: Sequence[Mesh], friction: float) -> BulletRigidBodyNode | None:
    """One static body of all triangles; None if there are none."""
    triangles = BulletTriangleMesh()
    for mesh in meshes:
        triangles.add_geom(to_geom(mesh))
    if not triangles.get_num_triangles():
        return None
    body = BulletRigidBodyNode(name)
    body.add_shape(BulletTriangleMeshShape(triangles, dynamic=False))
    body.set_friction(friction)
    return body


def to_texture(image: Image, afar: Image | None = None) -> Texture:
    """A picture (H, W, 3 or 4) as a tiling texture with mipmaps; cut-outs do not tile.

    Args:
        image: The picture from near.
        afar: The picture at a distance, blended into the smaller mipmap levels; same shape.
    """
    texture = _texture(image)
    if afar is not None:
        _set_mipmaps(texture, image, afar)
    # with mipmaps, trunks and posts would vanish at a distance and crowns and boards float in the air
    is_cut_out = image.shape[2] == 4
    texture.set_minfilter(SamplerState.FT_linear if is_cut_out else SamplerState.FT_linear_mipmap_linear)
    texture.set_magfilter(SamplerState.FT_linear)
    sampler = SamplerState(texture.get_default_sampler())
    sampler.set_lod_bias(LOD_BIAS)
    texture.set_default_sampler(sampler)
    return texture


def to_label_texture(label: int | Image, cut_out: Image | None = None) -> Texture:
    """Classes as grey values, with the texture coordinates of the picture.

    Args:
        label: One class, or class ids (H, W).
        cut_out: An RGBA picture, for its outline.
    """
    if cut_out is not None:
        image = np.full(cut_out.shape, to_grey(np.asarray(label))[..., None], np.uint8)
        image[..., 3] = cut_out[..., 3]
        texture = to_texture(image)  # filtered like the picture, so that both have the same outline
        if np.ndim(label):  # but the mean of two classes would be a third one
            texture.set_minfilter(SamplerState.FT_nearest)
            texture.set_magfilter(SamplerState.FT_nearest)
        return texture
    ids = np.full((1, 1), label) if np.ndim(label) == 0 else np.asarray(label)
    texture = _texture(np.repeat(to_grey(ids)[..., None], 3, axis=2).astype(np.uint8))
    texture.set_minfilter(SamplerState.FT_nearest)
    texture.set_magfilter(SamplerState.FT_nearest)
    return texture


def to_grey(ids: Image) -> Image:
    """Class ids -> grey values in a label picture."""
    return np.asarray(ids * LABEL_STEP + LABEL_STEP // 2, dtype=np.uint8)


def from_grey(grey: Image) -> Image:
    """Grey values in a label picture -> class ids."""
    return np.asarray(grey // LABEL_STEP, dtype=np.uint8)


def _set_mipmaps(texture: Texture, image: Image, afar: Image) -> None:
    """Set the mipmaps of a square picture: each half the size of the one before, and nearer to `afar`."""
    near, far = image.astype(np.float32), afar.astype(np.float32)
    for level in range(1, len(image).bit_length()):
        near, far = _halve(near), _halve(far)
        share = AFAR_PER_LEVEL**level
        blend = share * near + (1 - share) * far
        texture.set_ram_mipmap_image(level, CPTAUchar(_to_ram(blend.astype(np.uint8))))


def _halve(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray((image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4)


def _to_ram(image: Image) -> bytes:
    order = [2, 1, 0, 3][: image.shape[2]]  # the engine needs BGR, lowest row first
    return np.ascontiguousarray(image[::-1, :, order]).tobytes()


def _texture(image: Image) -> Texture:
    height, width, channels = image.shape
    texture = Texture("picture")
    form = Texture.F_rgb if channels == 3 else Texture.F_rgba
    texture.setup_2d_texture(width, height, Texture.T_unsigned_byte, form)
    texture.set_ram_image(_to_ram(image))
    texture.set_wrap_u(SamplerState.WM_repeat if channels == 3 else SamplerState.WM_clamp)
    texture.set_wrap_v(SamplerState.WM_repeat if channels == 3 else SamplerState.WM_clamp)
    return texture
