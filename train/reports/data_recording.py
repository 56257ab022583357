"""Sections of the data report about one recording: its facts, its timeline, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from simulator_bridge.pages.blocks import facts, gallery, note, picture
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.figures import Line, line_chart
from simulator_bridge.pages.sortable_table import Column, table
from simulator_bridge.recording import Recording
from simulator_bridge.recording.images.steering_overlay import draw_steering
from train.reports.frame_facts import examine_frames
from train.reports.pictures import frame_or_rest, in_words, jpeg, side_by_side
from train.reports.recording_facts import RecordingFacts, describe
from train.reports.suspects import Damaged, Suspect, Suspicion, find_damaged, find_suspicions
from train.reports.timeline import Clock, Episode, clock_of, episodes_of, thinned

MAX_EPISODES = 20  # in the table: the longest
MAX_DAMAGED = 6  # pictures of files that were left out


@dataclass(frozen=True, eq=False)
class InspectedRecording:
    """A recording that was looked at.

    Attributes:
        name: For a person.
        recording: Its usable rows, at least one.
        facts: As in the terminal's table.
        suspicions: What deserves a look.
        damaged: Some of the damaged images of rows that were left out.
    """

    name: str
    recording: Recording
    facts: RecordingFacts
    suspicions: Sequence[Suspicion]
    damaged: Sequence[Damaged]

    @property
    def n_dropped(self) -> int:
        """Rows of the log that were left out."""
        return sum(drop.count for drop in self.recording.dropped.values())

    @property
    def n_suspicious(self) -> int:
        """Rows in use with something suspicious, counted once for each kind."""
        return sum(suspicion.n_rows for suspicion in self.suspicions)


def examine(
    name: str, recording: Recording, facts: RecordingFacts, on_progress: Callable[[int], None] = lambda n_done: None
) -> InspectedRecording:
    """Look at every center image of a recording; `on_progress` hears how many are done."""
    frames = examine_frames(recording, on_progress)
    suspicions = find_suspicions(recording, frames)
    return InspectedRecording(name, recording, facts, suspicions, find_damaged(recording, MAX_DAMAGED))


def recording_section(one: InspectedRecording) -> Section:
    """Everything about one recording."""
    return Section(
        f"Recording {one.name}", facts(_joined(describe(one.facts))), *_timeline(one), *_dropped(one), *_suspicious(one)
    )


def _joined(lines: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Lines of the terminal's table by their names; those of one name, or of none, in one."""
    joined: dict[str, str] = {}
    name = ""
    for own_name, value in lines:
        if own_name.startswith("  dropped"):
            continue  # they have a table of their own
        name = own_name or name
        joined[name] = f"{joined[name]}; {value}" if name in joined else value
    return joined


def _timeline(one: InspectedRecording) -> list[Markup]:
    recording, clock = one.recording, clock_of(one.recording)
    episodes = episodes_of(recording, clock)
    n = len(episodes)
    many = f"{n} episodes, a break in the line between them" if n > 1 else "one episode, without a gap"
    blocks = [
        line_chart(
            f"Steering along the recording: {many}",
            [_line("steering", recording.steering_angle, recording, clock)],
            x_label=clock.label,
            y_label="steering (\N{MINUS SIGN}1 left, 1 right)",
            zero_line=True,
            height_px=220,
        )
    ]
    if np.isfinite(recording.speed_mph).any():
        speed = _line("speed", recording.speed_mph, recording, clock)
        title = "Speed along the recording: stretches near 0 are rows of a car at rest"
        blocks.append(line_chart(title, [speed], x_label=clock.label, y_label="speed, mph", height_px=180))
    if n > 1:
        blocks += _episodes_table(episodes)
    return blocks


def _line(label: str, values: object, recording: Recording, clock: Clock) -> Line:
    return Line(label, *thinned(clock.x, np.asarray(values, np.float64), recording.episode))


def _episodes_table(episodes: Sequence[Episode]) -> list[Markup]:
    longest = sorted(episodes, key=lambda episode: -episode.n_rows)[:MAX_EPISODES]
    rows = [
        [e.number, e.first_line, e.n_rows, e.duration_s, e.gap_before_s, e.mean_speed_mph, e.mean_steering]
        for e in sorted(longest, key=lambda episode: episode.number)
    ]
    columns = [
        Column("episode", digits=0),
        Column("first line", digits=0, hint="in the log"),
        Column("rows", digits=0),
        Column("length, s", digits=1),
        Column("gap before, s", digits=1, hint="pause since the episode before; negative: the clock went back"),
        Column("mean mph", digits=1),
        Column("mean steering", digits=3),
    ]
    blocks = [table(columns, rows)]
    if len(episodes) > MAX_EPISODES:
        blocks.append(note(f"The {MAX_EPISODES} longest of {len(episodes)} episodes."))
    return blocks


def _dropped(one: InspectedRecording) -> list[Markup]:
    dropped = one.recording.dropped
    if not dropped:
        return []
    columns = [Column("left out", numeric=False), Column("rows", digits=0), Column("first in line", digits=0)]
    blocks = [table(columns, [[reason, drop.count, drop.first_line] for reason, drop in dropped.items()])]
    if one.damaged:
        blocks.append(gallery([_damaged_picture(damaged) for damaged in one.damaged], 240))
    return blocks


def _damaged_picture(damaged: Damaged) -> Markup:
    path = Path(damaged.path)
    frame, _ = frame_or_rest(path)
    caption = f"{damaged.reason} \N{MIDDLE DOT} line {damaged.line}, {path.name}"
    return picture(jpeg(frame), caption, f"what can be seen of a damaged image of the {damaged.camera} camera")


def _suspicious(one: InspectedRecording) -> list[Markup]:
    if not one.suspicions:
        return [
            note("Nothing suspicious among the rows in use: no label jumps, no frozen, dark, flat or white pictures.")
        ]
    blocks = []
    for suspicion in one.suspicions:
        rows = "1 row" if suspicion.n_rows == 1 else f"{suspicion.n_rows:,} rows"
        blocks.append(Markup("<h3>{}: {}</h3>\n<p>{}</p>").format(suspicion.kind.capitalize(), rows, suspicion.meaning))
        pairs = any(len(suspect.rows) > 1 for suspect in suspicion.worst)
        pictures = [_suspect_picture(one.recording, suspect) for suspect in suspicion.worst]
        blocks.append(gallery(pictures, 480 if pairs else 240))
    return blocks


def _suspect_picture(recording: Recording, suspect: Suspect) -> Markup:
    frames = []
    for row in suspect.rows:
        frame, _ = frame_or_rest(recording.image_path("center", row))
        frames.append(draw_steering(frame, float(recording.steering_angle[row])))
    lines = " and ".join(str(int(recording.line[row])) for row in suspect.rows)
    steering = " then ".join(in_words(float(recording.steering_angle[row])) for row in suspect.rows)
    n = "lines" if len(suspect.rows) > 1 else "line"
    return picture(jpeg(side_by_side(*frames)), f"{suspect.why} \N{MIDDLE DOT} {n} {lines} \N{MIDDLE DOT} {steering}")
