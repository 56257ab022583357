"""The cases of the Autobahn testsuite, which is the usual proof that a websocket server follows RFC 6455.

https://github.com/crossbario/autobahn-testsuite, version 25.10.1, sections 1 to 10: what is sent to a server that sends
every message back, and what has to come from it. The suite itself needs Python 2.7, so its cases are written down here;
they have its numbers. Three differences: nothing waits for a time to pass; echoes are compared whole; 9.3.1 and 9.4.1
do not end with an empty fragment, which is one more than we allow. Its sections 12 and 13 are about compression, which
is negotiated, and which our server never agrees to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator_bridge.transport.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from tests.support.websockets.raw_websocket import Frame, frame

SECTIONS = {
    1: "framing", 2: "pings and pongs", 3: "reserved bits", 4: "opcodes", 5: "fragments", 6: "UTF-8", 7: "closing",
    9: "limits and performance", 10: "automatic fragments",
}  # fmt: skip
NORMAL, PROTOCOL_ERROR, INVALID = 1000, 1002, 1007
VALID_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID_CODES = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
UNDEFINED_CODES = (5000, 65535)
N_ROUND_TRIPS = 1000
GREEK = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"  # five letters, the second of three bytes
SURROGATE = GREEK + b"\xed\xa0\x80edited"
TOO_HIGH = GREEK + b"\xf4\x90\x80\x80edited"  # U+110000
HELLO = b"Hello, world!"


class Reply:
    """A step: what has to come back next comes before more is sent."""


class FailFast:
    """A step: the server should have closed by now; if it closes only after what follows, it is non-strict."""


Step = bytes | type[Reply] | type[FailFast]


@dataclass(frozen=True)
class Case:
    """One connection.

    Attributes:
        number: Autobahn's.
        steps: What is sent, a write each, and what is waited for in between.
        replies: The frames that have to come back, in order, without the close.
        or_no_replies: Whether it is non-strict, and not wrong, if none of them comes.
        codes: Those of which one must be in the server's close frame; a close without any is accepted, too.
        we_close: The client closes when all replies have come; if not, the server closes, or a step is the close.
        is_clean: A close frame must come; if not, the server may also just hang up.
        is_informational: The standard leaves the result open.
    """

    number: str
    steps: tuple[Step, ...]
    replies: tuple[Frame, ...] = ()
    or_no_replies: bool = False
    codes: tuple[int, ...] = (NORMAL,)
    we_close: bool = False
    is_clean: bool = True
    is_informational: bool = False

    @property
    def section(self) -> int:
        return int(self.number.partition(".")[0])


def cases() -> Iterator[Case]:
    """All of them; those of section 9 take time and memory."""
    yield from quick_cases()
    yield from _limits()


def quick_cases() -> Iterator[Case]:
    """All but section 9."""
    yield from _framing()
    yield from _pings()
    yield from _reserved_bits()
    yield from _opcodes()
    yield from _lone_fragments()
    yield from _fragments()
    yield from _text()
    yield from _fail_fast()
    yield from _kuhn()
    yield from _closing()
    yield from _close_codes()
    yield _served("10.1.1", _fragmented(TEXT, b"*" * 65536, 1300), Frame(TEXT, b"*" * 65536))


def _served(number: str, steps: tuple[Step, ...], *replies: Frame) -> Case:
    """All is legal."""
    return Case(number, steps, replies, we_close=True)


def _failed(number: str, steps: tuple[Step, ...], *replies: Frame, code: int = PROTOCOL_ERROR) -> Case:
    """The server has to fail the connection, after the replies to what came before."""
    return Case(number, steps, replies, or_no_replies=True, codes=(code,), is_clean=False)


def _octets(*frames: bytes, size: int = 1) -> tuple[bytes, ...]:
    """The frames in pieces of `size` bytes."""
    data = b"".join(frames)
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def _fragmented(opcode: int, payload: bytes, size: int) -> tuple[bytes, ...]:
    """A message in fragments of `size` bytes."""
    last = max(len(payload) - 1, 0) // size
    return tuple(
        frame(CONTINUATION if n else opcode, payload[n * size : (n + 1) * size], final=n == last)
        for n in range(last + 1)
    )


def _framing() -> Iterator[Case]:
    sizes = (0, 125, 126, 127, 128, 65535, 65536)
    for group, opcode, byte in ((1, TEXT, b"*"), (2, BINARY, b"\xfe")):
        for number, n in enumerate(sizes, 1):
            yield _served(f"1.{group}.{number}", (frame(opcode, byte * n),), Frame(opcode, byte * n))
        payload = byte * 65536
        yield _served(f"1.{group}.8", _octets(frame(opcode, payload), size=997), Frame(opcode, payload))


def _pings() -> Iterator[Case]:
    payloads = (b"", HELLO, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125)
    for number, payload in enumerate(payloads, 1):
        yield _served(f"2.{number}", (frame(PING, payload),), Frame(PONG, payload))
    yield _failed("2.5", (frame(PING, b"\xfe" * 126),))
    yield _served("2.6", _octets(frame(PING, payloads[-1])), Frame(PONG, payloads[-1]))
    yield _served("2.7", (frame(PONG),))
    yield _served("2.8", (frame(PONG, b"unsolicited"),))
    yield _served("2.9", (frame(PONG, b"unsolicited"), frame(PING, HELLO)), Frame(PONG, HELLO))
    ten = [b"payload-%d" % n for n in range(10)]
    pings, pongs = [frame(PING, payload) for payload in ten], [Frame(PONG, payload) for payload in ten]
    yield _served("2.10", tuple(pings), *pongs)
    yield _served("2.11", _octets(*pings), *pongs)


def _after_a_message(number: str, wrong: bytes, cut: bool = False) -> Case:
    """A message, a wrong frame, then a ping that must not be answered."""
    frames = (frame(TEXT, HELLO), wrong, frame(PING))
    return _failed(number, _octets(*frames) if cut else frames, Frame(TEXT, HELLO))


def _reserved_bits() -> Iterator[Case]:
    yield _failed("3.1", (frame(TEXT, HELLO, reserved=1),))
    yield _failed("3.2", (frame(TEXT, HELLO) + frame(TEXT, HELLO, reserved=2) + frame(PING),), Frame(TEXT, HELLO))
    yield _after_a_message("3.3", frame(TEXT, HELLO, reserved=3))
    yield _after_a_message("3.4", frame(TEXT, HELLO, reserved=4), cut=True)
    yield _failed("3.5", (frame(BINARY, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", reserved=5),))
    yield _failed("3.6", (frame(PING, HELLO, reserved=6),))
    yield _failed("3.7", (frame(CLOSE, reserved=7),))


def _opcodes() -> Iterator[Case]:
    for group, first in ((1, 3), (2, 11)):
        yield _failed(f"4.{group}.1", (frame(first),))
        yield _failed(f"4.{group}.2", (frame(first + 1, b"reserved opcode payload"),))
        yield _after_a_message(f"4.{group}.3", frame(first + 2))
        yield _after_a_message(f"4.{group}.4", frame(first + 3, HELLO))
        yield _after_a_message(f"4.{group}.5", frame(first + 4, HELLO), cut=True)


def _fragments() -> Iterator[Case]:
    one, two = frame(TEXT, b"fragment1", final=False), frame(CONTINUATION, b"fragment2")
    ping, whole = frame(PING, b"ping payload"), Frame(TEXT, b"fragment1fragment2")
    for control, number in ((PING, 1), (PONG, 2)):
        yield _failed(f"5.{number}", (frame(control, b"fragment1", final=False), two))
    for number, steps in ((3, (one + two,)), (4, (one, two)), (5, _octets(one, two))):
        yield _served(f"5.{number}", steps, whole)
    for number, steps in ((6, (one + ping + two,)), (7, (one, ping, two)), (8, _octets(one, ping, two))):
        yield _served(f"5.{number}", steps, Frame(PONG, b"ping payload"), whole)
    many = [b"fragment%d" % n for n in range(1, 6)]
    middle = [frame(CONTINUATION, payload, final=False) for payload in many[1:4]]
    last, pings = frame(CONTINUATION, many[4]), [frame(PING, b"pongme 1!"), frame(PING, b"pongme 2!")]
    replies = (Frame(PONG, b"pongme 1!"), Frame(PONG, b"pongme 2!"), Frame(TEXT, b"".join(many)))
    yield _served("5.19", (one + middle[0] + pings[0], Reply, middle[1] + middle[2] + pings[1] + last), *replies)
    yield _served("5.20", (one, middle[0], pings[0], Reply, middle[1], middle[2], pings[1], last), *replies)


def _lone_fragments() -> Iterator[Case]:
    text = frame(TEXT, HELLO)
    for first, final in ((9, True), (12, False)):
        lone = frame(CONTINUATION, b"non-continuation payload", final=final)
        yield _failed(f"5.{first}", (lone + text,))
        yield _failed(f"5.{first + 1}", (lone, text))
        yield _failed(f"5.{first + 2}", _octets(lone, text))
    one, two = frame(TEXT, b"fragment1", final=False), frame(CONTINUATION, b"fragment2")
    lone, four = frame(CONTINUATION, b"fragment3", final=False), frame(TEXT, b"fragment4")
    yield _failed("5.15", (one + two + lone + four,), Frame(TEXT, b"fragment1fragment2"))
    yield _failed("5.16", (lone, one, two) * 2)
    yield _failed("5.17", (two, one, two) * 2)
    yield _failed("5.18", (one + frame(TEXT, b"fragment2"),))


def _text() -> Iterator[Case]:
    middle = b"middle frame payload"
    empty = frame(TEXT, final=False)
    yield _served("6.1.1", (frame(TEXT),), Frame(TEXT, b""))
    yield _served("6.1.2", (empty, frame(CONTINUATION, final=False), frame(CONTINUATION)), Frame(TEXT, b""))
    between = frame(CONTINUATION, middle, final=False)
    yield _served("6.1.3", (empty, between, frame(CONTINUATION)), Frame(TEXT, middle))
    parts = ["Hello-µ@ßöä".encode(), "üàá-UTF-8!!".encode()]
    whole = b"".join(parts)
    yield _served("6.2.1", (frame(TEXT, whole),), Frame(TEXT, whole))
    steps = (frame(TEXT, parts[0], final=False), frame(CONTINUATION, parts[1]))
    yield _served("6.2.2", steps, Frame(TEXT, whole))
    yield _served("6.2.3", _fragmented(TEXT, whole, 1), Frame(TEXT, whole))
    yield _served("6.2.4", _fragmented(TEXT, GREEK, 1), Frame(TEXT, GREEK))
    yield _failed("6.3.1", (frame(TEXT, SURROGATE),), code=INVALID)
    yield _failed("6.3.2", _fragmented(TEXT, SURROGATE, 1), code=INVALID)


def _fail_fast() -> Iterator[Case]:
    n = len(GREEK)
    for number, (first, second) in enumerate(((n, n + 4), (n + 1, n + 2)), 1):  # wrong from the byte n + 1 on
        a, b, c = TOO_HIGH[:first], TOO_HIGH[first:second], TOO_HIGH[second:]
        in_frames = (frame(TEXT, a, final=False) + frame(PING), Reply, frame(CONTINUATION, b, final=False), FailFast)
        yield _failed(f"6.4.{number}", (*in_frames, frame(CONTINUATION, c)), Frame(PONG, b""), code=INVALID)
        whole = frame(TEXT, TOO_HIGH)
        at = len(whole) - len(TOO_HIGH)
        in_bytes = (whole[: at + first], whole[at + first : at + second], FailFast, whole[at + second :])
        yield _failed(f"6.4.{number + 2}", in_bytes, code=INVALID)


def _kuhn() -> Iterator[Case]:
    """Markus Kuhn's stress test, https://www.cl.cam.ac.uk/~mgk25/ucs/examples/UTF-8-test.txt, with Autobahn's more."""
    for group, texts in enumerate(_kuhn_texts(), 5):
        for number, text in enumerate(texts, 1):
            name, steps = f"6.{group}.{number}", (frame(TEXT, text),)
            yield _served(name, steps, Frame(TEXT, text)) if is_utf8(text) else _failed(name, steps, code=INVALID)


def _kuhn_texts() -> Iterator[list[bytes]]:
    yield [*(f"hello{letter}world".encode() for letter in "$¢€𤭢"), GREEK]
    yield [GREEK[:n] for n in range(1, len(GREEK) + 1)]
    yield [chr(code).encode() for code in (0, 0x80, 0x800, 0x10000)]  # the first of each length
    yield _hex("f888808080", "fc8480808080")  # ... of 5 and 6 bytes
    yield [chr(code).encode() for code in (0x7F, 0x7FF, 0xFFFF, 0x10FFFF)]  # the last of each length
    yield _hex("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf")
    yield _hex("ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "f4908080")  # other boundaries
    yield [*_hex("80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf"), bytes(range(0x80, 0xBF))]
    starts = ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))
    yield [b"".join(bytes([byte, 0x20]) for byte in range(*ends)) for ends in starts]  # lonely starts
    cut = _hex("c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf")
    yield cut  # the last byte is missing
    yield [b"".join(cut)]
    yield _hex("fe", "ff", "fefeffff")  # bytes that never occur
    yield _hex("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af")  # overlong slashes
    yield _hex("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf")  # the longest overlong ones
    yield _hex("c080", "e08080", "f0808080", "f880808080", "fc8080808080")  # overlong zeros
    yield _hex("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf")  # surrogates, alone and in pairs
    yield [high + low for high in _hex("eda080", "edadbf", "edae80", "edafbf") for low in _hex("edb080", "edbfbf")]
    yield [chr(plane << 16 | last).encode() for plane in range(17) for last in (0xFFFE, 0xFFFF)]  # never characters
    yield [chr(code).encode() for code in range(0xFFF9, 0x10000)]  # specials, such as the replacement character


def _hex(*texts: str) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def _closing() -> Iterator[Case]:
    close, text = _close(NORMAL), frame(TEXT, HELLO)
    yield _served("7.1.1", (text,), Frame(TEXT, HELLO))
    for number, after in enumerate((frame(CLOSE), frame(PING), text), 2):  # to be ignored
        yield Case(f"7.1.{number}", (close, after))
    yield Case("7.1.5", (frame(TEXT, b"fragment1", final=False), close, frame(CONTINUATION, b"fragment2")))
    long = b"BAsd7&jh23" * 26214 + b"BAsd"  # 256 KB
    yield Case("7.1.6", (frame(TEXT, long), text, close, frame(PING)), is_informational=True)
    yield Case("7.3.1", (frame(CLOSE),))
    yield Case("7.3.2", (frame(CLOSE, b"a"),), codes=(PROTOCOL_ERROR,), is_clean=False)
    for number, reason in enumerate((b"", b"Hello World!", b"*" * 123), 3):
        yield Case(f"7.3.{number}", (_close(NORMAL, reason),))
    yield Case("7.3.6", (_close(NORMAL, b"*" * 124),), codes=(PROTOCOL_ERROR,), is_clean=False)
    yield Case("7.5.1", (_close(NORMAL, SURROGATE),), codes=(PROTOCOL_ERROR, INVALID), is_clean=False)


def _close_codes() -> Iterator[Case]:
    for number, code in enumerate(VALID_CODES, 1):
        yield Case(f"7.7.{number}", (_close(code),), codes=(NORMAL, code))
    for number, code in enumerate(INVALID_CODES, 1):
        yield Case(f"7.9.{number}", (_close(code),), codes=(PROTOCOL_ERROR,), is_clean=False)
    for number, code in enumerate(UNDEFINED_CODES, 1):
        yield Case(f"7.13.{number}", (_close(code),), is_informational=True)


def _limits() -> Iterator[Case]:
    """Long messages, in one frame, in fragments, in pieces; then many messages."""
    for group, opcode, byte in ((0, TEXT, b"*"), (1, BINARY, b"\xfe")):
        for number, n_kb in enumerate((64, 256, 1024, 4096, 8192, 16384), 1):
            payload = byte * (n_kb << 10)
            yield _served(f"9.{1 + group}.{number}", (frame(opcode, payload),), Frame(opcode, payload))
        payload = byte * (4 << 20)
        for number, size in enumerate((64 << 2 * n for n in range(9)), 1):
            yield _served(f"9.{3 + group}.{number}", _fragmented(opcode, payload, size), Frame(opcode, payload))
        payload = byte * (1 << 20)
        for number, size in enumerate((64 << n for n in range(6)), 1):
            yield _served(f"9.{5 + group}.{number}", _octets(frame(opcode, payload), size=size), Frame(opcode, payload))
        for number, size in enumerate((0, 16, 64, 256, 1024, 4096), 1):
            steps, payload = (frame(opcode, byte * size), Reply) * N_ROUND_TRIPS, byte * size
            yield _served(f"9.{7 + group}.{number}", steps, *[Frame(opcode, payload)] * N_ROUND_TRIPS)
