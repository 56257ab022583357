"""A model whose place refuses it, on a full disk or in a deleted folder, is kept elsewhere until the place takes it."""

from __future__ import annotations

import logging
import os
import secrets
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from models.saving import CannotWriteError
from simulator_bridge.cli.interrupts import WINDOWS
from simulator_bridge.cli.output_file import replacing

TRY_AGAIN_S = 60.0  # for so long, when the model is safe
TRY_ON_S = 600.0  # ... and when it is nowhere yet
PAUSE_S = 5.0  # between two attempts
IN_MEMORY = "/dev/shm"  # the last resort: what Linux keeps there is gone after a restart

logger = logging.getLogger(__name__)

Saved = TypeVar("Saved")


def save_safely(
    output: Path,
    save: Callable[[Path], Saved],
    *,
    keep_previous: bool,
    pause: Callable[[float], None] = time.sleep,
) -> Saved:
    """Save a model; where its place refuses it, keep it elsewhere at once, say so, and try on for a while.

    Ctrl-C ends the waiting.

    Args:
        output: Its place.
        save: Writes the model to a place; raises CannotWriteError where that refuses it.
        keep_previous: Whether what is at `output` is kept, see `previous_of`.
        pause: Waits so many seconds.

    Returns:
        What `save` returned.

    Raises:
        CannotWriteError: If the place never took the model; says where it is and how to move it.
    """
    try:
        return save(output)
    except CannotWriteError as error:
        refusal = str(error)
    kept, saved = _keep_elsewhere(output, save)
    wait_s = TRY_AGAIN_S if kept else TRY_ON_S
    where = f"the model is safe in {kept}" if kept else "there is no other place for the model"
    logger.warning("%s; %s; make room: it is tried again for %.0f s, until Ctrl-C", refusal, where, wait_s)
    with suppress(KeyboardInterrupt):
        for number in range(round(wait_s / PAUSE_S) + 1):
            if number:
                pause(PAUSE_S)
            with suppress(CannotWriteError):
                if kept is None or saved is None:
                    return save(output)
                with replacing(output, CannotWriteError, keep_previous=keep_previous) as partial:
                    shutil.copyfile(kept, partial)
                kept.unlink()
                return saved
    if kept is None:
        raise CannotWriteError(f"{refusal}; nothing was saved")
    raise CannotWriteError(f"{refusal}; the model is in {kept}, once there is room: {_move(kept, output)}")


def _keep_elsewhere(output: Path, save: Callable[[Path], Saved]) -> tuple[Path | None, Saved | None]:
    """Save the model in the first folder that takes it."""
    for folder in _other_folders():
        place = folder / f"{output.stem}-{secrets.token_hex(4)}{output.suffix}"
        with suppress(CannotWriteError), _temporary_files_in(folder):
            return place, save(place)
    return None, None


def _other_folders() -> list[Path]:
    names = [os.path.expanduser("~"), IN_MEMORY]
    with suppress(OSError):  # no folder for temporary files has room
        names.insert(1, tempfile.gettempdir())
    return [Path(name) for name in names if os.path.isdir(name)]


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Where there is room for the model there is room for what its conversion needs."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _move(kept: Path, output: Path) -> str:
    if WINDOWS:
        return f'move "{kept}" "{output}"'
    return shlex.join(["mv", str(kept), str(output)])
