"""Where a placed drive left the road: seen beyond its edge, or lost to sight at the edge while the car went on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from drive.judgement.placed_drive import PlacedDrive, is_put_back
from simulator_bridge.recording.row_runs import runs_of
from simulator_bridge.track.road_words import describe_road
from simulator_bridge.track.track_plan import BoolArray, FloatArray

OUT_BY_M = 0.1  # beyond the edge, at which a wheel counts as out: 95 % of the offsets on the lake are that exact
NEAR_EDGE_M = 1.0  # from the edge or nearer: a car that is lost to sight from there has left the road
LOST_M = 5.0  # of way out of sight that is a departure
SAME_EVENT_S = 1.0  # out again within this time is the same departure, as for the referee
STANDS_MPS, STANDS_S = 0.45, 5.0  # slower for longer, with throttle applied: stuck


@dataclass(frozen=True)
class Departure:
    """The car left the road once.

    Attributes:
        row: Of the recording, at which it begins.
        n_rows: That it lasted.
        time_s: Driven, since the recording began.
        s_m: Along the lap in the direction driven.
        lasted_s: Until it was back, was put back, or the episode ended.
        beyond_m: The outermost wheel, at most; NaN where it was out of sight.
        place: In words.
        ending: `back`, `put back`, `stuck` or `not back`.
        was_seen: Whether a wheel was seen beyond the edge; else the car was lost to sight beside it.
    """

    row: int
    n_rows: int
    time_s: float
    s_m: float
    lasted_s: float
    beyond_m: float
    place: str
    ending: str
    was_seen: bool


def find_departures(drive: PlacedDrive) -> list[Departure]:
    """Every time that the car left the road, in order. A pause within `SAME_EVENT_S` is none."""
    beyond_m = drive.beyond_edge_m()
    seen_out = beyond_m > OUT_BY_M
    put_back = is_put_back(drive.speed_mps, drive.time_s)
    stuck = _is_stuck(drive)
    found = []
    for rows in _pieces(drive, put_back):
        is_last = rows.stop == len(drive) or drive.episode[rows.stop] != drive.episode[rows.stop - 1]
        out = seen_out[rows] | _lost(drive, beyond_m, rows) | stuck[rows]
        for start, stop in _spells(out, drive.time_s[rows]):
            mine = slice(rows.start + start, rows.start + stop)
            at_end = mine.stop == rows.stop
            ending = "stuck" if stuck[mine].any() else "back"
            if at_end and ending == "back":
                ending = "not back" if is_last else "put back"
            found.append(_departure(drive, mine, beyond_m, ending, bool(seen_out[mine].any())))
        if not is_last and not (found and found[-1].row >= rows.start and found[-1].ending in ("put back", "stuck")):
            last = slice(rows.stop - 1, rows.stop)  # put back, though nothing of it was seen
            found.append(_departure(drive, last, beyond_m, "put back", False))
    return found


def count_spells(beyond_m: FloatArray, time_s: FloatArray) -> int:
    """How often a wheel was over `OUT_BY_M` beyond, of metres (N,); see `find_departures`."""
    return len(list(_spells(beyond_m > OUT_BY_M, time_s)))


def _pieces(drive: PlacedDrive, put_back: BoolArray) -> Iterator[slice]:
    """Rows from one start of the car to the next."""
    begins = np.flatnonzero((np.diff(drive.episode, prepend=-1) != 0) | put_back)
    for start, stop in zip(begins, [*begins[1:], len(drive)], strict=True):
        yield slice(int(start), int(stop))


def _lost(drive: PlacedDrive, beyond_m: FloatArray, rows: slice) -> BoolArray:
    """(M,) rows out of sight, after a row near the edge or up to the end of the piece, while the car goes on."""
    unknown = ~drive.is_known[rows]
    lost = np.zeros(len(unknown), bool)
    for run in runs_of(unknown):
        start, stop = run.start, run.stop
        if start == 0:
            continue  # not placed yet, where the car may have been on the road
        before = beyond_m[rows][max(0, start - 3) : start]
        way_m = drive.way_m[rows][stop - 1] - drive.way_m[rows][start - 1]
        if way_m > LOST_M and np.nanmax(before, initial=-math.inf) > -NEAR_EDGE_M:
            lost[start:stop] = True
    return lost


def _is_stuck(drive: PlacedDrive) -> BoolArray:
    stands = (drive.speed_mps < STANDS_MPS) & ~(drive.throttle <= 0)
    stuck = np.zeros(len(drive), bool)
    for run in runs_of(stands):
        start, stop = run.start, run.stop
        if drive.time_s[stop - 1] - drive.time_s[start] > STANDS_S:
            stuck[start:stop] = True
    return stuck


def _spells(out: BoolArray, time_s: FloatArray) -> Iterator[tuple[int, int]]:
    """The runs of rows that are out, those together that follow within `SAME_EVENT_S`."""
    spell: tuple[int, int] | None = None
    for run in runs_of(out):
        start, stop = run.start, run.stop
        if spell is not None and time_s[start] - time_s[spell[1] - 1] <= SAME_EVENT_S:
            spell = (spell[0], stop)
            continue
        if spell is not None:
            yield spell
        spell = (start, stop)
    if spell is not None:
        yield spell


def _departure(drive: PlacedDrive, rows: slice, beyond_m: FloatArray, ending: str, was_seen: bool) -> Departure:
    placed = np.flatnonzero(np.isfinite(drive.s_m[: rows.start + 1]))
    known = int(placed[-1]) if len(placed) else rows.start
    s_m = float(drive.s_m[known])
    after = min(rows.stop, len(drive) - 1)
    lasted_s = float(drive.time_s[after if ending == "back" else rows.stop - 1] - drive.time_s[rows.start])
    beyond = beyond_m[rows][beyond_m[rows] > OUT_BY_M]
    return Departure(
        row=rows.start,
        n_rows=rows.stop - rows.start,
        time_s=float(drive.time_s[rows.start]),
        s_m=s_m,
        lasted_s=lasted_s,
        beyond_m=float(beyond.max()) if len(beyond) else math.nan,
        place=describe_road(drive.track_at(known), s_m),
        ending=ending,
        was_seen=was_seen,
    )
