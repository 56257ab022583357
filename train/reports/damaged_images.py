"""Damaged images, whose rows were left out or have side images only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator_bridge.recording import Recording, load_recording
from simulator_bridge.recording.images.image_files import decode_damage_of


@dataclass(frozen=True)
class DamagedImage:
    """A damaged image that left a row out, or took its center image.

    Attributes:
        line: In the log, from 1.
        camera: Whose image.
        path: The file.
        reason: What is wrong with it.
    """

    line: int
    camera: str
    path: str
    reason: str


def find_damaged_images(
    recording: Recording, n: int, damage_of: Callable[[str], str | None] = decode_damage_of
) -> list[DamagedImage]:
    """The first `n` damaged images of a recording whose rows were left out, or have side images only.

    Missing files are not among them.
    """
    recording = recording.with_center()
    if not recording.dropped:
        return []
    listed = load_recording(recording.log, check="listed")
    left_out = np.flatnonzero(np.isin(listed.line, recording.line, invert=True))
    found: list[DamagedImage] = []
    for row in left_out.tolist():
        for camera, paths in listed.images.items():
            reason = damage_of(paths.string(row)) if paths.present[row] else None
            if reason is not None:
                found.append(DamagedImage(int(listed.line[row]), camera, paths.string(row), reason))
        if len(found) >= n:
            break
    return found[:n]
