"""RFC 6455, on both transports: the cases of the Autobahn testsuite, and what the standard asks for beyond them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from simulator_bridge.pages.live_channel import LiveChannel, Update
from simulator_bridge.pages.served_pages import ServedPages
from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.transport.websocket_frames import CLOSE, CONTINUATION, PING, PONG, TEXT
from tests.fuzz_websockets import judge_all
from tests.support.running_server import DRIVEN, ask, connect, http, running_server, wire_telemetry
from tests.support.websockets.echo_websocket import echo_server
from tests.support.websockets.raw_websocket import MASK, Frame, RawWebSocket, frame
from tests.websocket_cases import GREEK, INVALID, PROTOCOL_ERROR, quick_cases


@pytest.fixture(params=TRANSPORTS, scope="module")
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with echo_server(request.param) as server:
        yield server.port


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def everything(port: int, *data: bytes) -> list[Frame]:
    """Send it; all that comes back until the server hangs up."""
    with RawWebSocket(port) as peer:
        for piece in data:
            peer.write(piece)
        return list(iter(peer.read, None))


def closed_with(code: int | None) -> list[Frame]:
    return [Frame(CLOSE, b"" if code is None else code.to_bytes(2, "big"))]


def test_all_of_autobahns_cases_but_the_long_ones_are_passed_strictly(port: int) -> None:
    counts, lines = judge_all(port, quick_cases())
    assert {line.split(" ", 1)[0] for line in lines} == {"7.1.6", "7.13.1", "7.13.2"}, lines
    n_passed = {section: found["passed"] for section, found in counts.items()}
    assert n_passed == {1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 34, 10: 1}


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
def test_a_close_is_answered_with_its_code(port: int, code: int) -> None:
    assert everything(port, close(code, "Auf Wiederhören".encode())) == closed_with(code)


@pytest.mark.parametrize(
    "code", [0, 1, 999, 1004, 1005, 1006, 1012, 1013, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
)
def test_a_close_code_that_no_peer_may_send_is_a_protocol_error(port: int, code: int) -> None:
    assert everything(port, close(code)) == closed_with(PROTOCOL_ERROR)


def test_a_close_without_a_code_is_answered_without_one(port: int) -> None:
    assert everything(port, frame(CLOSE)) == closed_with(None)


def test_close_frames_of_one_byte_and_with_reasons_that_are_not_utf8_are_refused(port: int) -> None:
    assert everything(port, frame(CLOSE, b"\x03")) == closed_with(PROTOCOL_ERROR)
    assert everything(port, close(1000, b"\xff")) == closed_with(INVALID)
    assert everything(port, close(1000, "é".encode()[:1])) == closed_with(INVALID)


@pytest.mark.parametrize(
    "after",
    [frame(TEXT, b"more"), frame(PING), frame(CLOSE), close(1001), b"\xff\xff rubbish", frame(CONTINUATION)],
    ids=["text", "ping", "close", "another close", "rubbish", "fragment"],
)
def test_what_follows_a_close_is_ignored(port: int, after: bytes) -> None:
    assert everything(port, close(1000) + after) == closed_with(1000)
    assert everything(port, frame(TEXT, b"first") + close(3000) + after) == [Frame(TEXT, b"first"), *closed_with(3000)]


@pytest.mark.parametrize(
    "head",
    [b"\x81\xfe\x00\x7d", b"\x81\xff" + (65535).to_bytes(8, "big"), b"\x82\xff" + bytes(8),
     b"\x81\xff" + (1 << 63).to_bytes(8, "big")],
    ids=["125 in two bytes", "65535 in eight", "0 in eight", "the highest bit"],
)  # fmt: skip
def test_a_length_in_more_bytes_than_needed_is_a_protocol_error(port: int, head: bytes) -> None:
    assert everything(port, head + MASK) == closed_with(PROTOCOL_ERROR)


def test_text_is_refused_at_the_byte_that_spoils_it_wherever_it_is_cut(port: int) -> None:
    text = GREEK + b"\xed\xa0"
    whole = frame(TEXT, text + b"and more that never comes" * 5000)
    at = whole.index(MASK) + len(MASK)
    for cuts in ((), (1,), (2, 3), (5, 11), range(1, len(text))):
        ends = [0, *(at + cut for cut in cuts), at + len(text)]
        pieces = [whole[begin:end] for begin, end in itertools.pairwise(ends)]
        assert everything(port, *pieces) == closed_with(INVALID)
    assert everything(port, frame(TEXT, text[:-1], final=False), frame(CONTINUATION, text[-1:], final=False)) == (
        closed_with(INVALID)
    )


def test_text_that_ends_within_a_character_is_refused_and_one_that_is_whole_is_not(port: int) -> None:
    euro = "€".encode()
    assert everything(port, frame(TEXT, euro[:1], final=False), frame(CONTINUATION, euro[1:2])) == closed_with(INVALID)
    pieces = [frame(TEXT, euro[:1], final=False), frame(PING, b"?"), frame(CONTINUATION, euro[1:])]
    assert everything(port, *pieces, close(1000)) == [Frame(PONG, b"?"), Frame(TEXT, euro), *closed_with(1000)]


HANDSHAKE = {
    "": "GET {path} HTTP/1.1", "Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip
SOCKET_IO, LIVE = "/socket.io/?EIO=4&transport=websocket", "/live"


@pytest.fixture(params=TRANSPORTS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[BridgeServer]:
    pages = ServedPages("/page")
    pages.add_channel(LIVE, LiveChannel(lambda view: Update({}), lambda viewer, message: None))
    with running_server(pages=pages, transport=request.param) as running:
        yield running


def status(server: BridgeServer, path: str, changes: dict[str, str | None]) -> bytes:
    fields = {**HANDSHAKE, **changes}
    lines = [
        f"{name}: {value}" if name else value.format(path=path) for name, value in fields.items() if value is not None
    ]
    answer = http(server, "\n".join(lines))
    assert b"Traceback" not in answer
    return answer.split(b" ", 2)[1]


@pytest.mark.parametrize("path", [SOCKET_IO, LIVE])
@pytest.mark.parametrize(
    "changes",
    [{}, {"Upgrade": "WebSocket"}, {"Connection": "keep-alive, upgrade"}, {"Connection": "Upgrade,Keep-Alive"},
     {"Sec-WebSocket-Extensions": "permessage-deflate"}, {"User-Agent": "websocket-sharp/1.0"}],
    ids=str,
)  # fmt: skip
def test_a_handshake_as_browsers_and_simulators_send_it_is_accepted(
    server: BridgeServer, path: str, changes: dict[str, str | None]
) -> None:
    assert status(server, path, changes) == b"101"


@pytest.mark.parametrize("path", [SOCKET_IO, LIVE])
@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"": "GET {path} HTTP/1.0"}, b"400"),
        ({"Upgrade": None}, b"400"),
        ({"Upgrade": "h2c"}, b"400"),
        ({"Connection": None}, b"400"),
        ({"Connection": "keep-alive"}, b"400"),
        ({"Connection": "not-upgrade"}, b"400"),
        ({"Sec-WebSocket-Key": None}, b"400"),
        ({"Sec-WebSocket-Key": ""}, b"400"),
        ({"Sec-WebSocket-Key": "c2hvcnQ="}, b"400"),
        ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZSBsb25n"}, b"400"),
        ({"Sec-WebSocket-Key": "not base64 at all, really"}, b"400"),
        ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ\xe9="}, b"400"),
        ({"Sec-WebSocket-Version": None}, b"426"),
        ({"Sec-WebSocket-Version": "8"}, b"426"),
        ({"Sec-WebSocket-Version": "13, 8"}, b"426"),
        ({"": "PUT {path} HTTP/1.1"}, b"405"),
        ({"": "HEAD {path} HTTP/1.1"}, b"405"),
    ],
    ids=str,
)
def test_a_handshake_that_lacks_something_is_refused_and_the_server_serves_on(
    server: BridgeServer, path: str, changes: dict[str, str | None], wanted: bytes
) -> None:
    assert status(server, path, changes) == wanted
    with connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN


def test_a_live_page_is_not_posted_to(server: BridgeServer) -> None:
    assert status(server, LIVE, {"": "POST {path} HTTP/1.1", "Content-Length": "0"}) == b"405"


def test_the_version_that_is_spoken_is_said(server: BridgeServer) -> None:
    answer = http(server, f"GET {LIVE} HTTP/1.1\nHost: 127.0.0.1\nConnection: close")
    assert answer.startswith(b"HTTP/1.1 426 ") or answer.startswith(b"HTTP/1.0 426 ")
    assert b"\r\nsec-websocket-version: 13\r\n" in answer.lower()
