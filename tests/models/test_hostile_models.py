"""Model and weights files that were made to break the reader: each is one clear line, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from drive.server import read_facts
from models.files.hdf5_file import open_hdf5
from models.files.weights_file import load_weights_file
from models.loading import load_policy
from models.model_file import load_model_file
from models.occlusion_saliency import seen_rows
from simulator_bridge.errors import ModelFileError
from tests.support.drivable_model import drivable_model

Spoil = Callable[[h5py.File], None]
TERABYTES = (2**20, 2**20)


def set_format(value: Any) -> Spoil:
    return lambda file: file["cloneway"].attrs.__setitem__("format", value)


def set_metadata(value: Any) -> Spoil:
    return lambda file: file["cloneway"].attrs.__setitem__("metadata", value)


def change_metadata(**changes: Any) -> Spoil:
    def spoil(file: h5py.File) -> None:
        metadata = json.loads(file["cloneway"].attrs["metadata"])
        file["cloneway"].attrs["metadata"] = json.dumps({**metadata, **changes})

    return spoil


def drop_metadata(key: str) -> Spoil:
    def spoil(file: h5py.File) -> None:
        metadata = json.loads(file["cloneway"].attrs["metadata"])
        del metadata[key]
        file["cloneway"].attrs["metadata"] = json.dumps(metadata)

    return spoil


def set_flatbuffer(make: Callable[[h5py.Group], Any]) -> Spoil:
    def spoil(file: h5py.File) -> None:
        del file["cloneway/litert"]
        make(file["cloneway"])

    return spoil


def flip_a_byte(file: h5py.File) -> None:
    file["cloneway/litert"][5000] ^= 1


def set_config(value: Any) -> Spoil:
    return lambda file: file.attrs.__setitem__("model_config", value)


def replace(name: str, make: Callable[[h5py.File], Any]) -> Spoil:
    def spoil(file: h5py.File) -> None:
        if name in file:
            del file[name]
        make(file)

    return spoil


def link(target: Any) -> Spoil:
    return lambda file: file.__setitem__("linked", target)


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("virtual", layout)


def commit_type(file: h5py.File) -> None:
    file["kind"] = np.dtype("f4")


def link_in_a_circle(file: h5py.File) -> None:
    file["model_weights/again"] = file["model_weights"]


def one_layer(**changes: Any) -> str:
    return json.dumps({"class_name": "Sequential", "config": {"layers": []}, **changes})


HOSTILE: dict[str, tuple[Spoil, str]] = {
    "no format": (lambda file: file["cloneway"].attrs.__delitem__("format"), "expected its format as a number"),
    "format a text": (set_format("1"), "expected its format as a number"),
    "format an array": (set_format([1, 2]), "expected its format as a number"),
    "format negative": (set_format(-1), "expected its format as a number"),
    "format not a number": (set_format(float("nan")), "expected its format as a number"),
    "format huge": (set_format(2**63 - 1), "format 9223372036854775807, this program reads up to 1"),
    "format empty": (set_format(h5py.Empty("f4")), "expected its format as a number"),
    "group an array": (replace("cloneway", lambda file: file.create_dataset("cloneway", data=[1])), "its format"),
    "metadata missing": (lambda file: file["cloneway"].attrs.__delitem__("metadata"), "metadata as a text"),
    "metadata a number": (set_metadata(7), "metadata as a text"),
    "metadata a list of texts": (set_metadata(["{}", "{}"]), "metadata as a text"),
    "metadata not UTF-8": (set_metadata(np.bytes_(b"\xff\xfe")), "damaged"),
    "metadata no JSON": (set_metadata("{"), "expected JSON"),
    "metadata a list": (set_metadata("[1]"), "expected a JSON object"),
    "metadata deep": (set_metadata("[" * 100_000 + "]" * 100_000), "damaged"),
    "metadata rather deep": (set_metadata('{"a":' * 500 + "1" + "}" * 500), "nested more than 100 deep"),
    "metadata NaN": (change_metadata(note=float("nan")), "NaN is no number of JSON"),
    "metadata a huge number": (set_metadata("9" * 10_000), "damaged"),
    "metadata empty": (set_metadata("{}"), "no 'outputs' in it"),
    "outputs missing": (drop_metadata("outputs"), "no 'outputs' in it"),
    "outputs a text": (change_metadata(outputs="steering_angle"), "outputs: expected a list"),
    "outputs none": (change_metadata(outputs=[]), "outputs: expected steering_angle"),
    "outputs twice": (change_metadata(outputs=["steering_angle", "steering_angle"]), "outputs: expected"),
    "outputs unknown": (change_metadata(outputs=["__class__"]), "outputs: expected"),
    "outputs numbers": (change_metadata(outputs=[1]), "expected a text"),
    "one output too many": (change_metadata(outputs=["steering_angle", "throttle"]), "has 1 outputs"),
    "preprocessing a list": (change_metadata(preprocessing=[1]), "preprocessing: expected an object"),
    "crop negative": (change_metadata(preprocessing={"crop_px": [-1, 0], "image_size": [9, 9]}), "crop_px: expected"),
    "crop of all": (change_metadata(preprocessing={"crop_px": [80, 80], "image_size": [9, 9]}), "crop_px: expected"),
    "crop of one": (change_metadata(preprocessing={"crop_px": [8], "image_size": [9, 9]}), "crop_px: expected"),
    "crop a text": (change_metadata(preprocessing={"crop_px": "ab", "image_size": [9, 9]}), "crop_px: expected"),
    "image huge": (change_metadata(preprocessing={"crop_px": [0, 0], "image_size": [10**6, 9]}), "image_size: exp"),
    "parity a text": (change_metadata(parity="good"), "parity: expected an object"),
    "versions a list": (change_metadata(versions=[1]), "versions: expected an object"),
    "fingerprint a number": (change_metadata(data={"fingerprint": 1}), "fingerprint: expected a text"),
    "recordings a number": (change_metadata(training={"recordings": 1}), "recordings: expected a list"),
    "flatbuffer missing": (set_flatbuffer(lambda group: None), "LiteRT model is missing or damaged"),
    "flatbuffer a group": (set_flatbuffer(lambda group: group.create_group("litert")), "LiteRT model is missing"),
    "flatbuffer floats": (set_flatbuffer(lambda group: group.__setitem__("litert", np.ones(9))), "expected bytes"),
    "flatbuffer of rank 2": (
        set_flatbuffer(lambda group: group.__setitem__("litert", np.ones((9, 9), np.uint8))),
        "expected bytes",
    ),
    "flatbuffer without a space": (
        set_flatbuffer(lambda group: group.__setitem__("litert", h5py.Empty("u1"))),
        "damaged",
    ),
    "flatbuffer empty": (set_flatbuffer(lambda group: group.create_dataset("litert", (0,), "u1")), "damaged"),
    "flatbuffer of zeros": (
        set_flatbuffer(lambda group: group.__setitem__("litert", np.zeros(9999, np.uint8))),
        "damaged",
    ),
    "flatbuffer only a head": (
        set_flatbuffer(lambda group: group.__setitem__("litert", np.frombuffer(b"\xff\xff\xff\x7fTFL3" * 4, "u1"))),
        "damaged",
    ),
    "flatbuffer of terabytes": (
        set_flatbuffer(lambda group: group.create_dataset("litert", (2**40,), "u1", chunks=(2**20,))),
        "claim 1,099,.* at most .* are believed",
    ),
    "flatbuffer a bomb": (
        set_flatbuffer(
            lambda group: group.create_dataset("litert", data=np.zeros(2**28, np.uint8), compression=9, chunks=(2**24,))
        ),
        "claim .* at most .* are believed",
    ),
    "flatbuffer damaged by one bit": (flip_a_byte, "another SHA-256"),
    "digest a number": (lambda file: file["cloneway/litert"].attrs.__setitem__("sha256", 5), "another SHA-256"),
    "architecture a number": (set_config(5), "model_config as a text"),
    "architecture a list": (set_config("[1]"), "expected a JSON object"),
    "architecture deep": (set_config("[" * 100_000), "damaged"),
    "architecture without a class": (set_config("{}"), "expected a class_name"),
    "architecture with a number as its class": (set_config(one_layer(class_name=5)), "expected a class_name"),
    "architecture with a number as its config": (set_config(one_layer(config=5)), "expected a class_name"),
    "weights an array": (
        replace("model_weights", lambda file: file.__setitem__("model_weights", [1])),
        "no architecture in it",
    ),
    "weights of objects": (
        lambda file: file["model_weights"].create_dataset("x", (1,), h5py.string_dtype()),
        "/model_weights/x has values of type object",
    ),
    "weights of references": (
        lambda file: file["model_weights"].create_dataset("x", (1,), h5py.ref_dtype),
        "/model_weights/x has values of type object",
    ),
    "weights of records": (
        lambda file: file["model_weights"].create_dataset("x", (1,), [("a", "f4")]),
        "/model_weights/x has values of type",
    ),
    "an attribute of references": (
        lambda file: file.attrs.create("x", file.ref, dtype=h5py.ref_dtype),
        "attribute x has values of type object",
    ),
    "weights of terabytes": (
        lambda file: file["model_weights"].create_dataset("x", TERABYTES, chunks=True),
        "claim 4,398,.* are believed",
    ),
    "an external link": (link(h5py.ExternalLink("/etc/passwd", "/")), "/linked is a link to another file"),
    "a soft link to itself": (link(h5py.SoftLink("/linked")), "/linked is a soft link"),
    "external storage": (
        lambda file: file.create_dataset("outside", (4,), "u1", external=[("/etc/passwd", 0, 4)]),
        "/outside is stored in another file",
    ),
    "a virtual dataset": (virtual, "/virtual is stored in another file"),
    "a circle": (link_in_a_circle, "is linked in two places"),
    "a named type": (commit_type, "/kind is a type of its own"),
    "a name of control characters": (
        lambda file: file.create_dataset("\x1b[2J", (1,), h5py.string_dtype()),
        r"/\\x1b\[2J has values of type object",
    ),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.h5"
    path.write_bytes(drivable_model().read_bytes())
    return path


@pytest.mark.parametrize(("spoil", "message"), HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_file_is_refused_in_one_line(path: Path, spoil: Spoil, message: str) -> None:
    with h5py.File(path, "r+") as file:
        spoil(file)

    with pytest.raises(ModelFileError, match=message) as caught:
        load_policy(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("read", [read_facts, seen_rows, load_model_file], ids=lambda read: read.__name__)
def test_whoever_reads_a_model_file_reads_it_checked(path: Path, read: Callable[[Path], Any]) -> None:
    read(path)
    with h5py.File(path, "r+") as file:
        change_metadata(preprocessing={"crop_px": "ab"})(file)

    with pytest.raises(ModelFileError, match="train the model again"):
        read(path)


def test_a_file_without_a_digest_is_read_as_before(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["cloneway/litert"].attrs["sha256"]

    assert load_policy(path) is not None


def test_a_keras_version_of_another_type_or_with_control_characters_is_shown_safely(path: Path) -> None:
    for value in ("3\x1b[31m\n" + "9" * 1000, [1, 2], 5, h5py.Empty("f4")):
        with h5py.File(path, "r+") as file:
            file.attrs["keras_version"] = value
        shown = load_model_file(path).keras_version
        assert shown.isprintable()
        assert len(shown) <= 20


def never_built(_: float) -> Any:
    raise AssertionError("a network was built for a hostile file")


@pytest.mark.parametrize("name", ["an external link", "a virtual dataset", "external storage", "weights of terabytes"])
def test_a_hostile_weights_file_is_refused_before_a_network_is_built(path: Path, name: str) -> None:
    spoil, message = HOSTILE[name]
    with h5py.File(path, "r+") as file:
        spoil(file)

    with pytest.raises(ModelFileError, match=message):
        load_weights_file("mobilenet", never_built, (1.0,), path)


def test_an_array_that_is_listed_over_and_over_is_not_read_so_often(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(10_000, np.float32)
        file.attrs["weight_names"] = np.array([b"x", b"./x"] * 500)

    with pytest.raises(ModelFileError, match="lists weights of 40,000,000 bytes"), open_hdf5(path):
        pass


def test_a_file_larger_than_the_limit_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"0" * 2000)

    with (
        pytest.raises(ModelFileError, match="at most 1,000 bytes, it has 2,000"),
        open_hdf5(tmp_path / "model.h5", 1000),
    ):
        pass


def test_a_filter_that_hdf5_would_load_from_a_plugin_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_chunk((4,))
        layout.set_deflate(1)
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((4,)), layout)
    deflate, blosc = (number.to_bytes(2, "little") for number in (1, 32001))
    content = path.read_bytes()
    marked = content.replace(
        deflate + b"\x08\x00\x01\x00\x01\x00deflate\0", blosc + b"\x08\x00\x01\x00\x01\x00deflate\0"
    )
    assert marked != content
    path.write_bytes(marked)

    with pytest.raises(ModelFileError, match="compressed in a way that needs a plugin"), open_hdf5(path):
        pass
