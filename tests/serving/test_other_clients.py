"""Simulators in browsers, and those of other projects: let in where they may, named where they cannot be driven."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from simulator_bridge.errors import ProtocolError, UsageError
from simulator_bridge.messages import Control, Telemetry, parse_telemetry
from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.serving.client_kinds import kind_of
from simulator_bridge.transport.address import parse_origin
from simulator_bridge.transport.transport_name import TransportName
from tests.support.running_server import (
    DRIVEN,
    JPEG,
    SAFE,
    ask,
    connect,
    drive_steadily,
    http,
    running_server,
    wire_telemetry,
)

GAME, OTHER = "https://play.example", "https://other.example"
SHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\nHost: {host}\nUpgrade: websocket\nConnection: Upgrade\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\nOrigin: {origin}\nSec-Fetch-Site: {site}"
)
POLL = "GET /socket.io/?EIO={eio}&transport=polling HTTP/1.1\nHost: {host}\nConnection: close\nOrigin: {origin}"


@pytest.fixture(params=TRANSPORTS, scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[BridgeServer]:
    with running_server(transport=request.param, allowed_origins=[GAME]) as running:
        yield running


@pytest.mark.parametrize("site", ["cross-site", "same-origin"])
def test_an_allowed_page_is_a_client_whatever_the_browser_says_of_its_site(server: BridgeServer, site: str) -> None:
    answer = http(server, SHAKE.format(host=f"localhost:{server.port}", origin=GAME, site=site))
    assert answer.split(b" ", 2)[1] == b"101"


@pytest.mark.parametrize("eio", [3, 4])
def test_an_allowed_page_may_read_what_it_polls(server: BridgeServer, eio: int) -> None:
    answer = http(server, POLL.format(eio=eio, host="localhost", origin=GAME))
    assert answer.split(b" ", 2)[1] == b"200"
    assert f"Access-Control-Allow-Origin: {GAME}".encode() in answer


def test_other_pages_are_refused_and_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    with running_server(allowed_origins=[GAME]) as server:
        for _ in range(3):
            for origin in (OTHER, "null"):
                assert http(server, POLL.format(eio=4, host="localhost", origin=origin)).split(b" ", 2)[1] == b"400"
    for origin in (OTHER, "null"):
        assert sum(f"say --allow-origin {origin}" in line for line in caplog.messages) == 1


def test_an_allowed_page_does_not_command_the_cockpit(server: BridgeServer) -> None:
    own = f"http://localhost:{server.port}"
    assert server._admission.refuse_other_origin({"HTTP_ORIGIN": GAME, "HTTP_HOST": "localhost"}, lambda *_: None)
    assert server._admission.accepts_client_of(own, {})


@pytest.mark.parametrize("text", ["", "play.example", "https://", "https://a.example/game", "ftp://a b", "https://a:b",
                                  "*", "https://user@a.example"])  # fmt: skip
def test_what_is_no_origin_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="expected the origin of a page, such as"):
        parse_origin(text)


@pytest.mark.parametrize("head", ["data:image/jpeg;base64,", "data:image/png;charset=utf-8;base64,"])
def test_an_image_may_be_a_data_url(head: str) -> None:
    plain = parse_telemetry(wire_telemetry(), 0.0)
    as_url = parse_telemetry(wire_telemetry(image=head + base64.b64encode(JPEG).decode()), 0.0)
    assert plain is not None
    assert as_url is not None
    assert as_url.jpeg == plain.jpeg == JPEG


@pytest.mark.parametrize("head", ["data:,", "data:text/plain;base64,", "data:image/jpeg,", "data:image/jpeg;base64"])
def test_another_data_url_is_said(head: str) -> None:
    with pytest.raises(ProtocolError, match="expected data:image"):
        parse_telemetry(wire_telemetry(image=head + base64.b64encode(JPEG).decode()), 0.0)


MPC = {"ptsx": [1.0, 2.0], "ptsy": [1.0, 2.0], "psi": 0.1, "psi_unity": 1.4, "x": 1.0, "y": 2.0,
       "steering_angle": 0.0, "throttle": 0.1, "speed": 1.0}  # fmt: skip
PID = {"steering_angle": "0.0000", "throttle": "0.0000", "speed": "0.4380", "cte": "0.7598"}
ROVER = {"image": "QUJD", "near_sample": "0", "picking_up": "0", "steering_angle": "0", "throttle": "0", "speed": "0"}


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (MPC, "project MPC"), (PID, "project PID"), (ROVER, "Rover"), ({"sensor_measurement": "L 1 2"}, "Kalman"),
        ({"sensor_fusion": [], "cte": 1}, "path planning"), ({"msg_type": "telemetry", "image": "QUJD"}, "Donkey"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_simulator_of_another_project_is_named_once_and_answered_safely(
    payload: dict[str, Any], name: str, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_server(transport=transport) as server, connect(server) as client:
        for _ in range(3):
            assert ask(client, payload) == SAFE
        (facts,) = server.clients()
        assert name in facts.kind
        assert f"it is {facts.kind}" in http(server, "GET / HTTP/1.1\nHost: localhost\nConnection: close").decode()
    named = [line for line in caplog.messages if name in line]
    assert len(named) == 1
    assert "simulator_bridge/simulate.py" in named[0]
    assert "malformed" not in caplog.text


@pytest.mark.parametrize("extra", [{"cte": "0.5"}, {"cte": "1", "hit": "none", "track": "lake"}, {"ptsx": [1]}])
def test_udacitys_own_telemetry_with_more_in_it_is_driven(extra: dict[str, Any]) -> None:
    assert kind_of(wire_telemetry(**extra)) == ""
    with running_server() as server, connect(server) as client:
        assert ask(client, wire_telemetry(**extra)) == DRIVEN


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("first", "named"),
    [
        (json.dumps({"msg_type": "scene_selection_ready", "loaded": "1"}).encode() + b"\n", "a Donkey simulator"),
        (b"\x16\x03\x01\x00\x05hello\n", "asks for encryption: say ws://"),
    ],
    ids=["donkey", "tls"],
)
def test_who_does_not_speak_http_is_named(
    transport: str, first: bytes, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_server(transport=transport) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as stranger:
            stranger.sendall(first)
            while stranger.recv(1000):
                pass
        with connect(server) as client:
            assert ask(client, wire_telemetry()) == DRIVEN
    assert sum(named in line for line in caplog.messages) == 1


class Leaving:
    """Drives steadily, and tells when its connection has ended."""

    def __init__(self) -> None:
        self.has_left = threading.Event()

    def __call__(self, telemetry: Telemetry) -> Control:
        return drive_steadily(telemetry)

    def close(self) -> None:
        self.has_left.set()


def test_a_client_that_leaves_while_another_drives_is_named_with_who_is_still_driven(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    drivers = [Leaving(), Leaving()]
    waiting = iter(drivers)
    with running_server(lambda: next(waiting)) as server, connect(server) as first:
        assert ask(first, wire_telemetry()) == DRIVEN
        with connect(server) as second:
            assert ask(second, wire_telemetry()) == DRIVEN
        assert drivers[1].has_left.wait(20)
        assert ask(first, wire_telemetry()) == DRIVEN
    assert caplog.text.count("client 2 has left after 1 telemetry; client 1 is still driven") == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_dies_without_a_word_is_said_to_have_fallen_silent(
    transport: TransportName, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    driver = Leaving()
    with (
        running_server(lambda: driver, transport=transport, ping_interval_s=0.2, ping_timeout_s=0.2) as server,
        connect(server) as dead,
    ):
        assert ask(dead, wire_telemetry()) == DRIVEN
        assert driver.has_left.wait(20)
    assert "client 1 has fallen silent and is dropped after 1 telemetry" in caplog.text
