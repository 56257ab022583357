"""Feeds a drive server rubbish of every kind and checks after each batch that it still answers.

Inputs are mutated transcripts of real clients' bytes (bits flipped, cut, doubled, spliced) and broken events. Of each
batch: no crash (the server serves on), no hang (every reply is waited for with a limit), no unanswered telemetry after.

usage: python tests/fuzz_server.py [--inputs 100000] [--seed 0] [--transport threading]
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from simulator_bridge.serving.bridge_server import BridgeServer
from simulator_bridge.transport import connection_limits
from simulator_bridge.transport.simulator_client import (
    ConnectionLostError,
    NoAnswerError,
    SimulatorClient,
    mask_message,
)
from tests.support.running_server import DRIVEN, ask, connect, running_server, wire_telemetry

BATCH = 20  # inputs on one connection, or until it is closed
ANSWER_S = 15.0

EVENTS = [
    json.dumps(["telemetry", wire_telemetry()]), json.dumps(["telemetry", wire_telemetry(decimal_comma=True)]),
    '["telemetry",null]', '["telemetry"]', '["telemetry",{}]', '["steer",{"steering_angle":"0"}]', '["message","x"]',
]  # fmt: skip
PACKETS = [*("42" + event for event in EVENTS), "2", "3", "40", "41", "40/x,", "2probe", "5", "6", "1", "431[1]",
           '451-["telemetry",{"_placeholder":true,"num":0}]', '40{"token":"x"}', "42/x," + EVENTS[2]]  # fmt: skip
TRANSCRIPTS = [b"".join(mask_message(packet.encode())) for packet in PACKETS]
TRANSCRIPTS += [b"\x89\x80mask", b"\x8a\x80mask", b"\x88\x82\0\0\0\0\x03\xe8", b"\x82\x84\0\0\0\0abcd"]
HANDSHAKES = [
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n42[]",
]
WORDS = ['"', "[", "]", "{", "}", ",", ":", "null", "1e400", "NaN", "-", "\\ud800", "\x00", "telemetry", "4", "2", "é",
         "[" * 2000, "9" * 400, "A" * 5000]  # fmt: skip


@dataclass
class FuzzReport:
    """What was fed. `n_closed` counts connections that the server ended."""

    n_inputs: int = 0
    n_connections: int = 0
    n_closed: int = 0
    seconds: float = 0.0


def mutate(rng: random.Random, data: bytes) -> bytes:
    """Break some bytes in one of the ways in which networks and programs do."""
    broken = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(broken) + 1) if rng.random() < 0.5 else rng.randrange(min(len(broken), 16) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(broken):
            broken[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            broken[at:at] = rng.randbytes(rng.randint(1, 20))
        elif kind == 2:
            del broken[at : at + rng.randint(1, 40)]
        elif kind == 3:
            broken[at:] = b""
        elif kind == 4:
            broken += rng.choice(TRANSCRIPTS)[: rng.randint(1, 200)]
        elif at < len(broken):
            broken[at] = rng.choice((0, 0x7F, 0x80, 0xFF))
    return bytes(broken)


def mutate_text(rng: random.Random, text: str) -> str:
    """Break a packet's text, well framed, so that it reaches the parsers behind the websocket."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(text), 60) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:at] + rng.choice(WORDS) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + rng.randint(1, 10) :]
        elif kind == 2:
            text = text[:at] + chr(rng.choice((rng.randrange(128), rng.randrange(0x100, 0xD800)))) + text[at + 1 :]
        else:
            text = text[: rng.randrange(len(text) + 1)]
    return text


def fuzz(server: BridgeServer, n_inputs: int, seed: int) -> FuzzReport:
    """Feed `n_inputs` inputs, in batches; raises AssertionError when the server is not as it should be."""
    rng = random.Random(seed)
    report = FuzzReport()
    began_at = time.monotonic()
    while report.n_inputs < n_inputs:
        n = min(BATCH, n_inputs - report.n_inputs)
        report.n_connections += 1
        if rng.random() < 0.1:
            _knock(server, [mutate(rng, rng.choice(HANDSHAKES)) for _ in range(n)])
            report.n_inputs += n
        else:
            _feed(server, rng, n, report)
        with connect(server) as client:
            assert ask(client, wire_telemetry()) == DRIVEN, "the server is not as it was"
    report.seconds = time.monotonic() - began_at
    return report


def _feed(server: BridgeServer, rng: random.Random, n: int, report: FuzzReport) -> None:
    """Feed one connection until it is closed; if it is not, it must still be driven."""
    as_bytes = rng.random() < 0.3
    fed: list[Any] = []
    try:
        with connect(server) as client:
            for _ in range(n):
                report.n_inputs += 1
                if as_bytes:
                    fed.append(mutate(rng, rng.choice(TRANSCRIPTS)))
                    client._send(fed[-1])
                else:
                    fed.append(mutate_text(rng, rng.choice(PACKETS)))
                    client.send_packet(fed[-1])
            if not as_bytes:  # else what follows may be taken for the rest of a message
                _assert_driven(client)
    except NoAnswerError:
        raise AssertionError(f"a telemetry was not answered after {[str(item)[:100] for item in fed]}") from None
    except ConnectionLostError:
        report.n_closed += 1


def _assert_driven(client: SimulatorClient) -> None:
    client.emit("telemetry", wire_telemetry())
    deadline = time.monotonic() + ANSWER_S
    while True:  # answers to telemetry among the rubbish come first
        answer = client.wait_for("steer", timeout_s=max(0.0, deadline - time.monotonic())).payload
        if {value.replace(",", ".") for value in answer.values()} == set(DRIVEN.values()):
            return


def _knock(server: BridgeServer, requests: list[bytes]) -> None:
    import socket

    for request in requests:
        with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(0.05)
            assert b"Traceback" not in sock.recv(65536)


def main() -> int:
    parser = argparse.ArgumentParser(description="Feed a drive server rubbish.")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the rubbish (default: %(default)s)")
    parser.add_argument("--transport", choices=("eventlet", "threading"), default="threading")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    connection_limits.MAX_NEW_PER_S = 100_000  # it all comes from one address
    with running_server(transport=arguments.transport) as server:
        report = fuzz(server, arguments.inputs, arguments.seed)
    print(f"{report.n_inputs} inputs in {report.n_connections} connections, {report.n_closed} of them closed by the "  # noqa: T201
          f"server, in {report.seconds:.0f} s: no crash, no hang, every telemetry after them answered")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
