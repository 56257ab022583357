"""Functions in old files are read as data, whichever Python stored them; what cannot be read is refused."""

from __future__ import annotations

import marshal
import random
from collections.abc import Callable
from typing import Any

import pytest

from models.legacy.bytecode import function_of
from models.legacy.expressions import (
    Argument,
    Binary,
    Call,
    Constant,
    Function,
    Item,
    Name,
    Sequence,
    Slice,
    from_source,
)
from models.legacy.lambda_source import read_function
from models.legacy.marshal_reader import MAX_BYTES, UnreadableError, read_code
from tests.support.other_models.stored_function import SCALING, lambda_config, marshalled

SCALED = Function(("x",), Binary("-", Binary("/", Argument("x"), Constant(127.5)), Constant(1.0)))


@pytest.mark.parametrize("version", SCALING)
def test_a_function_of_any_python_is_read(version: str) -> None:
    assert function_of(marshalled(version, SCALING[version], (None, 127.5, 1.0))) == SCALED


def test_a_function_of_this_python_is_read() -> None:
    assert function_of(marshal.dumps((lambda x: x / 127.5 - 1.0).__code__)) == SCALED


def test_python_2_divides_whole_numbers_as_it_did() -> None:
    code = marshalled("2.7", "640100 640200 15 53", (None, 1.0, 2.0))
    assert function_of(code).result == Binary("/", Constant(1.0), Constant(2.0))
    whole = code.replace(b"g" + b"\x00" * 6 + b"\xf0\x3f", b"i\x07\x00\x00\x00").replace(
        b"g" + b"\x00" * 7 + b"\x40", b"i\x02\x00\x00\x00"
    )
    assert function_of(whole).result == Binary("//", Constant(7), Constant(2))


def test_names_calls_slices_and_imports_are_read() -> None:
    def prepare(image: Any) -> Any:
        import tensorflow as tf

        small = tf.image.resize_images(image, (66, 200), method=1)
        return small[:, 10:-5, ::2]

    resized = Call(
        Name(("tensorflow", "image", "resize_images")),
        (Argument("image"), Sequence((Constant(66), Constant(200)))),
        (("method", Constant(1)),),
    )
    none = Constant(None)
    key = Sequence((
        Slice(none, none, none), Slice(Constant(10), Constant(-5), none), Slice(none, none, Constant(2)),
    ))  # fmt: skip
    assert function_of(marshal.dumps(prepare.__code__)).result == Item(resized, key)


def test_values_of_an_outer_function_are_those_of_the_file() -> None:
    def make(scale: float) -> Callable[[Any], Any]:
        return lambda x: x / scale

    config = lambda_config(make(2.0), closure=[2.0])
    assert read_function(config).result == Binary("/", Argument("x"), Constant(2.0))
    with pytest.raises(UnreadableError, match="needs the value scale of an outer function"):
        read_function(lambda_config(make(2.0)))


@pytest.mark.parametrize("source", ["lambda x: x / 127.5 - 1.0", "lambda x: x/127.5-1."], ids=["spaced", "tight"])
def test_source_says_the_same_as_bytecode(source: str) -> None:
    assert from_source(source) == SCALED


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x if x is None else 1, "decides, repeats"),
        (lambda x: [y + 1 for y in x], "decides, repeats|instruction|version"),
        (lambda x: (lambda y=1: y)(x), "makes a function with defaults"),
    ],
    ids=["condition", "loop", "defaults"],
)
def test_a_function_that_does_more_is_refused(function: Callable[..., Any], reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        function_of(marshal.dumps(function.__code__))


def test_a_function_that_doubles_itself_again_and_again_is_refused() -> None:
    lines = "\n".join("    x = x + x" for _ in range(60))
    scope: dict[str, Any] = {}
    exec(f"def grow(x):\n{lines}\n    return x", scope)
    with pytest.raises(UnreadableError, match="too long"):
        function_of(marshal.dumps(scope["grow"].__code__))


def test_a_function_known_by_name_only_is_refused() -> None:
    with pytest.raises(UnreadableError, match="calls the function normalise, which is not in the file"):
        read_function({"name": "lambda_1", "function": "normalise"})


def test_broken_bytes_are_refused_and_nothing_else() -> None:
    whole = marshal.dumps((lambda x: x[:, 60:-25] / 127.5 - 1.0).__code__)
    rng = random.Random(0)
    n_read = 0
    for _ in range(2000):
        data = bytearray(whole[: rng.randrange(1, len(whole) + 1)])
        for _ in range(rng.randrange(4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            function_of(bytes(data))
            n_read += 1
        except UnreadableError:
            pass
    assert 0 < n_read < 1000, "some only lose their file name or a line number; most cannot be read"
    assert list(read_code(whole[:-1])) == []
    with pytest.raises(UnreadableError, match="at most"):
        list(read_code(bytes(MAX_BYTES + 1)))


@pytest.mark.parametrize("data", [b"(" * 5000, b"l\xff\xff\xff\x7f", b"(\xff\xff\xff\xff", b"r\x05\x00\x00\x00", b""])
def test_values_that_claim_much_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        function_of(data)
