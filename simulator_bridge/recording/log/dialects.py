"""Parses the bytes of a `driving_log.csv`, also one that spreadsheets, merges or regional settings have changed.

Nothing is guessed: a line that can be read in two ways is left out with a reason; a log that is of another kind, or
cannot be read for the most part, is refused with a `RecordingError`. Without a header only the recorder's own order of
columns is accepted; with one, columns may be missing, renamed, in another order or unknown (ignored).
"""

from __future__ import annotations

import codecs
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.log.camera_lines import CameraLine, camera_named, first_image, nearest_centers
from simulator_bridge.recording.log.columns import (
    RECORDERS_LAYOUT,
    Layout,
    is_column_numbers,
    read_header,
    refuse_foreign,
)
from simulator_bridge.recording.log.csv_cells import (
    file_name,
    is_ambiguous,
    is_image,
    is_number,
    refit,
    split_cells,
    split_lines,
    to_number,
)
from simulator_bridge.recording.log.log_format import CAMERAS, COLUMNS, NUMBER_COLUMNS, image_time_s
from simulator_bridge.recording.log.log_rows import LogRows
from simulator_bridge.recording.log.log_times import column_times
from simulator_bridge.recording.recording_file import MAX_LINE_CHARS, MAX_LOG_LINES, MAX_NAME_CHARS

DECIMAL_COMMAS = 'decimal commas with "," between the columns'
INCOMPLETE = "incomplete last line"

_ABSENT = "absent"  # the cell of a column that the log does not have
_N_CAMERAS = len(CAMERAS)
_MAX_NOTES = 20
_MIN_LONGER = 2  # rows of a shape that are no accident


