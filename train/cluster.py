"""The workers that train together, and which of them this process is: from `--workers` or `TF_CONFIG`. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from simulator_bridge.errors import UserError


@dataclass(frozen=True)
class Cluster:
    """The workers of one training.

    Attributes:
        addresses: `HOST:PORT` of each; worker 0 is the chief, the only one that writes files.
        index: Of this process.
    """

    addresses: tuple[str, ...]
    index: int

    @classmethod
    def of(cls, addresses: Sequence[str], index: int | None) -> Cluster:
        """The workers of `--workers` and `--worker`.

        Raises:
            UserError: If they are invalid; tells what to run on each machine if only `--worker` is missing.
        """
        for address in addresses:
            split_address(address)
        if len(set(addresses)) != len(addresses) or len(addresses) < 2:
            raise UserError(f"--workers needs two or more different HOST:PORT, got {','.join(addresses)}")
        if index is None:
            each = "; ".join(f"--worker {i} on {address}" for i, address in enumerate(addresses))
            raise UserError(f"which of the --workers is this? Run the same command on each, with {each}")
        if not 0 <= index < len(addresses):
            raise UserError(f"--worker must be in 0..{len(addresses) - 1}, got {index}")
        return cls(tuple(addresses), index)

    def name(self, index: int) -> str:
        """The name of a worker in messages."""
        return f"worker {index} ({self.addresses[index]})"


def split_address(address: str) -> tuple[str, int]:
    """`HOST:PORT` as a pair; an IPv6 host is in brackets.

    >>> split_address("[::1]:4001")
    ('::1', 4001)

    Raises:
        UserError: If it is not `HOST:PORT`.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UserError(f"expected HOST:PORT, got {address!r}")
    return host.strip("[]"), int(port)


def workers_of_tf_config(text: str) -> tuple[tuple[str, ...], int | None]:
    """Addresses and own index from the environment variable `TF_CONFIG`; no addresses if it names one worker only.

    A `chief` comes first, then the `worker`s.

    Raises:
        UserError: If it is malformed or has jobs of another kind.
    """
    try:
        config = json.loads(text)
        jobs, task = config.get("cluster") or {}, config.get("task") or {}
        addresses = [*jobs.get("chief", []), *jobs.get("worker", [])]
        kind, index = task.get("type"), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"TF_CONFIG is malformed ({error}): {text!r}") from error
    if set(jobs) - {"chief", "worker"} or (jobs and kind not in jobs):
        raise UserError(f"TF_CONFIG may name the jobs chief and worker, and a task of one of them; got {text!r}")
    if len(addresses) < 2:
        return (), None
    return tuple(addresses), index + (len(jobs.get("chief", [])) if kind == "worker" else 0)
