"""Reads .keras files, which are zip archives, as data: the architecture as JSON, the weights as an HDF5 file."""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from models.files.hdf5_file import MAX_BYTES, MAX_RATIO, MAX_TEXT_BYTES
from models.files.json_object import read_json_object
from simulator_bridge.errors import ModelFileError
from simulator_bridge.printable_text import one_line

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_ENTRIES = 100


def read_archive(path: Path) -> tuple[Mapping[str, Any], str]:
    """The architecture in a .keras file, and the Keras that wrote it.

    Raises:
        ModelFileError: If it is damaged, or something else.
    """
    with _open(path) as archive:
        architecture = read_json_object(_text(path, archive, CONFIG), f"{path}: its architecture")
        metadata = {}
        if METADATA in archive.namelist():
            metadata = read_json_object(_text(path, archive, METADATA), f"{path}: its metadata")
        return architecture, one_line(metadata.get("keras_version", "3"), 20)


@contextlib.contextmanager
def weights_of_archive(path: Path) -> Iterator[Path]:
    """The weights in a .keras file, as a file of their own while the body runs.

    Raises:
        ModelFileError: If they are missing, or larger than the file can hold.
    """
    with _open(path) as archive, tempfile.TemporaryDirectory() as folder:
        limit = min(MAX_BYTES, MAX_RATIO * path.stat().st_size)
        weights = Path(folder, WEIGHTS)
        weights.write_bytes(_read(path, archive, WEIGHTS, limit))
        yield weights


@contextlib.contextmanager
def _open(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MAX_ENTRIES:
                raise ModelFileError(f"{path}: expected a .keras file, this zip has more than {MAX_ENTRIES} entries")
            if CONFIG not in archive.namelist():
                raise ModelFileError(
                    f"{path}: expected a .keras file, this zip has no {CONFIG}; unpack it, pass what is in it"
                )
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise ModelFileError(f"{path}: a .keras file that is truncated or damaged ({one_line(error)})") from error


def _text(path: Path, archive: zipfile.ZipFile, name: str) -> str:
    try:
        return _read(path, archive, name, MAX_TEXT_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path}: its {name} is damaged: expected text; copy it anew") from error


def _read(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    if name not in archive.namelist():
        raise ModelFileError(f"{path}: expected a .keras file with {name} in it; save it again")
    with archive.open(name) as file:
        try:
            data = file.read(limit + 1)
        except Exception as error:  # zlib's and others', of what is damaged
            raise ModelFileError(f"{path}: its {name} is damaged ({one_line(error)}); copy it anew") from error
    if len(data) > limit:
        raise ModelFileError(f"{path}: its {name} has more than {limit:,} bytes, which are not believed")
    return data