def decode_text(data: bytes) -> str:
    """Decode as UTF-8 or by the byte order mark, else as a Windows code page: only file names matter."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def parse_log(data: bytes, log: Path) -> LogRows:
    """Read the text of a log.

    Args:
        data: The file's bytes.
        log: Its path, for messages only.

    Raises:
        RecordingError: Naming `path:line`, if this is not a log of Udacity's recorder or cannot be decoded.
    """
    if not data.strip():
        raise RecordingError(f"{log}: the log is empty; record some laps or pass another folder")
    text = decode_text(data)
    n_lines = max(text.count("\n"), text.count("\r"))
    if n_lines > MAX_LOG_LINES:
        raise RecordingError(f"{log}: expected at most {MAX_LOG_LINES:,} lines, got {n_lines:,}; split the recording")
    return _Parser(log, split_lines(text), ends_in_newline=text.endswith(("\n", "\r"))).parse()


@dataclass(slots=True)
class _Row:
    line: int
    part: int
    cells: list[str]  # one per column of COLUMNS
    time: str = ""


@dataclass
class _Parser:
    log: Path
    lines: list[str]
    ends_in_newline: bool
    header: Layout | None = None
    part: int = 0
    rows: list[_Row] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)  # line -> why it is left out
    irregular: dict[tuple[int, int], list[_Row]] = field(default_factory=dict)  # (images, numbers) -> rows, no header
    notes: list[str] = field(default_factory=list)
    layouts: dict[int, Layout] = field(default_factory=dict)  # part -> its header's
    side_lines: list[CameraLine] = field(default_factory=list)  # of logs with a line for each camera

    def parse(self) -> LogRows:
        for number, line in enumerate(self.lines, 1):
            if len(line) > MAX_LINE_CHARS:
                line = self._without_zeros(number, line)
            if line.strip(" \t;,\ufeff"):
                self._read_line(number, line)
        self._accept_or_drop_irregular()
        self._join_cameras()
        self._note_incomplete_last_line()
        self._refuse_decimal_commas()
        if not self.rows:
            self._refuse_all()
        return self._to_rows()

    def _without_zeros(self, number: int, line: str) -> str:
        """A long line without the zeros that a power cut leaves; what is still long may be a header: not skipped."""
        bare = line.strip("\0")
        if len(bare) > MAX_LINE_CHARS:
            reason = f"{len(bare):,} characters; at most {MAX_LINE_CHARS:,} are read"
            raise refuse_foreign(self.log, number, bare, reason)
        return bare

    def _read_line(self, number: int, line: str) -> None:
        cells, separator = split_cells(line)
        if self.header is not None and separator != self.header.separator != "":
            by_header = split_cells(line, self.header.separator)[0]
            if len(by_header) == self.header.n_cells:
                cells, separator = by_header, self.header.separator
        if not (is_image(cells[0]) or any(map(is_image, cells))):
            self._read_words(number, line, cells, separator)
        elif self.header is None:
            self._read_headless(number, line, cells, separator)
        else:
            self._read_by_header(self.header, number, line, cells, separator)

    def _read_words(self, number: int, line: str, cells: list[str], separator: str) -> None:
        """A line without an image: a header, or noise."""
        is_first = not self.rows and not self.reasons and self.header is None
        header = read_header(cells, f"{self.log}:{number}", self._cells_below(number), separator, is_first=is_first)
        if header is not None:
            self.part += bool(self.rows or self.irregular)
            self.header = self.layouts[self.part] = header
            unused = f"columns not used: {', '.join(map(repr, header.unused))[:200]}" if header.unused else ""
            for note in filter(None, (unused, header.note)):
                if len(self.notes) < _MAX_NOTES:
                    self.notes.append(f"line {number}: {note}")
        elif is_column_numbers(cells) or line.lower().startswith("sep="):
            return
        elif not self.rows and not self.reasons and len(cells) > 1 and not any(map(is_number, cells)):
            raise refuse_foreign(self.log, number, line, "a header with other columns")
        else:
            self.reasons[number] = "no image path in the line"

    def _cells_below(self, number: int) -> list[str]:
        """The cells of the next line that is not blank; none if there is none near, or it is too long."""
        for line in self.lines[number : number + 5]:
            if line.strip(" \t;,\ufeff\0") and len(line) <= MAX_LINE_CHARS:
                return split_cells(line)[0]
        return []

    def _read_by_header(self, header: Layout, number: int, line: str, cells: list[str], separator: str) -> None:
        fitted = cells if len(cells) == header.n_cells else refit(line, cells, separator, header.n_cells)
        if fitted is None:
            self.reasons[number] = self._misfit(cells, header.n_cells, separator)
            return
        picked = [fitted[header.index[column]] if column in header.index else _ABSENT for column in COLUMNS]
        images = ["" if cell is _ABSENT else first_image(cell) for cell in picked[:_N_CAMERAS]]
        time = fitted[header.index["time"]] if "time" in header.index else ""
        if "camera" in header.index:
            camera = camera_named(fitted[header.index["camera"]])
            if camera is None:
                self.reasons[number] = "an unknown camera"
                return
            if camera != "center":
                self.side_lines.append(CameraLine(number, self.part, camera, images[0], time))
                return
        self._add(_Row(number, self.part, images + picked[_N_CAMERAS:], time))

    def _join_cameras(self) -> None:
        """Give the side images that have lines of their own to the row of the center image nearest in time."""
        if not self.side_lines:
            return
        centers = [CameraLine(row.line, row.part, CAMERAS[0], row.cells[0], row.time) for row in self.rows]
        n_joined = 0
        for side, row in nearest_centers(self.side_lines, centers):
            column = CAMERAS.index(side.camera)
            if row is None or self.rows[row].cells[column]:
                self.reasons[side.line] = "side image without a center image near it"
            else:
                self.rows[row].cells[column] = side.path
                n_joined += 1
        self.notes.append(f"a line for each camera: {n_joined} side images joined to {len(self.rows)} center images")

    def _read_headless(self, number: int, line: str, cells: list[str], separator: str) -> None:
        if cells[0].isdecimal() and len(cells) > 2 and is_image(cells[1]):
            cells = cells[1:]  # an index that pandas put before the row
            line = line.split(separator, 1)[1]
        if len(cells) == 2 and is_number(cells[0]):
            cells.reverse()  # of an image and a number there is no doubt which is which
        n_cells = RECORDERS_LAYOUT.n_cells
        blanks = line.count(", ")
        if len(cells) == n_cells and blanks not in (0, n_cells - 1) and separator == "," and is_ambiguous(line):
            self.reasons[number] = DECIMAL_COMMAS
            return
        fitted = cells if len(cells) == n_cells else refit(line, cells, separator, n_cells)
        if fitted is not None and self._is_recorders(fitted):
            self._add(_Row(number, self.part, fitted))
        else:
            self._read_irregular(number, line, cells, separator)

    @staticmethod
    def _is_recorders(cells: list[str]) -> bool:
        return _names_an_image(cells) and all(not cell or is_image(cell) for cell in cells[1:_N_CAMERAS])

    def _read_irregular(self, number: int, line: str, cells: list[str], separator: str) -> None:
        """A row without a header that is not the recorder's seven columns: decided on when the whole log is read."""
        n_images = sum(1 for _ in itertools.takewhile(lambda cell: is_image(cell), cells))
        numbers = cells[n_images:]
        recorders_own = n_images in (1, _N_CAMERAS) and all(
            file_name(cell).lower().startswith(camera) and image_time_s(file_name(cell)) > 0
            for cell, camera in zip(cells, CAMERAS[:n_images], strict=False)
        )
        is_pair = n_images == len(numbers) == 1
        if not (recorders_own or is_pair) or not numbers or not all(map(is_number, numbers)):
            self.reasons[number] = self._misfit(cells, RECORDERS_LAYOUT.n_cells, separator)
            return
        images = cells[:n_images] + [""] * (_N_CAMERAS - n_images)
        row = _Row(number, self.part, images + numbers)
        self.irregular.setdefault((n_images, len(numbers)), []).append(row)

    @staticmethod
    def _misfit(cells: list[str], expected: int, separator: str) -> str:
        if is_number(cells[0]) and abs(to_number(cells[0])) > 1:
            return "numbers before the image, and as a steering the first would be in degrees"
        numbers = [cell for cell in cells if is_number(cell)]
        if separator == "," and len(cells) > expected and numbers and not any("." in number for number in numbers):
            return DECIMAL_COMMAS
        if len(cells) == expected:
            return "columns in another order than the recorder's"
        return f"{len(cells)} columns, expected {expected}"

    def _add(self, row: _Row) -> None:
        if not _names_an_image(row.cells):
            self.reasons[row.line] = "no image path in the center column"
            return
        for camera, cell in zip(CAMERAS, row.cells, strict=False):
            name = file_name(cell).lower()
            if len(name) > MAX_NAME_CHARS:  # the names of all rows take as much memory as the longest
                self.reasons[row.line] = f"a file name of over {MAX_NAME_CHARS} characters"
                return
            if not name.startswith(camera) and name.startswith(CAMERAS):
                self.reasons[row.line] = f"image of another camera in the {camera} column"
                return
        self.rows.append(row)

    def _accept_or_drop_irregular(self) -> None:
        """Accept rows of one shape if the whole log has it; others are damaged or of unknown meaning."""
        shapes = sorted(self.irregular, key=lambda shape: len(self.irregular[shape]), reverse=True)
        for i, shape in enumerate(shapes):
            (n_images, n_numbers), rows = shape, self.irregular[shape]
            expected = RECORDERS_LAYOUT.n_cells if n_images > 1 else 1 + len(NUMBER_COLUMNS)
            single = (n_images, n_numbers) == (1, len(NUMBER_COLUMNS))
            points = any("." in cell for row in rows for cell in row.cells[_N_CAMERAS:])
            if not points and n_numbers > 1 and not single:
                reason = DECIMAL_COMMAS
            elif single or (i == 0 and not self.rows) or self._is_longer(rows, n_images, n_numbers):
                self._accept_irregular(rows, n_images, n_numbers)
                continue
            else:
                reason = f"{n_images + n_numbers} columns, expected {expected}"
            self.reasons.update({row.line: reason for row in rows})
        self.rows.sort(key=lambda row: row.line)

    @staticmethod
    def _is_longer(rows: list[_Row], n_images: int, n_numbers: int) -> bool:
        """Whether these are the recorder's rows with more columns behind, beside others without: several, and sound."""
        if n_images != _N_CAMERAS or n_numbers <= len(NUMBER_COLUMNS) or len(rows) < _MIN_LONGER:
            return False
        numbers = np.array([list(map(to_number, row.cells[_N_CAMERAS : len(COLUMNS)])) for row in rows])
        return bool((np.abs(numbers[:, :3]) <= 1).all() and (numbers[:, 2] >= 0).all())

    def _accept_irregular(self, rows: list[_Row], n_images: int, n_numbers: int) -> None:
        where = f"line {rows[0].line}: {n_images + n_numbers} columns and no header"
        if n_images == n_numbers == 1:
            self.notes.append(f"{where}: an image and a number, which is taken for the steering")
        elif n_numbers > len(NUMBER_COLUMNS):
            self.notes.append(f"{where}: the first are taken in the recorder's order, the others are not used")
        elif n_numbers < len(NUMBER_COLUMNS):
            self.notes.append(f"{where}: the first number is the steering, as the recorder writes it; others not used")
        if n_numbers < len(NUMBER_COLUMNS):
            for row in rows:
                row.cells[_N_CAMERAS + 1 :] = [_ABSENT] * (len(NUMBER_COLUMNS) - 1)
        for row in rows:
            self._add(_Row(row.line, row.part, row.cells[: len(COLUMNS)]))

    def _note_incomplete_last_line(self) -> None:
        """A recorder that was killed leaves half a row without a newline."""
        last = len(self.lines)
        if not self.ends_in_newline and last in self.reasons and self.rows:
            n_columns = len(split_cells(self.lines[-1])[0])
            if n_columns < len(COLUMNS if self.header is None else range(self.header.n_cells)):
                self.reasons[last] = INCOMPLETE

    def _refuse_decimal_commas(self) -> None:
        line = next((line for line in sorted(self.reasons) if self.reasons[line] == DECIMAL_COMMAS), None)
        if line is None or any("." in cell for row in self.rows for cell in row.cells[_N_CAMERAS:]):
            return
        raise RecordingError(
            f"{self.log}:{line}: the numbers have decimal commas and the columns are separated by commas too, so that "
            "they cannot be told apart; record with the computer's region set to one with decimal points "
            f"(English), or save the log with ';' between the columns (got {self.lines[line - 1][-60:]!r})"
        )

    def _refuse_all(self) -> None:
        if not self.reasons:
            raise RecordingError(f"{self.log}: a header and no rows; record some laps or pass another folder")
        line = min(self.reasons)
        raise refuse_foreign(self.log, line, self.lines[line - 1], self.reasons[line])

    def _to_rows(self) -> LogRows:
        numbers = np.empty((len(self.rows), len(NUMBER_COLUMNS)))
        for i, column in enumerate(NUMBER_COLUMNS):
            cells = [row.cells[_N_CAMERAS + i] for row in self.rows]
            numbers[:, i] = _to_numbers(cells)
            for row in np.flatnonzero(~np.isfinite(numbers[:, i])):
                if cells[row] is not _ABSENT:
                    self.reasons.setdefault(self.rows[row].line, f"{column} is not a number")
        kept = [i for i, row in enumerate(self.rows) if row.line not in self.reasons]
        rows = [self.rows[i] for i in kept]
        if not rows:
            self._refuse_all()
        layouts = [self.layouts.get(row.part, RECORDERS_LAYOUT) for row in rows]
        numbers = numbers[kept]
        numbers[:, 3] *= [layout.mph for layout in layouts]
        return LogRows(
            line=np.array([row.line for row in rows], np.int32),
            images={camera: [row.cells[i] for row in rows] for i, camera in enumerate(CAMERAS)},
            numbers=numbers,
            steering_factor=_steering_factors(rows, layouts, numbers[:, 0]),
            time_s=_column_times(rows, layouts),
            part=np.array([row.part for row in rows], np.int32),
            reasons=self.reasons,
            notes=tuple(self.notes),
        )


