"""The data report: what is in recordings, on one page, before anyone trains on them.

Everything on it is measured from the recordings. Its size is bounded: lines are thinned, pictures are counted, and of
many recordings the first ones are shown in detail. Imports TensorFlow, for the training's own augmentation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from markupsafe import Markup

from simulator_bridge.cli.terminal import counting
from simulator_bridge.pages.blocks import note
from simulator_bridge.pages.document import Section, document
from simulator_bridge.pages.sortable_table import Column, table
from train.data.rows import Rows, gather_rows
from train.data.side_correction import with_side_correction
from train.reports.data_recording import InspectedRecording, examine, recording_section
from train.reports.data_samples import (
    augmentation_section,
    cameras_section,
    contact_sheet,
    speed_section,
    steering_section,
)
from train.reports.epoch_samples import Epoch
from train.reports.names import names_of
from train.reports.recording_facts import Finding, RecordingFacts
from train.train_config import TrainConfig

MAX_DETAILED = 12  # recordings with a section of their own
TITLE = "What is in the recordings"


def data_report(findings: Sequence[Finding]) -> str:
    """Make the page about everything that was found; shows progress on standard error."""
    usable = [finding for finding in findings if finding.usable_rows]
    others = [finding for finding in findings if not finding.usable_rows]
    if not usable:
        nothing = "Nothing here can be used for training; record some laps or name another folder."
        return document(TITLE, [Section("What was found", _others_table(others))], summary=nothing)
    config = TrainConfig(recordings=tuple(finding.path for finding in usable))
    rows = gather_rows([finding.recording for finding in usable if finding.recording is not None], config.outputs)
    config = with_side_correction(config, rows, np.arange(len(rows)))
    examined = _examine_all(rows, usable)
    epoch = Epoch(config, rows)
    sections = [
        Section("Overview", *_overview(examined, len(others))),
        steering_section(config, rows, epoch),
        speed_section(rows),
        contact_sheet(rows),
        augmentation_section(config, rows, epoch),
        cameras_section(config, rows),
        *(recording_section(one) for one in examined[:MAX_DETAILED]),
        *([Section("Not used", _others_table(others))] if others else []),
    ]
    return document(TITLE, sections, summary=_summary(examined))


def _examine_all(rows: Rows, findings: Sequence[Finding]) -> list[InspectedRecording]:
    examined: list[InspectedRecording] = []
    with counting("looking at images", len(rows)) as on_progress:
        for name, recording, finding in zip(names_of(rows.recordings), rows.recordings, findings, strict=True):
            if finding.facts is not None:
                n_before = sum(len(one.recording) for one in examined)
                examined.append(examine(name, recording, finding.facts, _after(n_before, on_progress)))
    return examined


def _after(n_before: int, on_progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda n_done: on_progress(n_before + n_done)


def _summary(examined: Sequence[InspectedRecording]) -> str:
    n_rows, n_dropped = sum(len(one.recording) for one in examined), sum(one.n_dropped for one in examined)
    n_suspicious = sum(one.n_suspicious for one in examined)
    recordings = "1 recording" if len(examined) == 1 else f"{len(examined)} recordings"
    return f"{n_rows:,} rows of {recordings} can be used for training, {n_dropped:,} are left out. " + (
        f"{n_suspicious:,} of those used deserve a look." if n_suspicious else "None of those used looks suspicious."
    )


def _overview(examined: Sequence[InspectedRecording], n_others: int) -> list[Markup]:
    columns = [
        Column("recording", numeric=False),
        Column("rows", digits=0),
        Column("left out", digits=0, hint="missing or damaged images, impossible numbers, duplicates"),
        Column("suspicious", digits=0, hint="rows in use with a label jump, or a frozen, dark or flat picture"),
        Column("episodes", digits=0, hint="stretches without a gap of more than 1 s"),
        Column("rows/s", digits=1),
        Column("minutes", digits=1),
        Column("km", digits=2),
        Column("laps", digits=1, hint="only the built-in simulator tells"),
        Column("mph", digits=1, hint="mean speed"),
    ]
    blocks = [table(columns, [_overview_row(one.name, one.facts, one.n_dropped, one.n_suspicious) for one in examined])]
    if len(examined) > MAX_DETAILED:
        blocks.append(
            note(f"The first {MAX_DETAILED} are shown in detail below; name fewer folders to see the others.")
        )
    if n_others:
        blocks.append(note(f"{n_others} more were found and cannot be used; the end of the page says why."))
    return blocks


def _overview_row(name: str, facts: RecordingFacts, n_dropped: int, n_suspicious: int) -> list[object]:
    return [
        name,
        facts.rows,
        n_dropped,
        n_suspicious,
        facts.episodes,
        facts.rate_hz,
        None if facts.duration_s is None else facts.duration_s / 60,
        None if facts.distance_m is None else facts.distance_m / 1000,
        facts.laps,
        None if facts.speed_mph is None else facts.speed_mph["mean"],
    ]


def _others_table(others: Sequence[Finding]) -> Markup:
    columns = [Column("not used", numeric=False), Column("what it is", numeric=False), Column("why", numeric=False)]
    return table(columns, [["/".join(finding.path.parts[-2:]), finding.kind, _why(finding)] for finding in others])


def _why(finding: Finding) -> str:
    if finding.problem is not None:
        return finding.problem.removeprefix(f"{finding.path}: ")
    dropped = finding.facts.dropped if finding.facts is not None else {}
    return ", ".join(f"{drop['count']} rows: {reason}" for reason, drop in dropped.items()) or "no rows"
