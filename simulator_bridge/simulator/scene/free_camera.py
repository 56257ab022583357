"""A camera with any lens and picture size anywhere on the car; without hood and fog, which are made for Udacity's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from panda3d.core import Camera, PerspectiveLens, TransformState

from simulator_bridge.simulator.scene.cameras import FAR_M, NEAR_M
from simulator_bridge.simulator.scene.renderer import OffscreenBuffer, open_pipe
from simulator_bridge.simulator.scene.world import World
from simulator_bridge.udacity_cameras import FORWARD_M, PITCH_DEG, UP_M, VERTICAL_FOV_DEG


@dataclass(frozen=True)
class CameraSpec:
    """A camera on the car; as it is by default, at the place of Udacity's center camera.

    Attributes:
        width_px: Of its picture.
        height_px: Of its picture.
        fov_deg: It sees so much from top to bottom.
        right_m: Of the car's middle.
        up_m: Above the road.
        forward_m: Of the car's origin.
        pitch_deg: + = up.
        yaw_deg: + = to the left.
        roll_deg: + = right side down.
    """

    width_px: int
    height_px: int
    fov_deg: float = VERTICAL_FOV_DEG
    right_m: float = 0.0
    up_m: float = UP_M
    forward_m: float = FORWARD_M
    pitch_deg: float = PITCH_DEG
    yaw_deg: float = 0.0
    roll_deg: float = 0.0


class FreeCamera:
    """Renders pictures of one camera. Create, use and close it in the thread of the simulation.

    Args:
        world: The scene.
        spec: Lens, picture and place.
        backend: See `renderer.open_pipe`.

    Raises:
        SimulatorError: If no renderer opens on this computer, or it refuses the picture's size.
    """

    def __init__(self, world: World, spec: CameraSpec, backend: str = "auto") -> None:
        _, pipe = open_pipe(backend)
        aspect = spec.width_px / spec.height_px
        width_deg = 2 * math.degrees(math.atan(math.tan(math.radians(spec.fov_deg / 2)) * aspect))
        lens = PerspectiveLens()
        lens.set_aspect_ratio(aspect)
        lens.set_fov(width_deg, spec.fov_deg)
        lens.set_near_far(NEAR_M, FAR_M)
        self._world = world
        self._rig = world.root.attach_new_node("free camera")
        node = self._rig.attach_new_node(Camera("free", lens))
        node.set_pos(spec.right_m, spec.forward_m, spec.up_m)
        node.set_hpr(spec.yaw_deg, spec.pitch_deg, spec.roll_deg)
        self._buffer = OffscreenBuffer(pipe, [node], spec.width_px, spec.height_px)

    def render(self, car: TransformState) -> npt.NDArray[np.uint8]:
        """What it sees from the car now: RGB, uint8 (height_px, width_px, 3)."""
        self._rig.set_transform(car)
        self._world.backdrop.set_pos(car.get_mat().xform_point((0.0, FORWARD_M, UP_M)))
        return self._buffer.render()[0]

    def close(self) -> None:
        """Release its picture."""
        self._buffer.close()
        self._rig.remove_node()
