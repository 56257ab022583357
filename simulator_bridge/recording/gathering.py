"""Reads all recordings of some folders together: each image counts once, whatever logs and recordings name it.

One rule for every command: what a check-up counts is what a training learns from.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.copies import without_copies
from simulator_bridge.recording.folder_scan import (
    IMAGES,
    RECORDING,
    ScanItem,
    images_in,
    scan_for_recordings,
)
from simulator_bridge.recording.images.image_lookup import Check
from simulator_bridge.recording.log.log_format import LOG_NAME
from simulator_bridge.recording.log.steering_unit import SteeringUnit
from simulator_bridge.recording.reader import ReadLog, Recording, read_log

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundRecording:
    """A recording that was found: what could be read of it, or why nothing could."""

    item: ScanItem
    recording: Recording | None
    problem: str = ""


@dataclass(frozen=True)
class UnnamedImages:
    """A folder with images that no row names: how many, and of how many."""

    folder: Path
    n_unnamed: int
    n_images: int

    @property
    def in_words(self) -> str:
        """How many there are, and where."""
        return f"{self.folder}: no row that was read names {self.n_unnamed} of {self.n_images} images"


@dataclass(frozen=True)
class Gathered:
    """All that was found in some folders.

    Attributes:
        found: The recordings, in the order in which they were found; images that an earlier one has are left out.
        unnamed: Folders with images that no row names.
    """

    found: Sequence[FoundRecording]
    unnamed: Sequence[UnnamedImages]

    @property
    def recordings(self) -> list[Recording]:
        """Those that could be read."""
        return [one.recording for one in self.found if one.recording is not None]


def gather_recordings(
    items: Sequence[ScanItem],
    check: Check = "header",
    unit: SteeringUnit | None = None,
    on_read: Callable[[], None] = lambda: None,
    *,
    any_camera: bool = False,
) -> Gathered:
    """Read all recordings among what a scan found; one that cannot be read is among them with its problem.

    Args:
        items: From `scan_folders`; what is no recording only tells where images are.
        check: See `load_recording`.
        unit: Of the steering of logs that do not tell it.
        on_read: Called after each recording.
        any_camera: Rows that only have side images are among them.
    """
    logs: list[tuple[ScanItem, ReadLog | str]] = []
    for item in items:
        if item.kind == RECORDING:
            try:
                logs.append((item, read_log(item.path, check, unit)))
            except RecordingError as error:
                logs.append((item, str(error)))
            on_read()
    read = [log.recording for _, log in logs if isinstance(log, ReadLog)]
    kept = iter(without_copies(read if any_camera else [recording.with_center() for recording in read]))
    found = [
        FoundRecording(item, None, log)
        if isinstance(log, str)
        else FoundRecording(item, _with_addition(item, _with_sides_said(next(kept))))
        for item, log in logs
    ]
    named: dict[str, set[str]] = {}
    folders = {os.path.realpath(item.path): item.path for item in items if item.kind == IMAGES}
    for _, log in logs:
        if isinstance(log, ReadLog):
            for folder, names in log.named.items():
                place = os.path.realpath(folder)
                named.setdefault(place, set()).update(names)
                folders.setdefault(place, Path(folder))  # of a log that was named directly
    return Gathered(found, _unnamed(folders, named))


def load_gathered(
    paths: Sequence[Path], check: Check = "header", unit: SteeringUnit | None = None, *, any_camera: bool = False
) -> Gathered:
    """Find and read all recordings in these folders; see `gather_recordings`.

    Raises:
        RecordingError: If a path is missing or has no recording, or one cannot be read, or none has a usable row. A log
            beside others that cannot be read is left out, with a warning.
    """
    items: dict[tuple[str, str], ScanItem] = {}
    for path in paths:
        for item in scan_for_recordings(path):
            items.setdefault((item.kind, os.path.realpath(item.path)), item)
    gathered = gather_recordings(list(items.values()), check, unit, any_camera=any_camera)
    for one in gathered.found:
        if one.recording is None and not one.item.is_extra:
            raise RecordingError(one.problem)
    if not any(map(len, gathered.recordings)):
        reasons = [_why_empty(one.recording) if one.recording is not None else one.problem for one in gathered.found]
        raise RecordingError("; ".join(reasons[:3]))
    for one in gathered.found:
        if one.recording is None:
            logger.warning("left out: %s", one.problem)
    return gathered


def load_recordings(
    paths: Sequence[Path], check: Check = "header", unit: SteeringUnit | None = None
) -> list[Recording]:
    """Read every recording in these folders, its rows with a center image, each image once; see `load_recording`.

    >>> forward, reverse = load_recordings([Path("recordings/lake")])
    >>> len(forward), forward.n_episodes, forward.steering_angle.dtype
    (189, 1, dtype('float32'))
    >>> sorted(forward.images)
    ['center', 'left', 'right']
    >>> forward.image_path("left", 0).name
    'left_2024_01_01_12_00_00_000.jpg'

    Raises:
        RecordingError: See `load_gathered`. A recording without usable rows is returned if another one has some.
    """
    return load_gathered(paths, check, unit).recordings


def load_only_recording(path: Path) -> Recording:
    """Read the one recording that is in a folder; see `load_recording`.

    Raises:
        RecordingError: If there is none, there are several, or it has no usable row.
    """
    recordings = [recording for recording in load_recordings([path]) if len(recording)]
    if len(recordings) > 1:
        names = ", ".join(_place(recording) for recording in recordings[:3])
        more = ", ..." if len(recordings) > 3 else ""
        raise RecordingError(f"{path}: holds {len(recordings)} recordings ({names}{more}): name one of them")
    return recordings[0]


def _place(recording: Recording) -> str:
    stands_for_folder = recording.log.name.lower() == LOG_NAME or recording.format
    return str(recording.folder if stands_for_folder else recording.log)


def _with_addition(item: ScanItem, recording: Recording) -> Recording:
    """A log beside others, or of another name, says what it adds."""
    if not item.is_extra:
        return recording
    n = len(recording)
    return replace(recording, notes=(f"{recording.log.name} adds {n} row{'s' * (n != 1)}", *recording.notes))


def _with_sides_said(recording: Recording) -> Recording:
    """A recording with rows that only have side images says what they are good for."""
    n = int((~recording.has_image("center")).sum())
    if not n:
        return recording
    said = (
        f"{n} row{'s have' if n != 1 else ' has'} no center image that can be used: trained on by the side images, "
        "neither validated on nor driven"
    )
    return replace(recording, notes=(*recording.notes, said))


def _unnamed(folders: Mapping[str, Path], named: Mapping[str, set[str]]) -> list[UnnamedImages]:
    """Folders with images that no row names."""
    unnamed = []
    for place, folder in folders.items():
        names = images_in(folder)
        n_unnamed = len(names - named.get(place, set()))
        if n_unnamed:
            unnamed.append(UnnamedImages(folder, n_unnamed, len(names)))
    return unnamed


def _why_empty(recording: Recording) -> str:
    reasons = ", ".join(
        f"{reason} ({drop.count} rows, first in line {drop.first_line})" for reason, drop in recording.dropped.items()
    )
    return f"{recording.log}: no row can be used: {reasons}"
