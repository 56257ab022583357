"""Tracks in CSV files in the format of the public racetrack database: x_m, y_m, w_tr_right_m, w_tr_left_m.

A fifth column `z_m`, the height, is ours. The widths are those of the whole road, from its centre line to its edges.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.cli.output_file import replacing
from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.recording_file import MAX_LOG_BYTES, read_file
from simulator_bridge.track.track_geometry import arc_lengths, spline_closed
from simulator_bridge.track.track_plan import FloatArray, Paint, TrackError, TrackPlan

COLUMNS = ("x_m", "y_m", "w_tr_right_m", "w_tr_left_m")
HEIGHT = "z_m"
FEWEST_POINTS = 8
SPACING_M = 1.0  # of the curve drawn through the rows
MOST_POINTS_PER_ROW = 50
SMOOTHING, MOST_SMOOTHING_M = 0.7, 2.5  # in spacings of the rows: rows close together need little


def plan_csv(path: Path) -> TrackPlan:
    """The track in a CSV file, in the lake's theme; flat unless it has heights.

    Raises:
        TrackError: If the file cannot be read or a row is not four finite numbers, or five in all rows.
    """
    rows, lines = _read(path)
    if len(rows) > 1 and np.linalg.norm(rows[-1, :2] - rows[0, :2]) < 0.1:  # the first point repeated at the end
        rows, lines = rows[:-1], lines[:-1]
    if len(rows) < FEWEST_POINTS:
        raise TrackError(f"{path}: {len(rows)} points; a track needs at least {FEWEST_POINTS}")
    spacing_m = float(np.median(np.diff(arc_lengths(rows[:, :2]))))
    per_row = int(np.clip(np.ceil(spacing_m / SPACING_M), 1, MOST_POINTS_PER_ROW))
    fraction = np.tile(np.arange(per_row) / per_row, len(rows))
    here, there = np.repeat(rows, per_row, axis=0), np.repeat(np.roll(rows, -1, axis=0), per_row, axis=0)
    others = here[:, 2:] + fraction[:, None] * (there[:, 2:] - here[:, 2:])
    return TrackPlan(
        name=str(path),
        xy=spline_closed(rows[:, :2], per_row),
        z=others[:, 2],
        width_left=others[:, 1],
        width_right=others[:, 0],
        theme="lake",
        paint=Paint(),
        smoothing_m=min(MOST_SMOOTHING_M, SMOOTHING * spacing_m),
        z_smoothing_m=min(2 * MOST_SMOOTHING_M, 2 * SMOOTHING * spacing_m),
        lines=np.repeat(lines, per_row),
    )


def _read(path: Path) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    try:
        text = read_file(path, MAX_LOG_BYTES).decode("utf-8-sig")  # a sidecar may name it, so it may be anything
    except RecordingError as error:
        raise TrackError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise TrackError(f"{path}: no such track file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TrackError(f"{path}: cannot be read as text ({error})") from None
    rows: list[list[float]] = []
    lines: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.split("#", 1)[0].strip()
        if not content or (not rows and content.replace(" ", "").startswith(COLUMNS[0])):
            continue
        cells = content.split(",")
        wanted = len(rows[0]) if rows else len(cells)
        if len(cells) != wanted or wanted not in (len(COLUMNS), len(COLUMNS) + 1):
            expected = f"{len(COLUMNS)} columns ({', '.join(COLUMNS)}) or {HEIGHT} as a fifth, the same in all rows"
            raise TrackError(f"{path} line {number}: expected {expected}; got {len(cells)}")
        rows.append(_numbers(path, number, content, cells))
        lines.append(number)
    values = np.array(rows, dtype=np.float64).reshape(-1, len(rows[0]) if rows else len(COLUMNS))
    if values.shape[1] == len(COLUMNS):
        values = np.c_[values, np.zeros(len(values))]
    return values, np.array(lines, dtype=np.int64)


def _numbers(path: Path, number: int, content: str, cells: list[str]) -> list[float]:
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        raise TrackError(f"{path} line {number}: expected numbers, got {content!r}") from None
    if not np.all(np.isfinite(values)):
        raise TrackError(f"{path} line {number}: expected finite numbers, got {content!r}")
    return values


def write_csv(path: Path, xy: FloatArray, width_right: FloatArray, width_left: FloatArray, z: FloatArray) -> None:
    """Write such a file, in millimetres: points (N, 2) of the centre line, and widths and heights (N,).

    Raises:
        UserError: If it cannot be written; an older file is then as it was.
    """
    header = f"# {','.join((*COLUMNS, HEIGHT))}"
    rows = [",".join(f"{value:.3f}" for value in row) for row in np.c_[xy, width_right, width_left, z]]
    with replacing(path) as partial:
        partial.write_text("\n".join([header, *rows, ""]), "utf-8")
