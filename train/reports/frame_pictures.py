"""Frames as pictures of a report: small JPEGs, frames side by side, and what can be decoded of a damaged file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from models.quiet_import import quietly
from simulator_bridge.errors import ProtocolError, RecordingError
from simulator_bridge.messages import (
    FRAME_HEIGHT_PX,
    FRAME_SHAPE,
    FRAME_WIDTH_PX,
    Frame,
    decode_frame,
    encode_frame,
)
from simulator_bridge.recording.images.image_files import read_frame
from simulator_bridge.recording.recording_file import MAX_IMAGE_BYTES, read_file
from simulator_bridge.udacity_car import MAX_STEERING_DEG

QUALITY = 72  # some 9 kB a frame
PLAYER_SIZE_PX, PLAYER_QUALITY = (240, 120), 55  # some 4 kB a frame
SEAM_PX = 4  # between frames side by side
_CROSS_RGB, _GROUND_RGB = (190, 70, 70), (48, 50, 56)


def to_jpeg(frame: Frame) -> bytes:
    """A frame as it goes into a report."""
    return encode_frame(frame, QUALITY)


def to_small_jpeg(frame: Frame) -> bytes:
    """A frame of a player: many of them make up most of a page."""
    is_done, jpeg = cv2.imencode(
        ".jpg",
        cv2.cvtColor(cv2.resize(frame, PLAYER_SIZE_PX, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR),
        [cv2.IMWRITE_JPEG_QUALITY, PLAYER_QUALITY],
    )
    if not is_done:
        raise ValueError("a frame could not be written as a JPEG")
    return jpeg.tobytes()


def side_by_side(*frames: Frame) -> Frame:
    """Frames of one height next to each other, a white seam between them."""
    seam = np.full((frames[0].shape[0], SEAM_PX, 3), 255, np.uint8)
    parts = [frames[0]]
    for frame in frames[1:]:
        parts += [seam, frame]
    return np.concatenate(parts, axis=1)


def frame_and_damage(path: Path) -> tuple[Frame, str | None]:
    """A frame; or what can be decoded of a damaged one, and what is wrong with it."""
    try:
        return read_frame(path), None
    except RecordingError as error:
        return _decodable_part(path), str(error).removeprefix(f"{path}: ")


def _decodable_part(path: Path) -> Frame:
    """The part of a damaged image that decodes, or a crossed-out tile."""
    try:
        data = read_file(path, MAX_IMAGE_BYTES)
        with quietly():  # the decoder prints warnings of its own
            return decode_frame(data + b"\xff\xd9")  # an end for a JPEG that was cut short
    except (OSError, ProtocolError, RecordingError):
        return _crossed_out()


def _crossed_out() -> Frame:
    """A tile for an image of which nothing can be decoded."""
    tile = np.full(FRAME_SHAPE, _GROUND_RGB, np.uint8)
    right, bottom = FRAME_WIDTH_PX - 1, FRAME_HEIGHT_PX - 1
    for start, end in (((0, 0), (right, bottom)), ((right, 0), (0, bottom))):
        cv2.line(tile, start, end, _CROSS_RGB, 3, cv2.LINE_AA)
    return tile


def steering_text(steering_angle: float) -> str:
    """Steering for a caption: `+0.12 (3.0° right)`."""
    degrees = round(abs(steering_angle) * MAX_STEERING_DEG, 1)
    side = f"{degrees}\N{DEGREE SIGN} {'right' if steering_angle > 0 else 'left'}" if degrees else "straight"
    return f"{_signed(steering_angle)} ({side})"


def _signed(steering_angle: float) -> str:
    """Steering with its sign, a minus as in print."""
    return f"{round(steering_angle, 2) + 0.0:+.2f}".replace("-", "\N{MINUS SIGN}")
