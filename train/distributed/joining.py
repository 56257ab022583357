"""How the workers of one training find each other: in a star, the chief listens and the others connect.

Who does not know the key is not accepted.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from simulator_bridge.errors import UserError
from simulator_bridge.transport.address import bind, is_loopback
from simulator_bridge.transport.fault_log import FaultLog
from train.cluster import split_address
from train.distributed.peer_connection import JSON, MAX_MESSAGE_BYTES, PeerConnection, WrongKeyError
from train.distributed.worker_link import WorkerLink
from train.distributed.workers_key import KEY_VARIABLE

CONNECT_S = 5.0  # for one attempt to connect
STRANGER_S = 20.0  # for a newcomer to show that it is one of the workers, however slowly it speaks
MAX_NEWCOMERS = 32  # at one time; the one that has been silent for longest is sent away for a new one
RETRY_S = 0.3  # between two attempts to connect
ACCEPT_S = 0.1  # how long the chief waits for a newcomer before it checks whether all workers are here

GREETING = "cloneway workers 2"
MAX_GREETING_BYTES = 1 << 16
MAX_REPORT_BYTES = 1 << 24  # what a worker sends to the chief: how its settings differ

logger = logging.getLogger(__name__)


def join(
    addresses: Sequence[str],
    index: int,
    key: bytes,
    on_lost: Callable[[int, str], None],
    *,
    timeout_s: float,
    on_waiting: Callable[[list[int]], None] = lambda missing: None,
) -> dict[int, WorkerLink]:
    """Wait until all workers are there.

    The chief listens on its port only until then; the connections stay, and something else may listen on it.

    Args:
        addresses: `HOST:PORT` of every worker, the chief's first; only the chief's is used here.
        index: Which of them this is.
        key: What all of them know and nobody else.
        on_lost: Called from a thread with the index of a worker that ended, and why.
        timeout_s: How long to wait.
        on_waiting: Called once with the indices of those who are missing at first.

    Returns:
        Links to all others on the chief; to the chief on the others.

    Raises:
        UserError: If somebody did not come, has another key, or the port is in use.
    """
    deadline = time.monotonic() + timeout_s
    if index:
        on_waiting([0])
        connections = {0: _connect(addresses, index, key, deadline)}
    else:
        connections = _accept_all(addresses, key, deadline, on_waiting)
    limit = MAX_MESSAGE_BYTES if index else MAX_REPORT_BYTES
    return {i: WorkerLink(connection, _about(on_lost, i), limit) for i, connection in sorted(connections.items())}


def listen_at(address: str) -> socket.socket:
    """Listen on a worker's own port: on all of this computer's addresses, unless its name is a loopback address.

    Raises:
        BindError: If the port is in use.
    """
    host, port = split_address(address)
    everywhere = "::" if ":" in host else "0.0.0.0"
    listener = bind(host if is_loopback(host) else everywhere, port)
    listener.listen()
    return listener


class _Reception:
    """The chief's side of joining: greets newcomers, each in a thread of its own, so that a silent one delays nobody.

    Of more than `MAX_NEWCOMERS` at one time the first to come is sent away: a worker needs moments, a stranger that
    idles is soon the first.

    Attributes:
        workers: Those who are here, by index.
    """

    def __init__(self, n_workers: int, key: bytes) -> None:
        self.workers: dict[int, PeerConnection] = {}
        self._n_workers, self._key = n_workers, key
        self._newcomers: dict[PeerConnection, None] = {}  # in the order in which they came
        self._faults = FaultLog(logger)
        self._lock = threading.Lock()  # guards the two collections

    def missing(self) -> list[int]:
        """Indices of the workers who are not here yet."""
        with self._lock:
            return [i for i in range(1, self._n_workers) if i not in self.workers]

    def greet(self, connection: PeerConnection, host: str) -> None:
        """Find out, in a thread, who a newcomer is; whoever is no missing worker is sent away."""
        with self._lock:
            if len(self._newcomers) >= MAX_NEWCOMERS:
                first = next(iter(self._newcomers))
                del self._newcomers[first]
                first.hang_up()
            self._newcomers[connection] = None
        threading.Thread(target=self._greet, args=(connection, host), name="newcomer", daemon=True).start()

    def close(self) -> None:
        """Hang up on the newcomers who have not shown that they are workers."""
        with self._lock:
            for connection in self._newcomers:
                connection.hang_up()

    def _greet(self, connection: PeerConnection, host: str) -> None:
        is_worker = False
        try:
            with connection.within(STRANGER_S):
                connection.authenticate(self._key, is_chief=True)
                greeting, index, n_workers = _receive_json(connection)
            is_worker = self._admit(connection, greeting, index, n_workers)
            if not is_worker:  # short enough for any socket to take it at once
                connection.send_json(
                    f"expected one of the workers {self.missing()} of {self._n_workers}, "
                    f"got {index!s:.80} of {n_workers!s:.80}"
                )
        except WrongKeyError:
            self._faults.report("key", "a program on %.80s tried to join with another workers' key", host)
        except (OSError, EOFError, ValueError, TypeError):  # it is no program of ours
            self._faults.report(
                "stranger", "a program on %.80s that is no worker was sent away", host, level=logging.DEBUG
            )
        finally:
            with self._lock:
                self._newcomers.pop(connection, None)
            if not is_worker:
                connection.close()

    def _admit(self, connection: PeerConnection, greeting: object, index: object, n_workers: object) -> bool:
        if greeting != GREETING or n_workers != self._n_workers or not isinstance(index, int):
            return False
        with self._lock:
            if index in self.workers or not 0 < index < self._n_workers:
                return False
            self.workers[index] = connection
            return True


def _accept_all(
    addresses: Sequence[str], key: bytes, deadline: float, on_waiting: Callable[[list[int]], None]
) -> dict[int, PeerConnection]:
    reception = _Reception(len(addresses), key)
    with listen_at(addresses[0]) as listener, contextlib.closing(reception):
        on_waiting(reception.missing())
        listener.settimeout(ACCEPT_S)
        while (missing := reception.missing()) and time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # nobody came, or left at once
                newcomer, address = listener.accept()
                with contextlib.ExitStack() as on_failure:
                    on_failure.callback(newcomer.close)
                    connection = PeerConnection(newcomer)
                    on_failure.pop_all()
                reception.greet(connection, address[0])
    if missing:
        for connection in reception.workers.values():
            connection.close()
        raise UserError(_no_word_from(addresses, missing))
    for connection in reception.workers.values():
        with contextlib.suppress(OSError):  # its link will notice that it is gone
            connection.send_json(GREETING)  # everybody is there
    return reception.workers


def _connect(addresses: Sequence[str], index: int, key: bytes, deadline: float) -> PeerConnection:
    chief = f"worker 0 ({addresses[0]})"
    while (sock := _try_to_connect(addresses[0])) is None:
        if time.monotonic() > deadline:
            raise UserError(_no_word_from(addresses, [0]))
        time.sleep(RETRY_S)
    connection = PeerConnection(sock)
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(connection.close)
        try:
            with connection.within(max(CONNECT_S, deadline - time.monotonic())):
                connection.authenticate(key, is_chief=False)
                connection.send_json([GREETING, index, len(addresses)])
                answer = _receive_json(connection)
        except WrongKeyError as error:
            raise UserError(
                f"{chief} has another key: give all workers the same one, as {KEY_VARIABLE} or by --workers-key-file"
            ) from error
        except (OSError, EOFError) as error:
            raise UserError(f"{chief} ended, or something else listens there: {error or 'closed'}") from error
        if answer != GREETING:
            raise UserError(f"{chief} refused: {answer}")
        on_failure.pop_all()
    return connection


def _receive_json(connection: PeerConnection) -> Any:
    kind, data = connection.receive(MAX_GREETING_BYTES)
    if kind != JSON:
        raise OSError("no JSON")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:  # the latter: nested by the thousand
        raise OSError("no JSON") from error


def _no_word_from(addresses: Sequence[str], missing: Sequence[int]) -> str:
    names = ", ".join(f"{i} ({addresses[i]})" for i in missing)
    return f"no answer from worker {names}: is it started, and is the network open?"


def _try_to_connect(address: str) -> socket.socket | None:
    try:
        sock = socket.create_connection(split_address(address), timeout=CONNECT_S)
    except OSError:
        return None
    if sock.getsockname() == sock.getpeername():  # TCP can connect a port that nobody listens on to itself
        sock.close()
        return None
    return sock


def _about(on_lost: Callable[[int, str], None], worker: int) -> Callable[[str], None]:
    return lambda reason: on_lost(worker, reason)
