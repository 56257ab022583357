"""Off-screen rendering without a window: graphics pipes, buffers, regions and the read-back of pixels.

Independent of tracks, cars and camera poses. Panda3D is used without ShowBase. Everything here must be called from the
thread that made the first pipe: an EGL context belongs to its thread.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from panda3d.core import (
    Camera,
    FrameBufferProperties,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    GraphicsPipeSelection,
    NodePath,
    RenderState,
    Texture,
    TransformState,
    WindowProperties,
    load_prc_file_data,
)

from simulator_bridge.errors import UserError
from simulator_bridge.simulator.scene.scene_options import BACKENDS, NO_RENDERER, RENDERERS

PANDA_MODULES = {"tinydisplay": "p3tinydisplay", "egl": "p3headlessgl"}
DEBIAN_PACKAGES = {"tinydisplay": "libx11-6", "egl": "libegl1 libgl1-mesa-dri"}

load_prc_file_data(
    "simulator",
    """
    audio-library-name null
    sync-video 0
    notify-level error
    notify-level-display fatal
    notify-level-egldisplay fatal
    notify-level-tinydisplay error
    """,
)


class SimulatorError(UserError):
    """The simulator cannot run here with these settings; the message tells what to install or change."""


def open_pipe(backend: str) -> tuple[str, GraphicsPipe]:
    """Open the process's pipe of a backend; a second call returns the same pipe.

    Args:
        backend: One of `BACKENDS`; `auto` takes the first that opens.

    Returns:
        The backend's name (never `auto`) and its pipe.

    Raises:
        SimulatorError: If the name is unknown or no such pipe opens on this machine.
    """
    if backend not in BACKENDS:
        raise SimulatorError(f"unknown renderer {backend!r}: expected one of {', '.join(BACKENDS)}")
    candidates = RENDERERS if backend == "auto" else (backend,)
    if "tensorflow" in sys.modules and "egl" in candidates:  # Mesa's driver and TensorFlow bring an LLVM each: a crash
        if backend == "egl":
            raise SimulatorError(
                "egl and TensorFlow crash in one process: render with tinydisplay, or in another process"
            )
        candidates = tuple(name for name in candidates if name != "egl")
    for name in candidates:
        pipe = _pipe(name)
        if pipe is not None:
            return name, pipe
    raise SimulatorError(f"{NO_RENDERER} for {backend!r}; {what_to_install(candidates)}")


def what_to_install(candidates: Sequence[str], platform: str = sys.platform) -> str:
    """What to do where no renderer opens, in words."""
    if platform.startswith("linux"):
        wanted = ", or ".join(f"{DEBIAN_PACKAGES[name]} (for {name})" for name in candidates)
        return f"on Debian or Ubuntu: apt-get install {wanted}"
    if "tinydisplay" not in candidates:  # Panda3D has EGL for Linux only
        return "here the renderer is tinydisplay"
    return "tinydisplay comes with Panda3D and needs nothing else: pip install --force-reinstall panda3d"


@functools.cache  # one pipe per process: a second EGL pipe fails or crashes
def _pipe(name: str) -> GraphicsPipe | None:
    # Mesa's software driver without its own threads: for pictures this small they take a third more processor time
    os.environ.setdefault("LP_NUM_THREADS", "0")
    pipe = GraphicsPipeSelection.get_global_ptr().make_module_pipe(PANDA_MODULES[name])
    if pipe is None:
        return None
    probe = _make_buffer(pipe, "probe", 8, 8)
    if probe is None:  # the library is installed, but there is no driver
        return None
    GraphicsEngine.get_global_ptr().remove_window(probe)
    return pipe


def _make_buffer(pipe: GraphicsPipe, name: str, width: int, height: int) -> GraphicsOutput | None:
    properties = FrameBufferProperties()
    properties.set_rgba_bits(8, 8, 8, 8)
    properties.set_depth_bits(24)
    size = WindowProperties.size(width, height)
    engine = GraphicsEngine.get_global_ptr()
    return engine.make_output(pipe, name, 0, properties, size, GraphicsPipe.BF_refuse_window)


class OffscreenBuffer:
    """One off-screen picture of equal regions side by side, one for each camera, read back in one transfer."""

    def __init__(self, pipe: GraphicsPipe, cameras: Sequence[NodePath[Camera]], width: int, height: int) -> None:
        """Make the buffer; `width` and `height` are those of one region, in pixels.

        Raises:
            SimulatorError: If the driver refuses the buffer.
        """
        self._engine = GraphicsEngine.get_global_ptr()
        self._shape = (height, width * len(cameras))
        self._region_width = width
        buffer = _make_buffer(pipe, "frames", self._shape[1], height)
        if buffer is None:
            raise SimulatorError(f"the graphics driver refuses a picture of {self._shape[1]}x{height} pixels")
        self._buffer = buffer
        self._texture = Texture("frames")
        buffer.add_render_texture(self._texture, GraphicsOutput.RTM_copy_ram, GraphicsOutput.RTP_color)
        for i, camera in enumerate(cameras):
            region = buffer.make_display_region(i / len(cameras), (i + 1) / len(cameras), 0.0, 1.0)
            region.set_camera(camera)
        buffer.set_active(False)  # the engine renders every active buffer; this one only in `render`
        self._engine.open_windows()

    @property
    def driver(self) -> str:
        """The name of the graphics driver."""
        return str(self._buffer.get_gsg().get_driver_renderer() or "software")

    def render(self) -> list[npt.NDArray[np.uint8]]:
        """Render all regions now.

        Returns:
            One RGB image for each camera: uint8 (H, W, 3), top row first, each its own memory.
        """
        self._buffer.set_active(True)
        self._engine.render_frame()
        self._buffer.set_active(False)
        bottom_up = np.frombuffer(self._texture.get_ram_image(), np.uint8).reshape(*self._shape, -1)  # BGRA
        picture = bottom_up[::-1, :, 2::-1]
        width = self._region_width
        images = [picture[:, x : x + width].copy() for x in range(0, self._shape[1], width)]
        # ShowBase would call these every frame; without them the state caches grow by 4.5 KB a frame
        TransformState.garbage_collect()
        RenderState.garbage_collect()
        return images

    def close(self) -> None:
        """Give the buffer back to the driver."""
        self._engine.remove_window(self._buffer)
