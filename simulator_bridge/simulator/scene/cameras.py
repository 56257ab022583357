"""The car's cameras: left, center, right, mounted as on Udacity's car; they render frames or semantic classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from panda3d.core import Camera, NodePath, PerspectiveLens, TransformState

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame
from simulator_bridge.simulator.scene.fog import Fog
from simulator_bridge.simulator.scene.hood import hood_of
from simulator_bridge.simulator.scene.layers import Label
from simulator_bridge.simulator.scene.meshes import from_grey
from simulator_bridge.simulator.scene.renderer import OffscreenBuffer, SimulatorError, open_pipe
from simulator_bridge.simulator.scene.world import LABEL_CAMERAS, LABEL_TAG, World
from simulator_bridge.udacity_cameras import FORWARD_M, PITCH_DEG, RIGHT_M, ROLL_DEG, UP_M, VERTICAL_FOV_DEG, YAW_DEG

NEAR_M, FAR_M = 0.3, 1000.0

LabelFrame = npt.NDArray[np.uint8]
"""Class of each pixel: uint8, (160, 320), values of `Label`."""


@dataclass(frozen=True)
class CameraShift:
    """How the car's cameras are mounted otherwise than on Udacity's car, all three alike."""

    right_m: float = 0.0
    up_m: float = 0.0
    yaw_deg: float = 0.0  # + = to the left
    pitch_deg: float = 0.0  # + = up
    roll_deg: float = 0.0  # + = right side down


def check_names(names: Sequence[str]) -> None:
    """Refuse unknown camera names.

    Raises:
        SimulatorError: If a name is unknown.
    """
    unknown = [name for name in names if name not in RIGHT_M]
    if unknown:
        raise SimulatorError(f"unknown cameras {', '.join(unknown)}: expected some of {', '.join(RIGHT_M)}")


class Cameras:
    """Some or all of the three cameras, in one off-screen picture.

    Args:
        world: The scene.
        names: Some of `left`, `center`, `right`; one takes a third of the time of three.
        backend: See `renderer.open_pipe`.

    Raises:
        SimulatorError: If no renderer opens on this computer, or a name is unknown.
    """

    def __init__(self, world: World, names: Sequence[str] = ("center",), backend: str = "auto") -> None:
        check_names(names)
        self.names = tuple(names)
        self.backend, self._pipe = open_pipe(backend)
        self._world = world
        self._shift = CameraShift()
        look = world.look
        self._fog = None if look.fog_m is None else Fog(look.fog_m, look.haze_color or look.sky_horizon)
        self._nodes: list[tuple[str, NodePath[Camera]]] = []
        self._rig = world.root.attach_new_node("rig")
        self._buffer = OffscreenBuffer(self._pipe, [self._camera(n) for n in names], FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
        self._label_buffer: OffscreenBuffer | None = None

    @property
    def driver(self) -> str:
        """The name of the graphics driver; stored in a recording's metadata."""
        return self._buffer.driver

    def place(self, car: TransformState) -> None:
        """Move the cameras to the pose of the car: its origin on the ground, x right, y forward, z up."""
        self._rig.set_transform(car)
        self._world.backdrop.set_pos(car.get_mat().xform_point((0.0, FORWARD_M, UP_M)))

    def shift(self, shift: CameraShift) -> None:
        """Mount the cameras otherwise, from now on; the hood stays where it is in their pictures."""
        self._shift = shift
        for name, node in self._nodes:
            self._mount(name, node)

    def render(self) -> dict[str, Frame]:
        """A frame from each camera, by its name."""
        frames = dict(zip(self.names, self._buffer.render(), strict=True))
        for name, frame in frames.items():
            if self._fog is not None:
                self._fog.cover(frame)
            hood_of(name, self._world.look.hood).cover(frame)
        return frames

    def render_labels(self) -> dict[str, LabelFrame]:
        """The classes of all pixels from each camera, by its name; with the same outlines as `render`."""
        if self._label_buffer is None:
            cameras = [self._camera(name, self._world) for name in self.names]
            self._label_buffer = OffscreenBuffer(self._pipe, cameras, FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
        labels = {}
        for name, image in zip(self.names, self._label_buffer.render(), strict=True):
            labels[name] = from_grey(image[..., 0])
            labels[name][hood_of(name, self._world.look.hood).mask] = Label.CAR
        return labels

    def close(self) -> None:
        """Release the off-screen pictures."""
        self._buffer.close()
        if self._label_buffer is not None:
            self._label_buffer.close()
        self._rig.remove_node()

    def _camera(self, name: str, labels_of: World | None = None) -> NodePath[Camera]:
        lens = PerspectiveLens()
        lens.set_aspect_ratio(FRAME_WIDTH_PX / FRAME_HEIGHT_PX)
        lens.set_min_fov(VERTICAL_FOV_DEG)
        lens.set_near_far(NEAR_M, FAR_M)
        camera = Camera(name, lens)
        if labels_of is not None:
            camera.set_camera_mask(LABEL_CAMERAS)
            camera.set_tag_state_key(LABEL_TAG)
            for key, state in labels_of.label_states.items():
                camera.set_tag_state(key, state)
        node = self._rig.attach_new_node(camera)
        self._mount(name, node)
        self._nodes.append((name, node))
        return node

    def _mount(self, name: str, node: NodePath[Camera]) -> None:
        shift = self._shift
        node.set_pos(RIGHT_M[name] + shift.right_m, FORWARD_M, UP_M + shift.up_m)
        node.set_hpr(YAW_DEG + shift.yaw_deg, PITCH_DEG + shift.pitch_deg, ROLL_DEG + shift.roll_deg)
