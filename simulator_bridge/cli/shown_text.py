"""Text from outside, made fit for one line of a message."""

from __future__ import annotations

LONGEST = 160


def shown(value: object, longest: int = LONGEST) -> str:
    r"""The first line of a text, printable and bounded.

    >>> shown("conv\x1b[31m")
    'conv\\x1b[31m'
    >>> shown("a" * 20, longest=8)
    'aaaaa...'
    """
    line = str(value).strip().split("\n", 1)[0][: longest + 1]
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
