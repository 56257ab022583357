"""The data report: what is in recordings, on one page, before anyone trains on them.

Everything on it is measured from the recordings. Its size is bounded: lines are thinned, pictures are counted, and of
many recordings the first ones are shown in detail. Imports TensorFlow, for the training's own augmentation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from markupsafe import Markup

from simulator_bridge.cli.terminal import counting
from simulator_bridge.pages import row_marks
from simulator_bridge.pages.blocks import note
from simulator_bridge.pages.document import Section, document
from simulator_bridge.pages.sortable_table import Column, table
from train.data.rows import Rows, gather_rows
from train.data.side_correction import with_side_correction
from train.reports.data_distributions import speed_section, steering_section
from train.reports.data_frames import augmentation_section, cameras_section, contact_sheet
from train.reports.data_recording import RecordingAnalysis, analyse_recording, recording_section
from train.reports.epoch_samples import EpochPreview
from train.reports.recording_check import RecordingCheck
from train.reports.recording_names import recording_names
from train.train_config import TrainConfig

MAX_DETAILED = 12  # recordings with a section of their own
MAX_PLAYED = 400  # frames of all players of the page: some 2 MB
TITLE = "What is in the recordings"


def data_report(checks: Sequence[RecordingCheck]) -> str:
    """Make the page about everything that was found; shows progress on standard error."""
    usable = [checked for checked in checks if checked.usable_rows]
    others = [checked for checked in checks if not checked.usable_rows]
    if not usable:
        nothing = "Nothing here can be used for training; record some laps or name another folder."
        return document(TITLE, [Section("What was found", _others_table(others))], summary=nothing)
    config = TrainConfig(recordings=tuple(checked.path for checked in usable))
    rows = gather_rows([checked.recording for checked in usable if checked.recording is not None], config.outputs)
    config = with_side_correction(config, rows, np.arange(len(rows)))
    analyses = _analyse_all(rows, usable)
    epoch = EpochPreview(config, rows)
    detailed = analyses[:MAX_DETAILED]
    n_frames = max(MAX_PLAYED // max(len(detailed), 1), 2)
    sections = [
        Section("Overview", *_overview(analyses, len(others))),
        steering_section(config, rows, epoch),
        speed_section(rows),
        contact_sheet(rows),
        augmentation_section(config, rows, epoch),
        cameras_section(config, rows),
        *(recording_section(analysis, n_frames) for analysis in detailed),
        *([Section("Not used", _others_table(others))] if others else []),
    ]
    return document(TITLE, sections, summary=_summary(analyses), more_scripts=[row_marks.SCRIPT])


def _analyse_all(rows: Rows, checks: Sequence[RecordingCheck]) -> list[RecordingAnalysis]:
    analyses: list[RecordingAnalysis] = []
    with counting("looking at images", len(rows)) as on_progress:
        for name, recording, checked in zip(recording_names(rows.recordings), rows.recordings, checks, strict=True):
            if checked.facts is not None:
                n_before = sum(len(analysis.recording) for analysis in analyses)
                analyses.append(analyse_recording(name, recording, checked.facts, _after(n_before, on_progress)))
    return analyses


def _after(n_before: int, on_progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda n_done: on_progress(n_before + n_done)


def _summary(analyses: Sequence[RecordingAnalysis]) -> str:
    n_rows = sum(len(analysis.recording) for analysis in analyses)
    n_dropped = sum(analysis.n_dropped for analysis in analyses)
    n_issues = sum(analysis.n_issues for analysis in analyses)
    recordings = "1 recording" if len(analyses) == 1 else f"{len(analyses)} recordings"
    return f"{n_rows:,} rows of {recordings} can be used for training, {n_dropped:,} are left out. " + (
        f"{n_issues:,} of those used deserve a look." if n_issues else "None of those used looks suspicious."
    )


def _overview(analyses: Sequence[RecordingAnalysis], n_others: int) -> list[Markup]:
    columns = [
        Column("recording", numeric=False),
        Column("rows", digits=0),
        Column("left out", digits=0, hint="missing or damaged images, impossible numbers, duplicates"),
        Column("suspicious", digits=0, hint="rows in use with a label jump, or a frozen, dark or flat picture"),
        Column("episodes", digits=0, hint="stretches without a gap of more than 1 s"),
        Column("rows/s", digits=1),
        Column("minutes", digits=1),
        Column("km", digits=2),
        Column("laps", digits=1, hint="only recordings of the built-in simulator have them"),
        Column("mph", digits=1, hint="mean speed"),
    ]
    blocks = [table(columns, [_overview_row(analysis) for analysis in analyses])]
    if len(analyses) > MAX_DETAILED:
        blocks.append(
            note(f"The first {MAX_DETAILED} are shown in detail below; name fewer folders to see the others.", "plain")
        )
    if n_others:
        blocks.append(note(f"{n_others} more were found and cannot be used; the reasons are at the end of the page."))
    return blocks


def _overview_row(analysis: RecordingAnalysis) -> list[object]:
    facts = analysis.facts
    return [
        analysis.name,
        facts.rows,
        analysis.n_dropped,
        analysis.n_issues,
        facts.episodes,
        facts.rate_hz,
        None if facts.duration_s is None else facts.duration_s / 60,
        None if facts.distance_m is None else facts.distance_m / 1000,
        facts.laps,
        None if facts.speed_mph is None else facts.speed_mph["mean"],
    ]


def _others_table(others: Sequence[RecordingCheck]) -> Markup:
    columns = [Column("not used", numeric=False), Column("what it is", numeric=False), Column("why", numeric=False)]
    return table(columns, [["/".join(checked.path.parts[-2:]), checked.kind, _why(checked)] for checked in others])


def _why(checked: RecordingCheck) -> str:
    if checked.problem is not None:
        return checked.problem.removeprefix(f"{checked.path}: ")
    dropped = checked.facts.dropped if checked.facts is not None else {}
    return ", ".join(f"{drop['count']} rows: {reason}" for reason, drop in dropped.items()) or "no rows"
