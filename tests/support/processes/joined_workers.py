"""Workers that find each other, in threads: a star of them, ended after the test."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.free_ports import free_addresses
from train.distributed import joining
from train.distributed.worker_link import WorkerLink

DEADLINE_S = 60.0  # a loaded machine; nothing waits for it to pass
KEY = b"the workers' key"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


Lost = queue.Queue[tuple[int, str]]
Members = list[dict[int, WorkerLink]]
Join = Callable[[int], tuple[Members, Lost]]


@pytest.fixture
def joined(pool: ThreadPoolExecutor) -> Iterator[Callable[[int], tuple[Members, Lost]]]:
    """Makes a star of n workers; ends it after the test."""
    members: Members = []

    def join(n: int) -> tuple[Members, Lost]:
        links, lost = _join(pool, n)
        members.extend(links)
        return links, lost

    yield join
    leave(members)


def leave(members: Members) -> None:
    for links in members:
        for link in links.values():
            link.close(None)


def _join(pool: ThreadPoolExecutor, n: int) -> tuple[Members, Lost]:
    addresses = free_addresses(n)
    lost: Lost = queue.Queue()
    coming = [
        pool.submit(
            joining.join, addresses, i, KEY, lambda member, reason: lost.put((member, reason)), timeout_s=DEADLINE_S
        )
        for i in reversed(range(n))
    ]
    return [future.result(DEADLINE_S) for future in reversed(coming)], lost
