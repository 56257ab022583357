"""Splits one line of a `driving_log.csv` into cells. Pure text; `dialects.py` decides which column a cell is."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png")

_AFTER_IMAGE = re.compile(r"\.(?:jpe?g|png)\"?[ ]*([,;\t|])", re.IGNORECASE)
_IMAGE_END = re.compile(r"\.(?:jpe?g|png)\"?\s*", re.IGNORECASE)
# Every pattern here takes time in proportion to the line: no two parts of one can match the same characters
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_LINE_END = re.compile(r"\r+\n?")
_PADDING = "; \t|\ufeff\x00"


def split_lines(text: str) -> list[str]:
    """Split at LF, CRLF and lone CR only; line i + 1 of an editor is element i."""
    return (text if "\r" not in text else _LINE_END.sub(_as_lf, text)).split("\n")


def _as_lf(line_end: re.Match[str]) -> str:
    r"""One LF for `\r\r\n`, a CRLF that was converted twice; without a `\n` each `\r` ends a line."""
    found = line_end.group()
    return "\n" if found.endswith("\n") else "\n" * len(found)


def is_image(cell: str) -> bool:
    """Whether a cell is the path of an image."""
    return cell.lower().endswith(IMAGE_ENDINGS)


def file_name(path: str) -> str:
    """The last part of a Windows, macOS or Linux path."""
    return path[max(path.rfind("/"), path.rfind("\\")) + 1 :]


def folder_name(path: str) -> str:
    """All but the last part of a Windows, macOS or Linux path, with its last slash."""
    return path[: max(path.rfind("/"), path.rfind("\\")) + 1]


def is_number(cell: str) -> bool:
    """Whether a cell is a plain number, with a decimal point or a decimal comma."""
    return _NUMBER.fullmatch(cell) is not None or _DECIMAL_COMMA.fullmatch(cell) is not None


def to_number(cell: str) -> float:
    """Read a number; a comma in a cell is a decimal comma.

    Returns:
        NaN if the cell is no number (words, blanks, `nan`, `inf`, digit groups).
    """
    if _NUMBER.fullmatch(cell):
        return float(cell)
    return float(cell.replace(",", ".")) if _DECIMAL_COMMA.fullmatch(cell) else float("nan")


def split_cells(line: str, separator: str = "") -> tuple[list[str], str]:
    """Split a line at its own separator (the lines of merged logs may have different ones).

    A spreadsheet's padding (`;;;;;`), quotes and blanks around cells are removed. An image and a number may have only
    blanks between them.

    Args:
        line: Without its end.
        separator: Split there instead, as the header of the log does.

    Returns:
        The cells and the separator.
    """
    separator = separator or _separator(line)
    if separator == ",":
        line = line.strip(_PADDING)
        if line[:1] == line[-1:] == '"' and line.count('"') == 2 and "," in line:
            line = line[1:-1]  # a spreadsheet that wrote the whole line into one cell
        if "," not in line:
            pair = line.rsplit(maxsplit=1)
            if len(pair) == 2 and is_image(pair[0]) and is_number(pair[1]):
                return pair, " "
    if '"' in line:
        try:
            cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
        except csv.Error:
            cells = line.split(separator)
    else:
        cells = line.split(separator)
    return [cell.strip(" \t\ufeff\x00") for cell in cells], separator


def _separator(line: str) -> str:
    if "\t" not in line and ";" not in line and "|" not in line:
        return ","
    after_image = _AFTER_IMAGE.search(line)
    if after_image:
        return after_image.group(1)
    inner = line.strip(_PADDING)
    return max(",;\t|", key=inner.count)


def refit(line: str, cells: Sequence[str], separator: str, n_cells: int) -> list[str] | None:
    r"""Split a line again that does not have the expected number of cells.

    Tried in turn: without a spreadsheet's empty cells at the end; commas inside paths (`C:\Users\Smith, John\...`);
    columns separated by `", "` whose numbers have decimal commas.

    Returns:
        `n_cells` cells; None if that needs guessing.
    """
    attempts = [_join_paths(cells, separator)]
    if separator == "," and ", " in line:
        attempts.append(_join_paths([cell.strip() for cell in line.split(", ")], ", "))
    for attempt in attempts:
        if len(attempt) >= n_cells and not any(attempt[n_cells:]):
            return attempt[:n_cells]
    return None


def _join_paths(cells: Sequence[str], separator: str) -> list[str]:
    """Join paths that contain the separator: from a cell with a slash to one that ends like an image."""
    joined: list[str] = []
    open_path: str | None = None
    for cell in cells:
        if open_path is not None:
            open_path += separator + cell
            if is_image(cell):
                joined.append(open_path)
                open_path = None
        elif ("/" in cell or "\\" in cell) and not is_image(cell):
            open_path = cell
        else:
            joined.append(cell)
    return joined if open_path is None else [*joined, open_path]


def after_images(line: str) -> str:
    """The part of a line after its last image path: separators and numbers."""
    end = 0
    for match in _IMAGE_END.finditer(line):
        end = match.end()
    return line[end:]


def is_ambiguous(line: str) -> bool:
    """Whether the commas between the numbers are partly `", "` and partly `","`: columns or decimal commas?"""
    numbers = after_images(line).strip(" \t;").removeprefix(",").strip()
    return 0 < numbers.count(", ") < numbers.count(",")