def _names_an_image(cells: list[str]) -> bool:
    """Whether a row names a center image, or leaves that empty and names a side image."""
    return is_image(cells[0]) or (not cells[0] and any(map(is_image, cells[1:_N_CAMERAS])))


def _steering_factors(
    rows: list[_Row], layouts: list[Layout], steering: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """What makes the steering normalised; of a part with angles beyond the wheels' stop, those of a steering wheel."""
    factor = np.array([layout.steering_factor for layout in layouts])
    ratio = np.array([layout.steering_ratio for layout in layouts])
    part = np.array([row.part for row in rows])
    for number in np.unique(part[ratio != 1]):
        own = part == number
        if np.abs(steering[own] * factor[own]).max() > 1:
            factor[own] /= ratio[own]
    return factor


def _column_times(rows: list[_Row], layouts: list[Layout]) -> npt.NDArray[np.float64]:
    """Times by the log's own column, part by part."""
    time_s = np.full(len(rows), np.nan)
    part = np.array([row.part for row in rows])
    for number in np.unique(part[[bool(row.time) for row in rows]]):
        own = np.flatnonzero(part == number)
        time_s[own] = column_times([rows[row].time for row in own], layouts[own[0]].time_s)
    return time_s


def _to_numbers(cells: list[str]) -> npt.NDArray[np.float64]:
    """Read a column: fast where every cell is a plain number, cell by cell otherwise."""
    text = "".join(cells)
    if text.isascii() and "_" not in text:
        try:
            return np.array(list(map(float, cells)))
        except ValueError:
            pass
    return np.array([to_number(cell) for cell in cells])
