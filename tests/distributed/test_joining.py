"""Workers join their chief and exchange messages; who ends, or does not come, is named."""

from __future__ import annotations

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from simulator_bridge.errors import UserError
from tests.support.free_ports import free_addresses
from tests.support.processes.joined_workers import DEADLINE_S, KEY, Join
from tests.support.processes.joined_workers import joined as joined
from tests.support.processes.joined_workers import pool as pool
from train.cluster import split_address
from train.distributed import joining
from train.distributed.worker_link import WorkerLostError


def test_workers_find_each_other_and_exchange_json_and_bytes(joined: Join) -> None:
    links, _ = joined(3)

    assert sorted(links[0]) == [1, 2]
    links[2][0].send({"loss": 0.1, "none": None})
    links[0][1].send(b"\x00" * 3_000_000)
    assert links[0][2].receive() == {"loss": 0.1, "none": None}
    assert links[1][0].receive() == b"\x00" * 3_000_000


def test_the_port_is_free_again_for_something_else_while_the_links_live(joined: Join) -> None:
    links, _ = joined(2)
    host, port = links[0][1]._connection._socket.getsockname()

    with joining.listen_at(f"{host}:{port}"):
        links[0][1].send("still there")
        assert links[1][0].receive() == "still there"


def test_a_worker_that_ends_is_noticed_with_its_reason(joined: Join) -> None:
    links, lost = joined(3)

    links[1][0].close("its disk is full")
    assert lost.get(timeout=DEADLINE_S) == (1, "its disk is full")
    links[2][0]._connection.hang_up()  # what the kernel does for a process that is killed
    assert {lost.get(timeout=DEADLINE_S) for _ in range(2)} == {
        (2, "its connection was lost"),
        (0, "its connection was lost"),
    }
    with pytest.raises(WorkerLostError):
        links[0][1].receive()


def test_a_worker_that_is_done_is_not_lost(joined: Join) -> None:
    links, lost = joined(2)

    links[1][0].send("last words")
    links[1][0].close(None)
    assert links[0][1].receive() == "last words"
    with pytest.raises(WorkerLostError, match="done"):
        links[0][1].receive()
    assert lost.empty()


@pytest.mark.parametrize("index", [0, 1])
def test_who_does_not_come_is_named(index: int) -> None:
    addresses = free_addresses(2)

    with pytest.raises(UserError, match=rf"no answer from worker {1 - index} \({addresses[1 - index]}\)"):
        joining.join(addresses, index, KEY, print, timeout_s=0.1)


@pytest.mark.parametrize("words", [b"", b"\0\0\0\2hi", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_something_else_in_the_place_of_the_chief_is_named(pool: ThreadPoolExecutor, words: bytes) -> None:
    addresses = free_addresses(2)
    with joining.listen_at(addresses[0]) as listener:
        worker = pool.submit(joining.join, addresses, 1, KEY, print, timeout_s=DEADLINE_S)
        other, _ = listener.accept()
        with other:
            other.sendall(words)
            with contextlib.suppress(OSError):  # it may have understood, and hung up
                other.shutdown(socket.SHUT_WR)
            error = worker.exception(DEADLINE_S)
    assert isinstance(error, UserError)
    assert "something else listens there" in str(error)


def test_a_message_over_the_limit_ends_the_link(joined: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_REPORT_BYTES", 1000)
    links, lost = joined(2)

    links[1][0].send(b"x" * 999)
    links[1][0].send(b"x" * 1000)
    assert links[0][1].receive() == b"x" * 999
    with pytest.raises(WorkerLostError):
        links[0][1].receive()
    ends = {lost.get(timeout=DEADLINE_S) for _ in range(2)}  # either end may notice first
    assert ends == {(1, "its connection was lost"), (0, "its connection was lost")}


def test_a_pickle_is_never_loaded(joined: Join) -> None:
    links, _ = joined(2)

    links[1][0]._connection._connection.send({"code": print})
    with pytest.raises(WorkerLostError):
        links[0][1].receive()


@pytest.mark.parametrize("address", ["host", "host:", ":80", "host:0", "host:65536", "host:x", "", "host:²"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="expected HOST:PORT"):
        split_address(address)


def test_an_address_is_host_and_port() -> None:
    assert split_address("gpu-1.lan:4001") == ("gpu-1.lan", 4001)
    assert split_address("[::1]:4001") == ("::1", 4001)
