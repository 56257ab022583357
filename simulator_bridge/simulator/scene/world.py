"""The scene of a track: what the cameras see and the car drives on.

Builds the layers (road, terrain, scenery, backdrop) and adds them to the engine. Does not render and does not drive.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from panda3d.bullet import BulletRigidBodyNode
from panda3d.core import BitMask32, NodePath, RenderState, TransparencyAttrib

from simulator_bridge.simulator.scene import meshes
from simulator_bridge.simulator.scene.backdrop import DISTANCE_M, backdrop_layers
from simulator_bridge.simulator.scene.land.land_cover import LandCover
from simulator_bridge.simulator.scene.land.scenery import scenery_layers
from simulator_bridge.simulator.scene.land.terrain import build_terrain
from simulator_bridge.simulator.scene.land.terrain_layers import terrain_layers
from simulator_bridge.simulator.scene.layers import Image, Label, Layer, split_by_place
from simulator_bridge.simulator.scene.look_variation import build_look
from simulator_bridge.simulator.scene.road.road_shadows import road_shadows
from simulator_bridge.simulator.scene.road.roadway import road_layers
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track

CELL_M, CELLS = 120.0, 4  # of the pieces that the engine draws or skips: one more costs as much as many triangles
GROUND_FRICTION, OBSTACLE_FRICTION = 1.0, 0.3
LABEL_TAG = "label"  # the tag of nodes for the cameras' label states
LABEL_CAMERAS = BitMask32.bit(1)  # mask of cameras that render classes; layers without a class are hidden from them
OVERRIDE = 100  # priority of a label state over the scene's own


class World:
    """The scene of a track; the same for the same track, seed and weather.

    Attributes:
        track: The track.
        look: Colours and light.
        root: The scene graph.
        backdrop: The part of it that moves with the cameras.
        ground: Bodies to drive on.
        obstacles: Bodies to hit.
        label_states: How to draw nodes tagged `LABEL_TAG` as grey values of their class.
    """

    def __init__(
        self, track: Track, seed: int = 0, weather: str = "clear", change: Callable[[Look], Look] | None = None
    ) -> None:
        """Build the scene; `change` is made to its look.

        Raises:
            SimulatorError: If there is no such weather.
        """
        chance = np.random.default_rng([seed, zlib.crc32(track.place.encode())])
        for_look, for_land, for_road, for_scenery, for_sky, for_shadows = chance.spawn(6)
        self.track = track
        self.look = build_look(track, weather, for_look)
        if change is not None:
            self.look = change(self.look)
        terrain = build_terrain(track, self.look, for_land)
        cover = LandCover(track, self.look)
        scene = [
            *road_layers(track, terrain, cover, self.look, for_road),
            *road_shadows(track, self.look, for_shadows),
            *terrain_layers(terrain, cover, self.look, for_land),
            *scenery_layers(track, terrain, cover, self.look, for_scenery),
        ]
        self.root = NodePath("world")
        self.label_states: dict[str, RenderState] = {}
        self.backdrop = self.root.attach_new_node("backdrop")
        self._attach_backdrop(backdrop_layers(self.look, for_sky))
        for order, layer in enumerate(scene):
            # by default the engine sorts by address: where surfaces touch, each run would show another picture
            self._attach(self.root, layer, CELL_M).set_bin("fixed", order)
        self.ground = _bodies(scene, "ground", GROUND_FRICTION)
        self.obstacles = _bodies(scene, "obstacle", OBSTACLE_FRICTION)

    def close(self) -> None:
        """Remove the scene."""
        self.root.remove_node()

    def _attach_backdrop(self, layers: Sequence[Layer]) -> None:
        self.backdrop.set_depth_write(False)
        self.backdrop.set_depth_test(False)
        for order, layer in enumerate(layers):
            self._attach(self.backdrop, layer, DISTANCE_M).set_bin("background", order)

    def _attach(self, parent: NodePath, layer: Layer, cell_m: float) -> NodePath:
        node = parent.attach_new_node(layer.name)
        for piece in split_by_place(layer.mesh, cell_m, CELLS):
            node.attach_new_node(meshes.to_geom_node(layer.name, piece))
        node.set_texture(meshes.to_texture(layer.texture, layer.afar))
        if layer.label is None:
            node.set_transparency(TransparencyAttrib.M_alpha)
            node.set_depth_write(False)
            node.hide(LABEL_CAMERAS)
        else:
            if _is_cut_out(layer.texture):
                node.set_transparency(TransparencyAttrib.M_binary)
            node.set_tag(LABEL_TAG, self._label_key(layer, layer.label))
        node.set_two_sided(layer.two_sided)
        return node

    def _label_key(self, layer: Layer, label: Label | Image) -> str:
        """The key of the state that draws the layer as its class; layers with one class and no cut-out share states."""
        is_plain = isinstance(label, Label) and not _is_cut_out(layer.texture)
        key = label.name if isinstance(label, Label) and is_plain else f"{layer.name} {len(self.label_states)}"
        if key not in self.label_states:
            cut_out = layer.texture if _is_cut_out(layer.texture) else None
            state = NodePath("label")
            state.set_texture(meshes.to_label_texture(label, cut_out), OVERRIDE)
            state.set_color((1, 1, 1, 1), OVERRIDE)
            self.label_states[key] = state.get_state()
        return key


def _is_cut_out(image: Image) -> bool:
    return bool(image.shape[2] == 4)


def _bodies(layers: Sequence[Layer], solid: str, friction: float) -> list[BulletRigidBodyNode]:
    body = meshes.to_body(solid, [layer.mesh for layer in layers if layer.solid == solid], friction)
    return [] if body is None else [body]
