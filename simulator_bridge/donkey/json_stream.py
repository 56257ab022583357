"""JSON objects out of a TCP stream: split and joined across packets, with a newline between them or nothing at all.

Donkey's simulator ends its messages with a newline; its clients send `{...}{...}` without anything in between.
"""

from __future__ import annotations

import json
import re
import reprlib
from typing import Any

from simulator_bridge.errors import ProtocolError

MAX_MESSAGE_BYTES = 8_000_000  # a telemetry of 120x160 pixels is 5,000; two PNG of 1280x720 fit
MAX_DEPTH = 32
_TOKEN = re.compile(rb'["\\{}\[\]]')  # none of them is in base64: an image is passed over at the speed of a search
_IN_STRING = re.compile(rb'["\\]')
_DECIMAL_COMMA = re.compile(r'(":-?\d+),(\d+(?:[eE][+-]?\d+)?)(?=[,}])')  # `"speed":1,25,`: Unity in German or French


class LostStreamError(ProtocolError):
    """What comes is no stream of JSON objects; where the next message begins can no longer be told."""


class JsonStream:
    """Takes bytes as they come, returns messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> None:
        """Take what has come, of any length."""
        self._buffer += data

    def next(self) -> dict[str, Any] | None:
        """The next complete message; None if there is none yet.

        Raises:
            ProtocolError: If it is no JSON; it is skipped, the next call goes on behind it.
            LostStreamError: If this is no stream of JSON objects, or a message is longer than MAX_MESSAGE_BYTES.
        """
        if not self._depth:
            self._begin()
        end = self._find_end()
        if end is None:
            if len(self._buffer) > MAX_MESSAGE_BYTES:
                raise LostStreamError(f"expected messages of up to {MAX_MESSAGE_BYTES} bytes, got a longer one")
            return None
        text, self._scanned = bytes(self._buffer[:end]), 0
        del self._buffer[:end]
        return _parse(text)

    def _begin(self) -> None:
        """Drop what is between two messages; the buffer then begins with one."""
        blank = len(self._buffer) - len(self._buffer.lstrip())
        del self._buffer[:blank]
        if self._buffer and self._buffer[:1] != b"{":
            raise LostStreamError(f"expected a JSON object, got {reprlib.repr(bytes(self._buffer[:60]))}")

    def _find_end(self) -> int | None:
        """Where the message at the beginning of the buffer ends; None if it does not end yet."""
        while True:
            token = (_IN_STRING if self._in_string else _TOKEN).search(self._buffer, self._scanned)
            if token is None:
                self._scanned = len(self._buffer)
                return None
            character, self._scanned = token.group(), token.end()
            if character == b"\\":
                if self._scanned == len(self._buffer):  # what it escapes is still to come
                    self._scanned -= 1
                    return None
                self._scanned += 1
            elif character == b'"':
                self._in_string = not self._in_string
            else:
                self._depth += 1 if character in b"{[" else -1
                if self._depth > MAX_DEPTH:
                    raise LostStreamError(f"expected JSON nested up to {MAX_DEPTH} deep, got more")
                if not self._depth:
                    return self._scanned


def _parse(text: bytes) -> dict[str, Any]:
    try:
        decoded = text.decode("utf-8")
        try:
            message = json.loads(decoded)
        except ValueError:
            message = json.loads(_DECIMAL_COMMA.sub(r"\1.\2", decoded))
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError, too
        raise ProtocolError(f"expected JSON, got {reprlib.repr(text)}: {error}") from None
    if not isinstance(message, dict) or not isinstance(message.get("msg_type"), str):
        raise ProtocolError(f"expected an object with a msg_type, got {reprlib.repr(message)}")
    return message
