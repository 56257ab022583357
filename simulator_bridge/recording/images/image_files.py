"""Reads the image files of a recording, and checks that they are complete."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from simulator_bridge.errors import ProtocolError, RecordingError
from simulator_bridge.messages import (
    FRAME_HEIGHT_PX,
    FRAME_WIDTH_PX,
    MAX_JPEG_SCANS,
    Frame,
    decode_as_sent,
    decode_frame,
    image_size,
    is_frame_size,
)
from simulator_bridge.recording.recording_file import MAX_IMAGE_BYTES, opened, read_file

_HEAD_BYTES = 1024  # holds the header of every JPEG or PNG that a simulator writes
_TAIL_BYTES = 64  # the end marker, and a few bytes that some programs add after it
_NO_FRAME_HEADER = "truncated image"
_UNDECODABLE = "undecodable image"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the first and the last bytes of an image file tell.

    Attributes:
        damage: What is wrong with it, one of a few reasons, to be counted; None if nothing is.
        size: Width and height, pixels; (0, 0) if unknown.
        signature: Images of equal content have the same, in this process; others hardly ever. 0: unknown.
    """

    damage: str | None
    size: tuple[int, int] = (0, 0)
    signature: int = 0


def examine_image(path: str) -> ImageFacts:
    """Look at the first and last bytes of an image file; nothing is decoded.

    A JPEG or PNG of a camera's size with its end marker has no damage.
    """
    try:
        head, tail, length = _read_ends(path)
        damage, size = _find_damage(head, tail)
        if damage == _NO_FRAME_HEADER and len(head) == _HEAD_BYTES:  # comments may come first
            damage, size = _find_damage(read_file(path, MAX_IMAGE_BYTES), tail)
    except RecordingError as error:
        return ImageFacts(str(error))
    except FileNotFoundError:
        return ImageFacts("missing image")
    except OSError as error:
        return ImageFacts(f"unreadable image ({error.strerror})")
    return ImageFacts(damage, size, hash((length, head, tail)) or 1)


def decode_image(path: str) -> ImageFacts:
    """The same, found by decoding it, some 0.5 ms an image."""
    facts = examine_image(path)
    if facts.damage is None:
        try:
            read_frame(path)
        except RecordingError:
            return ImageFacts(_UNDECODABLE, facts.size, facts.signature)
    return facts


def decode_damage_of(path: str) -> str | None:
    """What is wrong with an image file, found by decoding it; None if nothing is."""
    return decode_image(path).damage


def read_frame(path: str | os.PathLike[str]) -> Frame:
    """Read one image of a recording: (160, 320, 3) uint8 RGB; another size is resized, as the server does.

    >>> read_frame("recordings/lake/forward/IMG/center_2024_01_01_12_00_00_000.jpg").shape
    (160, 320, 3)

    Raises:
        RecordingError: Naming the file and what is wrong with it: missing, empty, truncated, another size, no image.
    """
    return _decode(path, decode_frame)


def read_frame_as_recorded(path: str | os.PathLike[str]) -> Frame:
    """Read one image of a recording in its own size: (height, width, 3) uint8 RGB.

    Raises:
        RecordingError: See `read_frame`.
    """
    return _decode(path, decode_as_sent)


def _decode(path: str | os.PathLike[str], decode: Callable[[bytes], Frame]) -> Frame:
    data = read_frame_file(path)
    try:
        return decode(data)
    except ProtocolError as error:
        raise RecordingError(f"{path}: {_UNDECODABLE}") from error


def read_frame_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of one image of a recording: a JPEG or PNG of a camera's size, with its end marker.

    Raises:
        RecordingError: Naming the file and what is wrong with it.
    """
    try:
        data = read_file(path, MAX_IMAGE_BYTES)
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from None
    except OSError as error:
        raise RecordingError(f"{path}: unreadable image ({error.strerror})") from error
    reason, _ = _find_damage(data, data)
    if reason is not None:
        raise RecordingError(f"{path}: {reason}")
    if data[0] == 0xFF and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise RecordingError(f"{path}: a JPEG of over {MAX_JPEG_SCANS} scans")
    return data


def _read_ends(path: str) -> tuple[bytes, bytes, int]:
    with opened(path, MAX_IMAGE_BYTES) as (descriptor, length):
        head = os.read(descriptor, _HEAD_BYTES)
        if len(head) < _HEAD_BYTES:
            return head, head, length
        os.lseek(descriptor, max(0, length - _TAIL_BYTES), os.SEEK_SET)
        return head, os.read(descriptor, _TAIL_BYTES), length


def _find_damage(head: bytes, tail: bytes) -> tuple[str | None, tuple[int, int]]:
    """What is wrong with an image, by its first and last bytes, and its size; the whole file can be passed as both."""
    if not head:
        return "empty image", (0, 0)
    if not head.startswith((b"\xff\xd8", b"\x89PNG")):
        return "not a JPEG or PNG image", (0, 0)
    try:
        width, height = image_size(head)
    except ProtocolError:
        return _NO_FRAME_HEADER, (0, 0)
    if not is_frame_size(width, height):
        expected = f"expected a camera's, such as {FRAME_WIDTH_PX}x{FRAME_HEIGHT_PX}"
        return f"image of {width}x{height} pixels, {expected}", (width, height)
    end = b"\xff\xd9" if head[0] == 0xFF else b"IEND"
    return (None if end in tail[-_TAIL_BYTES:] else "truncated image"), (width, height)
