"""Heaps of HDF5 files whose objects have no end: HDF5 would read them for ever."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from models.files.global_heap import check_heaps
from models.model_file import load_model_file
from simulator_bridge.errors import ModelFileError

HEAD_BYTES = 16


@pytest.fixture
def file_with_texts(tmp_path: Path) -> Path:
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}" * 300
        file.attrs["names"] = ["a", "b" * 5000, ""]
        file["model_weights"] = np.zeros(10)
    return path


def test_heaps_as_hdf5_writes_them_are_whole(file_with_texts: Path) -> None:
    check_heaps(file_with_texts)


@pytest.mark.parametrize("reserved", [b"\0\0\0", b"\xfc\xff\xff"])
@pytest.mark.parametrize("n_zeros", [64, 1000])
def test_a_heap_without_an_end_is_refused_before_hdf5_reads_it(
    file_with_texts: Path, n_zeros: int, reserved: bytes
) -> None:
    content = bytearray(file_with_texts.read_bytes())
    start = content.index(b"GCOL")
    content[start + 5 : start + 8] = reserved
    at = start + HEAD_BYTES + 8
    content[at : at + n_zeros] = bytes(n_zeros)
    content[at - 8] = 1
    file_with_texts.write_bytes(content)
    with pytest.raises(ModelFileError, match="does not fit in it"):
        load_model_file(file_with_texts)


def test_a_heap_that_claims_more_than_the_file_is_refused(file_with_texts: Path) -> None:
    content = bytearray(file_with_texts.read_bytes())
    at = content.index(b"GCOL") + 8
    content[at : at + 8] = (1 << 40).to_bytes(8, "little")
    file_with_texts.write_bytes(content)
    with pytest.raises(ModelFileError, match="claims"):
        load_model_file(file_with_texts)
