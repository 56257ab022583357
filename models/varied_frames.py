"""Some frames that differ as a drive's do, drawn by hand: enough to see whether a model looks at all."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_SHAPE, FRAME_WIDTH_PX, Frame

HORIZON_PX = 62
BENDS = (0.0, -1.0, 1.0, -0.4, 0.4, -2.0, 2.0)
LIGHTS = (1.0, 0.7, 1.15)
SKY, GRASS, ROAD, EDGE = (150, 185, 210), (105, 120, 60), (120, 115, 110), (200, 60, 50)


@functools.cache
def varied_frames() -> tuple[Frame, ...]:
    """Roads that bend either way in other lights, with a little noise; always the same ones."""
    rng = np.random.default_rng(0)
    frames = []
    for light in LIGHTS:
        for bend in BENDS:
            noise = rng.normal(0, 4, FRAME_SHAPE)
            frame = np.clip(_road(bend) * light + noise, 0, 255).astype(np.uint8)
            frame.setflags(write=False)
            frames.append(frame)
    return tuple(frames)


def _road(bend: float) -> Frame:
    """A road in perspective, its far end `bend` road widths to the right."""
    frame = np.zeros(FRAME_SHAPE, np.uint8)
    frame[:HORIZON_PX] = SKY
    frame[HORIZON_PX:] = GRASS
    rows = np.arange(HORIZON_PX, FRAME_HEIGHT_PX)
    near = (rows - HORIZON_PX + 1) / (FRAME_HEIGHT_PX - HORIZON_PX)
    middle = FRAME_WIDTH_PX / 2 + bend * 110 * (1 - near) ** 2
    for width, color in ((170.0, EDGE), (155.0, ROAD)):
        half = 8 + width * near
        outline = np.concatenate(
            [np.stack([middle - half, rows], 1), np.stack([middle + half, rows], 1)[::-1]]
        )  # fmt: skip
        cv2.fillPoly(frame, [np.rint(outline).astype(np.int32)], color)
    return frame
