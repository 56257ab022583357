"""Sections of the data report about one recording: its facts, its timeline, and its issues."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup

from simulator_bridge.errors import RecordingError
from simulator_bridge.pages.blocks import facts, gallery, note, picture
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.figures import Line, line_chart
from simulator_bridge.pages.player import PlayerFrame, player
from simulator_bridge.pages.row_marks import MarkableRows, StripPart, mark_button, row_marker
from simulator_bridge.pages.sortable_table import Column, table
from simulator_bridge.recording import Recording
from simulator_bridge.recording.images.steering_overlay import draw_steering
from simulator_bridge.recording.log.exclusions import EXCLUDE_NAME, read_exclusions
from train.data.learnability import find_flaws
from train.reports.damaged_images import DamagedImage, find_damaged_images
from train.reports.data_issues import DataIssue, IssueExample, find_issues
from train.reports.frame_pictures import frame_and_damage, side_by_side, steering_text, to_jpeg, to_small_jpeg
from train.reports.frame_statistics import measure_frames
from train.reports.recording_facts import RecordingFacts, describe
from train.reports.timeline import EpisodeSummary, TimeAxis, downsample, summarise_episodes, time_axis_of

MAX_EPISODES = 20  # in the table: the longest
MAX_DAMAGED = 6  # pictures of files that were left out
MAX_PARTS = 40  # of the strip on which rows are marked
STRIP_SIZE_PX = 160, 80  # width, height


@dataclass(frozen=True, eq=False)
class RecordingAnalysis:
    """A recording, what is known of it, and its issues.

    Attributes:
        name: For a person.
        recording: Its usable rows, at least analysis.
        facts: As in the terminal's table.
        issues: What deserves a look.
        damaged: Some of the damaged images of rows that were left out.
    """

    name: str
    recording: Recording
    facts: RecordingFacts
    issues: Sequence[DataIssue]
    damaged: Sequence[DamagedImage]

    @property
    def n_dropped(self) -> int:
        """Rows of the log that were left out."""
        return sum(drop.count for drop in self.recording.dropped.values())

    @property
    def n_issues(self) -> int:
        """Rows in use that have an issue, counted once for each kind of issue."""
        return sum(issue.n_rows for issue in self.issues)


def analyse_recording(
    name: str, recording: Recording, facts: RecordingFacts, on_progress: Callable[[int], None] = lambda n_done: None
) -> RecordingAnalysis:
    """Look at every center image of a recording; `on_progress` gets the number that is done."""
    frames = measure_frames(recording, on_progress)
    issues = find_issues(recording, frames)
    return RecordingAnalysis(name, recording, facts, issues, find_damaged_images(recording, MAX_DAMAGED))


def recording_section(analysis: RecordingAnalysis, n_frames: int) -> Section:
    """Everything about one recording; its player has at most `n_frames`."""
    axis = time_axis_of(analysis.recording)
    return Section(
        f"Recording {analysis.name}",
        *(note(flaw.words[0].upper() + flaw.words[1:] + ".") for flaw in find_flaws(analysis.recording)),
        facts(_joined(describe(analysis.facts))),
        play_recording(analysis.recording, axis, n_frames),
        *_timeline(analysis, axis),
        *_marker(analysis.recording),
        *_dropped(analysis),
        *_issues(analysis),
    )


def _joined(lines: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Lines of the terminal's table by their names; those of one name, or of none, in analysis."""
    joined: dict[str, str] = {}
    name = ""
    for own_name, value in lines:
        if own_name.startswith("  dropped"):
            continue  # they have a table of their own
        name = own_name or name
        joined[name] = f"{joined[name]}; {value}" if name in joined else value
    return joined


def play_recording(recording: Recording, axis: TimeAxis, n_frames: int) -> Markup:
    """Frames at even steps, of the center camera where there is one, the steering in blue."""
    rows = np.unique(np.linspace(0, len(recording) - 1, n_frames).round().astype(np.int64))
    frames = []
    for row in rows.tolist():
        frame, damage = frame_and_damage(recording.image_path(recording.first_camera(row), row))
        steering, speed_mph = float(recording.steering_angle[row]), float(recording.speed_mph[row])
        words = [f"line {int(recording.line[row])}", steering_text(steering)]
        words += [f"{speed_mph:.1f} mph"] if np.isfinite(speed_mph) else []
        words += [damage] if damage else []
        jpeg = to_small_jpeg(draw_steering(frame, steering))
        frames.append(PlayerFrame(jpeg, float(axis.x[row]), " \N{MIDDLE DOT} ".join(words)))
    which = "every frame" if len(rows) == len(recording) else f"{len(rows)} of {len(recording):,} frames, evenly"
    return player(f"What the camera saw: {which}", frames)


