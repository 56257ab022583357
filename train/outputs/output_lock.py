"""One training, or comparison, to one output at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator_bridge.cli.output_file import discard_abandoned, previous_of
from simulator_bridge.errors import UserError
from simulator_bridge.file_lock import FileInUseError, FileLock, NoLocksError

logger = logging.getLogger(__name__)


@contextmanager
def lock_model(output: Path, checkpoint: Path) -> Iterator[None]:
    """Hold a model's place while it is trained, and clear away what killed trainings left unfinished there.

    Raises:
        UserError: If another training holds it, or the folder cannot be written.
    """
    with _locked(output.with_name(f".{output.name}.lock"), f"--output {output}: another training is writing to it"):
        for place in (output, checkpoint, previous_of(output)):
            discard_abandoned(place)
        yield


@contextmanager
def lock_comparison(folder: Path) -> Iterator[None]:
    """Hold the folder of a comparison while it runs.

    Raises:
        UserError: If another comparison holds it, or it cannot be written.
    """
    with _locked(folder / ".comparison.lock", f"--output {folder}: another comparison is writing into it"):
        yield


@contextmanager
def lock_rounds(folder: Path) -> Iterator[None]:
    """Hold the folder of DAgger's rounds while they run, made if it is missing.

    Raises:
        UserError: If others hold it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--folder {folder}: cannot be made: {error.strerror or error}") from error
    with _locked(folder / ".dagger.lock", f"--folder {folder}: other rounds are under way there", "--folder"):
        yield


@contextmanager
def _locked(path: Path, refusal: str, flag: str = "--output") -> Iterator[None]:
    try:
        lock = FileLock(path)
    except FileInUseError as owner:
        raise UserError(f"{refusal} ({owner}); wait for its end, or name another {flag}") from None
    except NoLocksError:
        logger.warning("%s: this file system knows no locks; see to it yourself that nothing else writes there", path)
        yield
        return
    except OSError as error:
        raise UserError(f"{flag}: {path}: cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
