"""Writes recordings into a new folder, in one of three formats; whole, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simulator_bridge.cli.output_file import new_folder
from simulator_bridge.errors import RecordingError, UserError
from simulator_bridge.recording import CAMERAS, LOG_NAME, Recording

Format = Literal["udacity", "donkey", "lerobot"]


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        recordings: Those that had rows.
        folders: Of each recording, or of all together.
        notes: What the user should know, one sentence each.
    """

    recordings: Sequence[Recording]
    folders: Sequence[Path]
    notes: Sequence[str]


def check_target(source: Path, target: Path) -> None:
    """Refuse a target that exists, or that would be part of what is read.

    Raises:
        UserError: Naming what to do.
    """
    if target.exists() or target.is_symlink():
        raise UserError(f"{target}: exists already, and nothing is written over it; name a new folder")
    if source.resolve() in target.resolve().parents:
        raise UserError(f"{target} is in {source}, where it would be found as a recording, too; name a folder outside")


def write_recordings(recordings: Sequence[Recording], target: Path, to: Format) -> Converted:
    """Write all rows of some recordings into a new folder: a LeRobot dataset, or a folder for each recording.

    Args:
        recordings: Those without rows are left out.
        target: Must not exist.
        to: The format.

    Raises:
        UserError: If the target exists, an image cannot be read, or the disk refuses.
    """
    recordings = [recording for recording in recordings if len(recording)]
    notes: list[str] = []
    with new_folder(target) as partial:
        if to == "lerobot":
            from simulator_bridge.conversion.lerobot_writer import write_lerobot  # Arrow takes time to import

            notes += write_lerobot(recordings, partial)
            return Converted(recordings, [target], notes)
        from simulator_bridge.conversion.donkey_writer import write_donkey
        from simulator_bridge.conversion.udacity_writer import write_udacity

        write = write_udacity if to == "udacity" else write_donkey
        names = [""] if len(recordings) == 1 else folder_names(recordings)
        for recording, name in zip(recordings, names, strict=True):
            write(recording, partial / name)
        return Converted(recordings, [target / name for name in names], notes)


def folder_names(recordings: Sequence[Recording]) -> list[str]:
    """A name for the folder of each recording: its own folder's, or its log's, numbered where several have one."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for recording in recordings:
        of_folder = recording.format or recording.log.name.lower() == LOG_NAME
        name = (recording.folder.resolve().name if of_folder else recording.log.stem) or "recording"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    if len(set(names)) < len(names):
        raise RecordingError(f"the folders of the recordings have names that cannot be told apart: {names}")
    return names


def cameras_of(recordings: Sequence[Recording]) -> list[str]:
    """The cameras that any of the recordings has."""
    return [camera for camera in CAMERAS if any(recording.has_image(camera).any() for recording in recordings)]
