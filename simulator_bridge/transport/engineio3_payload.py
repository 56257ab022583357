"""The packets of a polling request or answer as Engine.IO 3 frames them. Pure.

Source: the Engine.IO protocol, revision 3, section "Payload".
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_PACKETS = 16  # of one request, as in python-engineio


def encode_engineio3_payload(packets: Iterable[str]) -> bytes:
    """Frame the packets of a polling answer as Engine.IO 3 does: `<length>:<packet>`, length in UTF-16 units."""
    return "".join(f"{_utf16_length(packet)}:{packet}" for packet in packets if packet).encode("utf-8")


def decode_engineio3_payload(body: bytes) -> list[str]:
    """Read the packets of an Engine.IO 3 polling request, in its text form or its binary one.

    Raises:
        ValueError: If it is neither, or has more than `MAX_PACKETS` packets.
    """
    packets: list[str] = []
    if body[:1] in (b"\x00", b"\x01"):  # <0 = text><length, a digit a byte><255><packet>; python-engineio 3 sends this
        while body:
            digits, separator, rest = body[1:].partition(b"\xff")
            if body[0] != 0 or not separator or len(digits) > 9:
                raise ValueError("expected text packets in the Engine.IO 3 payload")
            length = int("".join(str(digit) for digit in digits))
            _check_count(packets)
            packets.append(rest[:length].decode("utf-8"))
            body = rest[length:]
        return packets
    text = body.decode("utf-8")
    if not text.isascii():  # lengths count UTF-16 units: split other characters into two in the meantime
        text = "".join(c if ord(c) < 0x10000 else _surrogates(c) for c in text)
    while text:
        digits_text, separator_text, rest_text = text.partition(":")
        if not separator_text or not digits_text.isdecimal() or len(digits_text) > 9:
            raise ValueError("expected <length>:<packet> in the Engine.IO 3 payload")
        packet, text = rest_text[: int(digits_text)], rest_text[int(digits_text) :]
        _check_count(packets)
        packets.append(packet.encode("utf-16-le", "surrogatepass").decode("utf-16-le"))
    return packets


def _surrogates(character: str) -> str:
    pair = character.encode("utf-16-le")
    return chr(int.from_bytes(pair[:2], "little")) + chr(int.from_bytes(pair[2:], "little"))


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _check_count(packets: list[str]) -> None:
    if len(packets) >= MAX_PACKETS:
        raise ValueError(f"expected at most {MAX_PACKETS} packets in one polling request")
