"""The secret that all workers of one training share: who does not know it is not let in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from simulator_bridge.errors import UserError
from simulator_bridge.transport.address import is_loopback
from train.cluster import split_address

KEY_VARIABLE = "CLONEWAY_WORKERS_KEY"
LEAST_CHARACTERS = 16
LOCAL_KEY = b"cloneway workers on one computer"  # no secret: other computers cannot reach a loopback address
HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_hex(16))"'


def load_workers_key(addresses: Sequence[str], key_file: Path | None) -> bytes:
    """The key from `key_file`, else from the environment variable `CLONEWAY_WORKERS_KEY`.

    Workers that are all on one computer, at loopback addresses, need none.

    Args:
        addresses: `HOST:PORT` of all workers; empty for a training in one process.
        key_file: A text file that holds the key and nothing else.

    Raises:
        UserError: If there is no key and the workers are on several computers, or it is too short or cannot be read.
    """
    key, source = os.environ.get(KEY_VARIABLE, ""), KEY_VARIABLE
    if key_file is not None:
        key, source = _read(key_file), f"--workers-key-file {key_file}"
    if key.strip():
        return _checked(key.strip(), source)
    if all(is_loopback(split_address(address)[0]) for address in addresses):
        return LOCAL_KEY
    raise UserError(
        "workers on several computers need a key, the same for all, so that nobody else can join them: make one with "
        f"{HOW_TO_MAKE_ONE} and set it as {KEY_VARIABLE}, or write it to a file and pass --workers-key-file FILE"
    )


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--workers-key-file {path}: cannot be read: {error}") from error
    if not text.strip():
        raise UserError(f"--workers-key-file {path} is empty; make a key with {HOW_TO_MAKE_ONE}")
    return text


def _checked(key: str, source: str) -> bytes:
    if len(key) < LEAST_CHARACTERS:
        raise UserError(
            f"{source}: expected a key of at least {LEAST_CHARACTERS} characters, got {len(key)}; make one with "
            f"{HOW_TO_MAKE_ONE}"
        )
    return key.encode()
