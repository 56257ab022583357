"""Text from outside for people: names of files, cells of recordings, bytes of clients, as a terminal may show them."""

from __future__ import annotations

import unicodedata


def printable(text: object, keep: str = "") -> str:
    r"""Show what a terminal would obey, or could not show, as an escape.

    Control characters, line ends, marks that change the direction of writing and lone surrogates (bytes of a file name
    that are no UTF-8): with them a name could erase a line, forge another, or end the program.

    Args:
        text: Anything; as `str` shows it.
        keep: Characters that stay as they are, such as the line ends of a text of ours.

    >>> print(printable("lap\x1b[2J\r\u202etxt.exe"))
    lap\x1b[2J\r\u202etxt.exe
    >>> printable("Zürich, 東京")
    'Zürich, 東京'
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        character if character.isprintable() or character in keep or _is_space(character) else _escape(character)
        for character in shown
    )


def one_line(value: object, longest: int = 160) -> str:
    """The first line of a text, printable and bounded: what a library raised, a name in a file.

    >>> one_line("a" * 20, longest=8)
    'aaaaa...'
    """
    text = printable(str(value).strip().split("\n", 1)[0][: longest + 1])
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _is_space(character: str) -> bool:
    return unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
