from __future__ import annotations

import contextlib
import queue
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from simulator_bridge.errors import UserError
from tests.support.free_ports import free_addresses
from train.cluster import split_address
from train.distributed import peers

DEADLINE_S = 30.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


Lost = queue.Queue[tuple[int, str]]
Members = list[dict[int, peers.Link]]
Join = Callable[[int], tuple[Members, Lost]]


@pytest.fixture
def joined(pool: ThreadPoolExecutor) -> Iterator[Callable[[int], tuple[Members, Lost]]]:
    """Makes a star of n members; ends it after the test."""
    members: Members = []

    def join(n: int) -> tuple[Members, Lost]:
        links, lost = _join(pool, n)
        members.extend(links)
        return links, lost

    yield join
    _leave(members)


def _leave(members: Members) -> None:
    for links in members:
        for link in links.values():
            link.close(None)


def _join(pool: ThreadPoolExecutor, n: int) -> tuple[Members, Lost]:
    addresses = free_addresses(n)
    lost: Lost = queue.Queue()
    coming = [
        pool.submit(peers.join, addresses, i, lambda member, reason: lost.put((member, reason)), timeout_s=DEADLINE_S)
        for i in reversed(range(n))
    ]
    return [future.result(DEADLINE_S) for future in reversed(coming)], lost


def test_members_find_each_other_and_say_json_and_bytes(joined: Join) -> None:
    links, _ = joined(3)

    assert sorted(links[0]) == [1, 2]
    links[2][0].send({"loss": 0.1, "none": None})
    links[0][1].send(b"\x00" * 3_000_000)
    assert links[0][2].receive() == {"loss": 0.1, "none": None}
    assert links[1][0].receive() == b"\x00" * 3_000_000


def test_the_port_is_free_again_for_something_else_while_the_links_live(joined: Join) -> None:
    links, _ = joined(2)
    host, port = links[0][1]._socket.getsockname()

    with peers.listen_at(f"{host}:{port}"):
        links[0][1].send("still there")
        assert links[1][0].receive() == "still there"


def test_a_member_that_ends_is_noticed_with_its_reason(joined: Join) -> None:
    links, lost = joined(3)

    links[1][0].close("its disk is full")
    assert lost.get(timeout=DEADLINE_S) == (1, "its disk is full")
    links[2][0]._socket.shutdown(socket.SHUT_RDWR)  # what the kernel does for a process that is killed
    assert {lost.get(timeout=DEADLINE_S) for _ in range(2)} == {
        (2, "its connection was lost"),
        (0, "its connection was lost"),
    }
    with pytest.raises(peers.PeerLostError):
        links[0][1].receive()


def test_a_member_that_is_done_is_not_lost(joined: Join) -> None:
    links, lost = joined(2)

    links[1][0].send("last words")
    links[1][0].close(None)
    assert links[0][1].receive() == "last words"
    with pytest.raises(peers.PeerLostError, match="done"):
        links[0][1].receive()
    assert lost.empty()


@pytest.mark.parametrize("index", [0, 1])
def test_who_does_not_come_is_named(index: int) -> None:
    addresses = free_addresses(2)

    with pytest.raises(UserError, match=rf"no word from member {1 - index} \({addresses[1 - index]}\)"):
        peers.join(addresses, index, print, timeout_s=0.1)


def refused(pool: ThreadPoolExecutor, first_words: bytes) -> bytes:
    """What a newcomer to a job of two is answered, before the true member 1 comes."""
    addresses = free_addresses(2)
    listening: Future[None] = Future()
    chief = pool.submit(
        peers.join, addresses, 0, print, timeout_s=DEADLINE_S, on_waiting=lambda missing: listening.set_result(None)
    )
    listening.result(DEADLINE_S)
    with socket.create_connection(split_address(addresses[0]), DEADLINE_S) as stranger:
        with contextlib.suppress(OSError):  # it may be refused before it has said all
            stranger.sendall(first_words)
            stranger.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: _received(stranger), b""))
    members = [peers.join(addresses, 1, print, timeout_s=DEADLINE_S), chief.result(DEADLINE_S)]
    _leave(members)
    assert list(members[1]) == [1]
    return answer


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""


GREETINGS: list[tuple[Callable[[], Any], bytes]] = [
    (lambda: [peers.GREETING, 1, 3], b"got 1 of 3"),
    (lambda: [peers.GREETING, 0, 2], b"got 0 of 2"),
    (lambda: ["another program", 1, 2], b"expected one of the members"),
    (lambda: 5, b""),
]


@pytest.mark.parametrize(("greeting", "answer"), GREETINGS)
def test_who_is_no_missing_member_is_sent_away(
    pool: ThreadPoolExecutor, greeting: Callable[[], Any], answer: bytes
) -> None:
    assert answer in refused(pool, peers._framed_json(greeting()))


@pytest.mark.parametrize("first_words", [b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100, b"\xff" * 100, b""])
def test_strangers_on_the_port_change_nothing(pool: ThreadPoolExecutor, first_words: bytes) -> None:
    refused(pool, first_words)


@pytest.mark.parametrize("address", ["host", "host:", ":80", "host:0", "host:65536", "host:x", "", "host:²"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="expected HOST:PORT"):
        split_address(address)


def test_an_address_is_host_and_port() -> None:
    assert split_address("gpu-1.lan:4001") == ("gpu-1.lan", 4001)
    assert split_address("[::1]:4001") == ("::1", 4001)
