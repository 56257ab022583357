"""The cameras of a Donkey car: what a client configures, and pictures as the telemetry carries them."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator_bridge.donkey.donkey_messages import read_number
from simulator_bridge.errors import ProtocolError
from simulator_bridge.messages import JPEG_QUALITY
from simulator_bridge.simulator.scene.free_camera import CameraSpec, FreeCamera
from simulator_bridge.simulator.scene.renderer import SimulatorError
from simulator_bridge.simulator.simulation import Simulation

logger = logging.getLogger(__name__)

WIDTH_PX, HEIGHT_PX = 160, 120  # of Donkey's pictures
MIN_SIDE_PX, MAX_SIDE_PX = 16, 1280
ENCODINGS = {"JPG": ".jpg", "PNG": ".png"}


@dataclass(frozen=True)
class PictureConfig:
    """What one `cam_config` asks for; the fields of `CameraSpec`, and how the picture is sent."""

    spec: CameraSpec = field(default_factory=lambda: CameraSpec(WIDTH_PX, HEIGHT_PX))
    is_grey: bool = False
    encoding: str = "JPG"


class DonkeyCamera:
    """One camera; rendering and encoding.

    Args:
        simulation: Whose car it is on.
        config: As a client wants it.
        backend: See `renderer.open_pipe`.

    Raises:
        SimulatorError: If no renderer opens.
    """

    def __init__(self, simulation: Simulation, config: PictureConfig, backend: str) -> None:
        self._simulation, self._config = simulation, config
        self._camera = FreeCamera(simulation.world, config.spec, backend)

    def picture(self) -> str:
        """What it sees now, encoded and in base64."""
        import cv2

        rgb: npt.NDArray[Any] = self._camera.render(self._simulation.car_transform)
        if self._config.is_grey:
            rgb = np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        parameters = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if self._config.encoding == "JPG" else []
        _, encoded = cv2.imencode(ENCODINGS[self._config.encoding], cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), parameters)
        return base64.b64encode(encoded.tobytes()).decode("ascii")

    def close(self) -> None:
        """Release what it renders into."""
        self._camera.close()


class DonkeyCameras:
    """The cameras of the car by the field of the telemetry that carries them: `image`, and `image_b` if it is wanted.

    Args:
        simulation: Whose car they are on.
        backend: See `renderer.open_pipe`.

    Raises:
        SimulatorError: If no renderer opens.
    """

    def __init__(self, simulation: Simulation, backend: str) -> None:
        self._simulation, self._backend = simulation, backend
        self._cameras = {"image": DonkeyCamera(simulation, PictureConfig(), backend)}

    def configure(self, name: str, message: Mapping[str, Any]) -> None:
        """Mount a camera as a client wants it; one that cannot be rendered leaves all as it is.

        Raises:
            ProtocolError: If the message asks for something that there is not.
        """
        try:
            camera = DonkeyCamera(self._simulation, parse_cam_config(message), self._backend)
        except SimulatorError as error:
            raise ProtocolError(f"{message['msg_type']}: {error}") from None
        if name in self._cameras:
            self._cameras[name].close()
        self._cameras[name] = camera

    def reset(self) -> None:
        """Mount the default camera, and that alone: a new client begins."""
        self.close()
        self._cameras = {"image": DonkeyCamera(self._simulation, PictureConfig(), self._backend)}

    def pictures(self) -> dict[str, str]:
        """What they see now, as fields of a telemetry."""
        return {name: camera.picture() for name, camera in self._cameras.items()}

    def close(self) -> None:
        """Release what they render into."""
        for camera in self._cameras.values():
            camera.close()


def parse_cam_config(message: Mapping[str, Any]) -> PictureConfig:
    """Read a `cam_config`: 0 stands for the default, as in Donkey's simulator; lengths in metres, angles in degrees.

    Raises:
        ProtocolError: If a value is none, or outside its range.
    """
    default = CameraSpec(WIDTH_PX, HEIGHT_PX)
    numbers = {
        name: read_number(message, name, default=0.0)
        for name in ("img_w", "img_h", "img_d", "fov", "rot_x", "rot_y", "rot_z")
    }
    right_m, up_m, forward_m = (read_number(message, f"offset_{axis}", default=0.0) for axis in "xyz")
    is_moved = any((right_m, up_m, forward_m))
    encoding = str(message.get("img_enc", "0")).upper()
    if encoding not in ENCODINGS:
        if encoding != "0":
            logger.warning("cam_config: img_enc %.10s is not made here, sending JPG; PNG is made, too", encoding)
        encoding = "JPG"
    spec = CameraSpec(
        width_px=_side(message, numbers["img_w"], default.width_px),
        height_px=_side(message, numbers["img_h"], default.height_px),
        fov_deg=numbers["fov"] or default.fov_deg,
        right_m=right_m,
        up_m=up_m if is_moved else default.up_m,
        forward_m=forward_m if is_moved else default.forward_m,
        pitch_deg=-numbers["rot_x"] or default.pitch_deg,
        yaw_deg=-numbers["rot_y"],
        roll_deg=-numbers["rot_z"],
    )
    if not 5.0 <= spec.fov_deg <= 170.0:
        raise ProtocolError(f"{message['msg_type']}: expected a fov of 5 to 170 degrees, got {spec.fov_deg:g}")
    if read_number(message, "fish_eye_x", 0.0) or read_number(message, "fish_eye_y", 0.0):
        logger.warning("cam_config: there is no fisheye lens here; fish_eye_x and fish_eye_y are ignored")
    return PictureConfig(spec, is_grey=numbers["img_d"] == 1, encoding=encoding)


def _side(message: Mapping[str, Any], value: float, default: int) -> int:
    side = round(value) or default
    if not MIN_SIDE_PX <= side <= MAX_SIDE_PX:
        raise ProtocolError(
            f"{message['msg_type']}: expected sides of {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels, got {side}"
        )
    return side
