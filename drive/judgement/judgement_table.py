"""Judgements as text of 80 columns, and as JSON."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from drive.evaluation.lap_table import rubric_sentence
from drive.judgement.departures import Departure
from drive.judgement.diagnosis import SPARSE_HZ
from drive.judgement.judgement import LEAST_SEEN, Judgement
from simulator_bridge.cli.text_table import WIDTH, TextColumn, text_table

_COLUMNS = (
    *(TextColumn(heading, numeric=False) for heading in ("recording", "track", "direction")),
    TextColumn("laps", 2),
    TextColumn("s", 0),
    TextColumn("m", 0),
    TextColumn("out", 0),
    TextColumn("auton%", 1),
    TextColumn("offset m", 2),
    TextColumn("sd", 2),
    TextColumn("weave", 2),
)
ENOUGH_SEEN = 0.95
LEGEND = """\
out: times off the road. auton%: (1 - 6 s x interventions / time) x 100; each
departure and each takeover is an intervention. offset: mean and standard
deviation from the centre line, + = left. weave: amplitude of its swings, m."""


def judgement_text(judged: Sequence[Judgement]) -> str:
    """A table, what is to be said of each drive, and how many of those on a track meet the rubric."""
    lines = [text_table(_COLUMNS, [_row(each) for each in judged]), ""]
    for each in judged:
        lines += [f"{_name(each)}: {_headline(each)}", *map(_wrapped, _details(each)), ""]
    placed = [each for each in judged if each.is_placed]
    if placed:
        met, crossed = sum(each.meets_rubric for each in placed), sum(each.over_line for each in placed)
        lines += [rubric_sentence(met, len(placed), crossed), ""]
    return "\n".join([*lines, LEGEND])


def judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    """All fields, and whether it meets the rubric."""
    return {**asdict(judgement), "meets_rubric": judgement.meets_rubric}


def _wrapped(line: str) -> str:
    return textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent="    ")


def _name(judgement: Judgement) -> str:
    return judgement.recording.name or str(judgement.recording)


def _row(judgement: Judgement) -> list[object]:
    placed = judgement.is_placed
    return [
        *(_name(judgement), judgement.track or "unknown", judgement.direction, judgement.laps, judgement.time_s),
        *(judgement.way_m, len(judgement.departures) if placed else None, judgement.autonomy_percent),
        *(judgement.offset_m, judgement.offset_sd_m, judgement.weave_m),
    ]


def _headline(judgement: Judgement) -> str:
    faults = list(dict.fromkeys(str(each.fault) for each in judgement.diagnoses))
    if not judgement.is_placed:
        return "; ".join(["found on no track, so not judged", *(f"probably {fault}" for fault in faults)])
    if faults:
        return " and ".join(faults)
    if judgement.seen_share < LEAST_SEEN:
        return "too little of it is placed to judge it"
    if judgement.departures:
        return "leaves the road, and none of the faults that can be told shows"
    return "drives well"


def _details(judgement: Judgement) -> Iterator[str]:
    yield from map(str, judgement.diagnoses)
    yield from map(_departure_line, judgement.departures)
    if judgement.takeovers:
        yield f"a person took over {judgement.takeovers} times"
    if judgement.is_placed and judgement.seen_share < ENOUGH_SEEN:
        yield f"judged on {100 * judgement.seen_share:.0f} % of the way: where it was on the rest is not known"
    if judgement.is_placed and judgement.rows_hz < SPARSE_HZ:
        yield f"{judgement.rows_hz:.1f} rows a second: under 5, lateness and weaving are not judged"


def _departure_line(departure: Departure) -> str:
    far = f"{departure.beyond_m:.1f} m beyond the edge" if math.isfinite(departure.beyond_m) else "how far is unseen"
    seen = "" if departure.was_seen else "; lost to sight there, so taken to have left the road"
    return (
        f"off the road at {departure.time_s:.1f} s, {departure.s_m:.0f} m, {departure.place}: "
        f"{departure.lasted_s:.1f} s, {far}, {departure.ending}{seen}"
    )
