"""What the server makes of broken websockets, broken HTTP and browsers that have no business here; both transports."""

from __future__ import annotations

import math
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.transport.legacy_clients import MAX_SESSIONS
from simulator_bridge.transport.simulator_client import ConnectionLostError
from tests.support.running_server import DRIVEN, ask, connect, http, running_server, wire_telemetry


@pytest.fixture(params=TRANSPORTS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[BridgeServer]:
    with running_server(transport=request.param) as running:
        yield running


def test_a_message_over_the_limit_ends_that_connection_only(server: BridgeServer) -> None:
    with connect(server) as client, connect(server) as other:
        client._send(b"\x81\xff" + struct.pack(">Q", 100_000_000) + b"mask")
        with pytest.raises(ConnectionLostError):
            client.wait_for("steer")
        assert ask(other, wire_telemetry()) == DRIVEN


@pytest.mark.parametrize(
    "frame",
    [b"\x81\x05hello", b"\xc1\x80mask", b"\x83\x80mask", b"\x80\x80mask", b"\x09\x80mask", b"\x89\xfe\x00\x80mask",
     b"\x81\x82\0\0\0\0\xff\xfe"],
    ids=["unmasked", "reserved bit", "unknown opcode", "lone continuation", "fragmented ping", "long ping",
         "not UTF-8"],
)  # fmt: skip
def test_broken_websocket_frames_end_that_connection_only(server: BridgeServer, frame: bytes) -> None:
    with connect(server) as client, connect(server) as other:
        client._send(frame)
        with pytest.raises(ConnectionLostError):
            client.wait_for("steer")
        assert ask(other, wire_telemetry()) == DRIVEN


def test_a_disconnect_in_the_middle_of_a_message_does_no_harm(server: BridgeServer) -> None:
    with connect(server) as client:
        client._send(b"\x01\xfe\x03\xf8mask" + b"x" * 500)
    with connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN


def test_a_websocket_ping_between_fragments_is_answered(server: BridgeServer) -> None:
    with connect(server) as client:
        while client.receive().kind != "pong":
            continue
        client._send(b"\x01\x82\0\0\0\x0042" + b"\x89\x82\0\0\0\0hi" + b"\x80\x8d\0\0\0\0" + b'["telemetry"]')
        final, opcode, payload = client._read_frame(math.inf)
        assert (final, opcode, payload) == (True, 0xA, b"hi")
        assert client.wait_for("manual").payload == {}


HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\nHost: {host}\nUpgrade: websocket\nConnection: Upgrade\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13{more}"
)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "https://127.0.0.1"])
def test_browsers_of_other_origins_are_refused(server: BridgeServer, origin: str) -> None:
    request = HANDSHAKE.format(host=f"127.0.0.1:{server.port}", more=f"\nOrigin: {origin}")
    assert http(server, request).split(b" ", 2)[1] == b"400"
    polling = f"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\nHost: localhost:{server.port}\nOrigin: {origin}"
    answer = http(server, polling + "\nConnection: close")
    assert answer.split(b" ", 2)[1] == b"400"
    assert b"Access-Control-Allow-Origin" not in answer


def test_the_servers_own_pages_are_let_in(server: BridgeServer) -> None:
    host = f"127.0.0.1:{server.port}"
    answer = http(server, HANDSHAKE.format(host=host, more=f"\nOrigin: http://{host}"))
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer, "the accept key of RFC 6455's own example"


FOREIGN = [
    "evil.example", "evil.example:4567", "localhost.evil.example", "[::1", "", "127.evil.example",
    "127.0.0.1.evil.example:4567", "a@127.0.0.1", "evil.example#@127.0.0.1", "127.0.0.1:80:80",
    "127.0.0.1,evil.example", "127.0.0.1\nHost: evil.example", "127.0.0.1/evil.example",
    "localhost.", "0.0.0.0", "[::ffff:1.2.3.4]",
]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_name_that_points_here_is_refused(server: BridgeServer, host: str) -> None:
    assert http(server, f"GET / HTTP/1.1\nHost: {host}\nConnection: close").split(b" ", 2)[1] == b"403"
    assert http(server, HANDSHAKE.format(host=host, more="")).split(b" ", 2)[1] == b"403"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "127.1.2.3", "[::1]:{port}"])
def test_its_own_names_are_answered(server: BridgeServer, host: str) -> None:
    own = host.format(port=server.port)
    assert http(server, f"GET / HTTP/1.1\nHost: {own}\nConnection: close").split(b" ", 2)[1] == b"200"


HELLO = (
    "GET /socket.io/?EIO={eio}&transport=polling HTTP/1.1\nHost: localhost\nConnection: close\nSec-Fetch-Site: {site}"
)


@pytest.mark.parametrize("eio", [3, 4])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("how", ["no-cors", "navigate"])
def test_a_page_that_hides_its_origin_makes_no_client(server: BridgeServer, eio: int, site: str, how: str) -> None:
    request = HELLO.format(eio=eio, site=site) + f"\nSec-Fetch-Mode: {how}\nSec-Fetch-Dest: document"
    assert http(server, request).split(b" ", 2)[1] == b"403"
    assert server.clients() == []


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_page_and_a_persons_own_request_make_a_client(server: BridgeServer, site: str) -> None:
    assert http(server, HELLO.format(eio=4, site=site)).split(b" ", 2)[1] == b"200"


def test_a_link_on_another_site_opens_a_page_and_an_image_there_does_not(server: BridgeServer) -> None:
    page = "GET / HTTP/1.1\nHost: localhost\nConnection: close\nSec-Fetch-Site: cross-site"
    link = page + "\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document"
    frame = page + "\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe"
    assert [http(server, request).split(b" ", 2)[1] for request in (link, page, frame)] == [b"200", b"403", b"403"]


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.1\nHost: localhost\nConnection: close", b"200"),
        ("GET /nothing HTTP/1.1\nHost: localhost\nConnection: close", b"404"),
        ("GET /socket.io/?EIO=2&transport=polling HTTP/1.1\nHost: localhost\nConnection: close", b"400"),
        ("GET /socket.io/?EIO=4&transport=polling&j=0 HTTP/1.1\nHost: localhost\nConnection: close", b"400"),
        ("GET /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\nHost: localhost\nConnection: close", b"400"),
        ("POST /socket.io/?EIO=3&transport=polling&sid=x HTTP/1.1\nHost: localhost\nContent-Length: -5",
         b"400"),
        ("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\nHost: localhost\nUpgrade: websocket\nConnection: Upgrade",
         b"426"),
        ("\x00\x01rubbish", b"400"),
    ],
)  # fmt: skip
def test_http_requests_get_their_status(server: BridgeServer, request_text: str, status: bytes) -> None:
    answer = http(server, request_text)
    assert b"Traceback" not in answer
    assert status in answer[:200]


def test_half_a_handshake_holds_up_nobody(server: BridgeServer) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port)) as half,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        half.sendall(b"GET /socket.io/?EIO=4&transp")
        with connect(server) as client:
            assert ask(client, wire_telemetry()) == DRIVEN


def test_a_reconnect_storm_leaves_nothing_behind(server: BridgeServer) -> None:
    n_threads = threading.active_count()
    for _ in range(MAX_SESSIONS + 50):
        connect(server).close()
    with connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN
        assert b"1 client connected" in _settled_status(server)
        assert threading.active_count() < n_threads + 20


def _settled_status(server: BridgeServer) -> bytes:
    for _ in range(200):
        page = http(server, "GET / HTTP/1.1\nHost: localhost\nConnection: close")
        if b"1 client connected" in page:
            return page
    return page
