"""Rubbish over the raw websocket bytes and over events; the long form is `make fuzz`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from simulator_bridge.serving.bridge_server import TRANSPORTS, BridgeServer
from simulator_bridge.transport import connection_limits
from simulator_bridge.transport import websocket as websocket_module
from simulator_bridge.transport.simulator_client import mask_message
from simulator_bridge.transport.websocket import FRAMES_AT_ONCE, WebSocket
from tests.fuzz_server import PACKETS, fuzz
from tests.support.running_server import DRIVEN, ask, connect, running_server, wire_telemetry


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_mutated_transcripts_leave_the_server_answering(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    with running_server(transport=transport) as server:
        report = fuzz(server, n_inputs=600, seed=1)
    assert report.n_inputs == 600
    assert report.n_closed > 0
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_100_000_mutated_transcripts_leave_the_server_answering(
    transport: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "MAX_NEW_PER_S", 100_000)  # it all comes from one address
    with running_server(transport=transport) as server:
        assert fuzz(server, n_inputs=50_000, seed=2).n_inputs == 50_000
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # each failure costs a timeout


@pytest.mark.parametrize(
    "packets",
    [["41", "40{"], ["41{"], ["40{", "41"], ["41", "41"], ["41", "40", "40"], ["4߁"], ["410-/x,"], ["400-/x,"], ["4"]],
    ids=str,
)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_broken_goodbyes_and_hellos_leave_the_connection_driven(transport: str, packets: list[str]) -> None:
    with running_server(transport=transport) as server, connect(server) as client:
        for packet in packets:
            client.send_packet(packet)
        client.emit("telemetry", wire_telemetry())
        assert client.wait_for("steer").payload == DRIVEN
        assert len(server._connections) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def server() -> Iterator[BridgeServer]:
    with running_server() as running:
        yield running


@settings(
    deadline=None, max_examples=60, phases=NO_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(["telemetry", "steer", "connect", "disconnect", "message", ""]) | st.text(max_size=8),
       payloads=st.lists(json_values, max_size=3))  # fmt: skip
@example(name="disconnect", payloads=[])
@example(name="connect", payloads=[{}])
def test_any_event_with_any_payload_leaves_the_connection_driven(
    server: BridgeServer, name: str, payloads: list[object]
) -> None:
    with connect(server) as client:
        client.send_packet("42" + json.dumps([name, *payloads]))
        client.emit("telemetry", wire_telemetry())
        while client.wait_for("steer").payload != DRIVEN:
            continue


@settings(
    deadline=None, max_examples=60, phases=NO_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200))
def test_any_bytes_after_the_handshake_leave_the_server_answering(server: BridgeServer, noise: bytes) -> None:
    with connect(server) as client:
        client._send(noise)
    with connect(server) as client:
        assert ask(client, wire_telemetry()) == DRIVEN


class Wire:
    """A socket from which pieces come."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def recv(self, n: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def setsockopt(self, *option: object) -> None: ...

    def shutdown(self, how: int) -> None: ...


class Server:
    max_http_buffer_size = 2_000_000


def read_all(pieces: list[bytes], give_way: Callable[[], None] = lambda: None) -> list[str | bytes]:
    websocket = WebSocket(lambda _: None, Server())
    websocket._give_way = give_way
    websocket._sock = Wire(pieces)  # type: ignore[assignment]
    websocket._closed = True  # nothing is sent
    messages = []
    while (message := websocket.wait()) is not None:
        messages.append(message)
    return messages


@settings(deadline=None, max_examples=100)
@given(packets=st.lists(st.sampled_from(PACKETS), max_size=4), data=st.data())
def test_however_a_stream_is_cut_its_messages_are_the_same(packets: list[str], data: st.DataObject) -> None:
    stream = b"".join(b"".join(mask_message(packet.encode())) for packet in packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(websocket_module, "is_ready", lambda sock, to_write=False: data.draw(st.booleans()))
        assert read_all([piece for piece in pieces if piece]) == packets


@pytest.mark.parametrize("frame", [b"\x8a\x80mask", b"\x00\x80mask"], ids=["pongs", "fragments"])
def test_frames_without_end_leave_others_their_turn(frame: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_module, "is_ready", lambda sock, to_write=False: False)
    turns: list[None] = []
    flood = b"\x01\x80mask" + frame * (10 * FRAMES_AT_ONCE)
    read_all([flood], lambda: turns.append(None))
    assert len(turns) == 10
