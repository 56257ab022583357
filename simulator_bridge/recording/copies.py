"""Finds images that several logs or recordings name, by content: an image counts once.

Images of which the first and last bytes and the length agree are compared whole; no other is read again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.reader import Recording
from simulator_bridge.recording.recording_file import MAX_IMAGE_BYTES, read_file

AGAIN = "image again, of another row or log"


def without_copies(recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings without rows whose image an earlier row has, in the same recording or one before.

    The image is that of the center camera, or else of a side camera. Within a recording equal images that follow each
    other are no copies: the car stood, or the recorder stalled.
    """
    return [
        recording.take(~copies, dict.fromkeys(recording.line[copies].tolist(), AGAIN)) if copies.any() else recording
        for recording, copies in zip(recordings, find_copies(recordings), strict=True)
    ]


def find_copies(recordings: Sequence[Recording]) -> list[npt.NDArray[np.bool_]]:
    """(N,) of each recording: which rows have an image that an earlier row has."""
    copies = [np.zeros(len(recording), bool) for recording in recordings]
    if not recordings:
        return copies
    signature = np.concatenate([recording.signature for recording in recordings])
    number = np.repeat(np.arange(len(recordings)), [len(recording) for recording in recordings])
    row = np.concatenate([np.arange(len(recording)) for recording in recordings])
    order = np.argsort(signature, kind="stable")
    order = order[signature[order] != 0]
    for group in np.split(order, np.flatnonzero(np.diff(signature[order])) + 1):
        if len(group) > 1:
            _mark([(int(number[i]), int(row[i])) for i in group], recordings, copies)
    return copies


def _mark(
    places: Sequence[tuple[int, int]], recordings: Sequence[Recording], copies: list[npt.NDArray[np.bool_]]
) -> None:
    """Mark the copies among rows (recording, row), in order, of which the images are likely to be equal."""
    if all(one[0] == other[0] and one[1] + 1 == other[1] for one, other in pairwise(places)):
        return  # a car that stood: not even worth a look at the files
    images = [_first_image(recordings[number], row) for number, row in places]
    contents = [os.path.join(os.path.realpath(folder), name) for folder, name in images]
    if len(set(contents)) > 1:
        content_of = {file: _content_of(file) for file in set(contents)}
        contents = [content_of[file] for file in contents]
    last_of: dict[str, tuple[int, int]] = {}  # content -> last row of the run that may have it
    for content, (number, row) in zip(contents, places, strict=True):
        last = last_of.get(content)
        if last is None or last == (number, row - 1):
            last_of[content] = number, row
        else:
            copies[number][row] = True


def _first_image(recording: Recording, row: int) -> tuple[str, str]:
    return recording.images[recording.first_camera(row)].folder_and_name(row)


def _content_of(file: str) -> str:
    """Tells the content of a file; where it cannot be read, the file."""
    try:
        return hashlib.blake2b(read_file(file, MAX_IMAGE_BYTES), digest_size=16).hexdigest()
    except (OSError, RecordingError):
        return file
