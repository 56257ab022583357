from __future__ import annotations

import json
import random
from typing import Any

import pytest

from simulator_bridge.donkey import json_stream
from simulator_bridge.donkey.json_stream import JsonStream, LostStreamError
from simulator_bridge.errors import ProtocolError

MESSAGES: list[dict[str, Any]] = [
    {"msg_type": "telemetry", "image": "QUJD" * 500, "speed": 1.5, "lidar": [{"rx": 1.0, "d": 2.0}]},
    {"msg_type": "car_config", "car_name": 'a "}{" \\ b\n', "nested": {"list": [[], {}]}},
    {"msg_type": "control", "steering": "0.1"},
]


def everything(stream: JsonStream) -> list[dict[str, Any]]:
    found = []
    while (message := stream.next()) is not None:
        found.append(message)
    return found


@pytest.mark.parametrize("between", ["", "\n", "\r\n  \n"], ids=["nothing", "newline", "blanks"])
def test_messages_are_found_however_they_are_cut(between: str) -> None:
    text = (between.join(json.dumps(message) for message in MESSAGES * 3)).encode()
    for seed in range(20):
        rng, stream, found, at = random.Random(seed), JsonStream(), list[dict[str, Any]](), 0
        while at < len(text):
            size = rng.choice((1, 2, 3, 17, 1000, 5000))
            stream.feed(text[at : at + size])
            at += size
            found += everything(stream)
        assert found == MESSAGES * 3


def test_decimal_commas_are_read_where_unity_writes_them() -> None:
    stream = JsonStream()
    stream.feed(b'{"msg_type":"telemetry","speed":1,25,"cte":-0,5,"n":3,"time":1,5E-05}')
    assert stream.next() == {"msg_type": "telemetry", "speed": 1.25, "cte": -0.5, "n": 3, "time": 1.5e-05}


@pytest.mark.parametrize(
    "bad", [b'{"msg_type": }', b'{"no_type": 1}', b'{"msg_type": 5}', b'{"msg_type": "\xff"}', b'{"a" "b"}']
)
def test_a_message_that_is_none_is_skipped(bad: bytes) -> None:
    stream = JsonStream()
    stream.feed(bad + b'\n{"msg_type":"ping"}')
    with pytest.raises(ProtocolError, match="expected"):
        stream.next()
    assert stream.next() == {"msg_type": "ping"}


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"}", b"[1]", b'{"a":' * 100])
def test_what_is_no_stream_of_objects_is_said(data: bytes) -> None:
    stream = JsonStream()
    stream.feed(data)
    with pytest.raises(LostStreamError, match="expected"):
        stream.next()


def test_a_message_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_MESSAGE_BYTES", 1000)
    stream = JsonStream()
    stream.feed(b'{"image": "' + b"A" * 900)
    assert stream.next() is None
    stream.feed(b"A" * 100)
    with pytest.raises(LostStreamError, match="up to 1000 bytes"):
        stream.next()
