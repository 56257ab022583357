"""Builds the page of driven laps from their results."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from markupsafe import Markup

from drive.evaluation.drive_conditions import drive_conditions
from drive.evaluation.drive_trace import DriveTrace
from drive.evaluation.driven_road import build_road
from drive.evaluation.lap_config import LapsConfig
from drive.evaluation.lap_runs import LapResult
from drive.evaluation.track_map import draw_key, draw_map
from simulator_bridge.cli.typed_command import without_home
from simulator_bridge.pages.blocks import code, drawing, facts, gallery, note, picture
from simulator_bridge.pages.document import Section, document
from simulator_bridge.pages.figures import Line, line_chart
from simulator_bridge.pages.sortable_table import Column, table
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive
from simulator_bridge.simulator.run.watchers.film_strip import Picture
from simulator_bridge.track.track_plan import FloatArray

MAX_POINTS = 1200  # of a line in a chart: more than a screen has pixels for

COLUMNS = (
    Column("drive", numeric=False),
    Column("laps", numeric=False),
    Column("autonomy, %", digits=1, hint="(1 - 6 s x interventions / time) x 100"),
    Column("score", digits=1, hint="share of the way driven on the road x penalties, up to 100"),
    Column("interventions", digits=0, hint="times the car was put back on the road"),
    Column("off road", digits=0, hint="times that a wheel left the road"),
    Column("collisions", digits=0),
    Column("mean off line, m", digits=2),
    Column("largest, m", digits=2),
    Column("speed, mph", digits=1),
    Column("lap time, s", digits=1),
)
FIELDS = (
    *("autonomy_percent", "driving_score", "n_interventions", "off_road", "collisions"),
    *("mean_abs_cte_m", "max_abs_cte_m", "mean_speed_mph", "mean_lap_time_s"),
)


def build_lap_report(config: LapsConfig, results: Sequence[LapResult], command: str, driven_at: datetime) -> str:
    """Make the page: the table of all drives, how to repeat them, then each drive by itself.

    Args:
        config: How they were driven.
        results: The drives.
        command: That made them, as it was typed.
        driven_at: When they ended.

    Returns:
        The page as HTML.
    """
    passed = sum(result.passed for result in results)
    summary = f"{without_home(config.driver)}: {passed} of {len(results)} drives without an intervention"
    sections = [
        Section("Drives", _table(results)),
        Section("How they were driven", code(command), facts(_origin(config, results, driven_at))),
    ]
    sections += [_drive(config, result) for result in results]
    return document("Laps", sections, summary=summary)


def _origin(config: LapsConfig, results: Sequence[LapResult], driven_at: datetime) -> dict[str, object]:
    versions: dict[str, str] = next((result.report.versions for result in results if result.report is not None), {})
    return {"driver": without_home(config.driver), "date": f"{driven_at:%Y-%m-%d %H:%M %z}".rstrip(), **versions}


def _name(result: LapResult) -> str:
    return without_home(result.job.name)


def _table(results: Sequence[LapResult]) -> Markup:
    rows = [_row(result) for result in results]
    if all(result.failure is None for result in results):
        return table(COLUMNS, rows)
    remarks = [[*row, result.failure or ""] for row, result in zip(rows, results, strict=True)]
    return table([*COLUMNS, Column("why it failed", numeric=False)], remarks)


def _row(result: LapResult) -> list[object]:
    report = result.report
    if report is None:
        return [_name(result), "failed", *(None for _ in FIELDS)]
    return [
        _name(result),
        f"{report.laps_done} of {report.laps_wanted}",
        *(getattr(report, field) for field in FIELDS),
    ]


def _drive(config: LapsConfig, result: LapResult) -> Section:
    if result.report is None or result.trace is None:
        return Section(_name(result), note(f"Not driven: {result.failure}."))
    track = build_road(config, result.job)
    return Section(
        _name(result),
        draw_key(),
        drawing(
            draw_map(track, result.trace.rollout),
            caption="From above, north up. The arrow is where the drive began; a number is an intervention.",
            alt=f"the driven line on {track.name}",
        ),
        *_interventions(result.report, result.trace.pictures),
        facts(drive_conditions(config, result.job, result.report)),
        *_charts(result.trace),
        intro=_verdict(result.report),
    )


def _verdict(report: FinishedDrive) -> str:
    words = f"{report.laps_done} of {report.laps_wanted} laps in {report.elapsed_s:.0f} s (simulated)"
    if report.given_up:
        words += f"; {report.given_up}"
    verdict = f"{words}. Autonomy {report.autonomy_percent:.1f} %, score {report.driving_score:.1f}."
    if report.invented_percent is not None:
        verdict += f" Of the frames' pixels {report.invented_percent:.1f} % are invented: no camera saw them."
    return verdict


def _interventions(report: FinishedDrive, pictures: Sequence[Picture]) -> list[Markup]:
    blocks: list[Markup] = []
    strips = {
        number: list(strip) for number, strip in itertools.groupby(pictures, lambda picture: picture.intervention)
    }
    for number, intervention in enumerate(report.interventions):
        heading = (
            f"Intervention {number + 1}: {intervention.reason} at {intervention.time_s:.1f} s, put back "
            f"{intervention.lap_m:.0f} m into lap {intervention.lap + 1}."
        )
        blocks.append(note(heading))
        strip = strips.get(number, [])
        if strip:
            blocks.append(gallery([_shot(shot) for shot in strip], min_width_px=160))
    return blocks


def _shot(shot: Picture) -> Markup:
    return picture(
        shot.jpeg, f"{shot.before_s:.1f} s before", alt=f"what the car saw {shot.before_s:.1f} s before it was put back"
    )


def _charts(trace: DriveTrace) -> list[Markup]:
    rollout = trace.rollout
    if len(rollout) < 2:
        return []
    time_s = _thinned(rollout.time_s - rollout.time_s[0])

    def chart(title: str, unit: str, values: FloatArray, *, zero_line: bool) -> Markup:
        line = Line(title, time_s, _thinned(values))
        return line_chart(title, [line], x_label="time, s", y_label=unit, zero_line=zero_line, height_px=200)

    return [
        chart("Off the driving line", "m, + = left", rollout.cte, zero_line=True),
        chart("Steering", "normalised, + = right", rollout.steering_angle, zero_line=True),
        chart("Speed", "mph", rollout.speed_mph, zero_line=False),
    ]


def _thinned(values: FloatArray) -> FloatArray:
    step = math.ceil(len(values) / MAX_POINTS)
    return np.round(values[::step], 3)
