"""The segments of an exam: a frozen table for each version, a part of it for a quick look, and those of recordings.

A version never changes once it is published: results of it stay comparable. Another table is another version.
"""

from __future__ import annotations

import csv
import hashlib
import typing
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from simulator_bridge.errors import UserError
from simulator_bridge.simulator.segments.segment import Segment

VERSIONS = ("1",)
NOMINAL = "nominal"
REPLAY = "replay"
REPLAY_S = 20.0
SHORTEST_REPLAY_S = 10.0  # what is left over at the end of a stretch
WAY_MARGIN_M = 0.5  # the end of a stretch is not driven past: another one begins there
QUICK_NOMINAL = 12


def load_exam(version: str = VERSIONS[-1]) -> tuple[Segment, ...]:
    """All segments of a version."""
    text = (resources.files("drive.examination") / "exams" / f"{version}.csv").read_text(encoding="utf-8")
    return read_segments(text)


def read_segments(text: str) -> tuple[Segment, ...]:
    """The segments in the text of a table, as `docs/make_exam.py` writes it."""
    return tuple(_read(row) for row in csv.DictReader(text.splitlines()))


def quick_part(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """One segment of each factor and level, each on another road than the last, and some nominal ones."""
    cells: dict[tuple[str, int], list[Segment]] = {}
    for segment in segments:
        cells.setdefault((segment.factor, segment.level), []).append(segment)
    nominal = cells.pop((NOMINAL, 0))
    chosen = [*nominal[:: len(nominal) // QUICK_NOMINAL]]
    chosen += [members[number % len(members)] for number, members in enumerate(cells.values())]
    return tuple(sorted(chosen, key=lambda segment: segment.name))


def replay_segments(recording: Path) -> tuple[Segment, ...]:
    """A recording in parts of 20 s; what is shorter than 10 s at its end is left out.

    Their names hold some of the log's content: what was driven on another log is not taken for it.

    Raises:
        RecordingError: If it cannot be replayed.
    """
    from simulator_bridge.simulator.replay.recorded_path import STEP_S, load_recorded_path
    from simulator_bridge.udacity_car import MPS_PER_MPH

    segments: list[Segment] = []
    path = load_recorded_path(recording)
    told = hashlib.sha256(path.recording.log.read_bytes()).hexdigest()[:6]
    for stretch in path.stretches:
        steps = round(REPLAY_S / STEP_S)
        for first in range(0, len(stretch), steps):
            last = min(first + steps, len(stretch) - 1)
            way_m = float(stretch.s_m[last] - stretch.s_m[first])
            if (last - first) * STEP_S < SHORTEST_REPLAY_S or way_m <= 0:
                continue
            start_mph = float(stretch.speed_mps[first]) / MPS_PER_MPH
            name = f"{recording.name}-{told}-{len(segments) + 1:03d}"
            segments.append(
                _replay_segment(recording, name, float(stretch.s_m[first]), way_m - WAY_MARGIN_M, start_mph)
            )

    if not segments:
        raise UserError(f"{recording}: expected a recording of at least {SHORTEST_REPLAY_S:g} s without a gap")
    return tuple(segments)


def _replay_segment(recording: Path, name: str, start_m: float, way_m: float, speed_mph: float) -> Segment:
    return Segment(
        name=name, factor=REPLAY, level=0, track=str(recording), reverse=False, start_m=start_m, left_m=0.0,
        heading_deg=0.0, way_m=way_m, speed_mph=speed_mph, light=0, weather=0, texture=0, camera=0, delay=0, push=0.0,
        seed=0, is_replay=True,
    )  # fmt: skip


def _read(row: dict[str, str]) -> Segment:
    kinds = typing.get_type_hints(Segment)
    values: dict[str, Any] = {
        name: value == "True" if kinds[name] is bool else kinds[name](value) for name, value in row.items()
    }
    return Segment(**values)