def _timeline(analysis: RecordingAnalysis, axis: TimeAxis) -> list[Markup]:
    recording = analysis.recording
    episodes = summarise_episodes(recording, axis)
    n = len(episodes)
    many = f"{n} episodes, a break in the line between them" if n > 1 else "one episode, without a gap"
    blocks = [
        line_chart(
            f"Steering along the recording: {many}",
            [_line("steering", recording.steering_angle, recording, axis)],
            x_label=axis.label,
            y_label="steering (\N{MINUS SIGN}1 left, 1 right)",
            zero_line=True,
            height_px=220,
        )
    ]
    if np.isfinite(recording.speed_mph).any():
        speed = _line("speed", recording.speed_mph, recording, axis)
        title = "Speed along the recording: stretches near 0 are rows of a car at rest"
        blocks.append(line_chart(title, [speed], x_label=axis.label, y_label="speed, mph", height_px=180))
    if n > 1:
        blocks += _episodes_table(episodes)
    return blocks


def _marker(recording: Recording) -> list[Markup]:
    """Marks rows to leave out; not where an exclude.json of another program stands."""
    try:
        before = read_exclusions(recording.folder)
    except RecordingError:
        return []
    log = recording.folder if recording.format else recording.log
    rows = MarkableRows(
        log=recording.log.name,
        file=str(recording.folder / EXCLUDE_NAME),
        before={"lines": before.lines, "images": sorted(before.images)},
        command=f"python train/checkup.py {shlex.quote(str(log))}",
        line=recording.line,
        x=time_axis_of(recording).x,
    )
    first_rows = np.unique(np.linspace(0, len(recording), MAX_PARTS, endpoint=False).astype(int))
    last_rows = [*(first_rows[1:] - 1), len(recording) - 1]
    return [
        row_marker(
            rows,
            [_strip_part(recording, first, last) for first, last in zip(first_rows.tolist(), last_rows, strict=True)],
        )
    ]


def _strip_part(recording: Recording, first: int, last: int) -> StripPart:
    frame, _ = frame_and_damage(recording.image_path(recording.first_camera(first), first))
    small = cv2.resize(frame, STRIP_SIZE_PX, interpolation=cv2.INTER_AREA)
    return StripPart(int(recording.line[first]), int(recording.line[last]), to_jpeg(np.asarray(small, np.uint8)))


def _line(label: str, values: object, recording: Recording, axis: TimeAxis) -> Line:
    return Line(label, *downsample(axis.x, np.asarray(values, np.float64), recording.episode))


def _episodes_table(episodes: Sequence[EpisodeSummary]) -> list[Markup]:
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
        blocks.append(note(f"The {MAX_EPISODES} longest of {len(episodes)} episodes.", "plain"))
    return blocks


def _dropped(analysis: RecordingAnalysis) -> list[Markup]:
    dropped = analysis.recording.dropped
    blocks = []
    if dropped:
        columns = [Column("left out", numeric=False), Column("rows", digits=0), Column("first in line", digits=0)]
        blocks.append(table(columns, [[reason, drop.count, drop.first_line] for reason, drop in dropped.items()]))
    if analysis.damaged:
        blocks.append(gallery([_damaged_picture(damaged) for damaged in analysis.damaged], 240))
    return blocks


def _damaged_picture(damaged: DamagedImage) -> Markup:
    path = Path(damaged.path)
    frame, _ = frame_and_damage(path)
    caption = f"{damaged.reason} \N{MIDDLE DOT} line {damaged.line}, {path.name}"
    return picture(to_jpeg(frame), caption, f"what can be seen of a damaged image of the {damaged.camera} camera")


def _issues(analysis: RecordingAnalysis) -> list[Markup]:
    if not analysis.issues:
        return [
            note(
                "Nothing suspicious among the rows in use: no label jumps, no frozen, dark, flat or white pictures.",
                "good",
            )
        ]
    blocks = []
    for issue in analysis.issues:
        rows = "1 row" if issue.n_rows == 1 else f"{issue.n_rows:,} rows"
        blocks.append(Markup("<h3>{}: {}</h3>\n<p>{}</p>").format(issue.kind.capitalize(), rows, issue.meaning))
        pairs = any(len(example.rows) > 1 for example in issue.worst)
        pictures = [_example_picture(analysis.recording, example) for example in issue.worst]
        blocks.append(gallery(pictures, 480 if pairs else 240))
        lines = [[int(analysis.recording.line[row]) for row in example.to_leave_out] for example in issue.worst]
        blocks.append(Markup("<p>{}</p>").format(Markup(" ").join(mark_button(*ends) for ends in lines)))
    return blocks


def _example_picture(recording: Recording, example: IssueExample) -> Markup:
    frames = []
    for row in example.rows:
        frame, _ = frame_and_damage(recording.image_path(recording.first_camera(row), row))
        frames.append(draw_steering(frame, float(recording.steering_angle[row])))
    lines = " and ".join(str(int(recording.line[row])) for row in example.rows)
    steering = " then ".join(steering_text(float(recording.steering_angle[row])) for row in example.rows)
    n = "lines" if len(example.rows) > 1 else "line"
    return picture(
        to_jpeg(side_by_side(*frames)), f"{example.why} \N{MIDDLE DOT} {n} {lines} \N{MIDDLE DOT} {steering}"
    )
