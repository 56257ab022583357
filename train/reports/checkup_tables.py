"""Shows what a check-up found, as tables in 80 columns."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise

from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.terminal import console_for_person
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.recording.log.folder_scan import ScanItem
from train.reports.recording_check import RecordingCheck
from train.reports.recording_facts import HISTOGRAM_EDGES, RecordingFacts, describe

_BAR = 30  # characters of the longest bar
_FACTS = (TextColumn("", numeric=False), TextColumn("", numeric=False))
_HISTOGRAM = (TextColumn("steering"), TextColumn("rows", 0), TextColumn("", numeric=False))
_LOGS = (TextColumn("log", numeric=False), TextColumn("rows", 0), TextColumn("episodes", 0))
_OTHERS = (TextColumn("what", numeric=False), TextColumn("where and why", numeric=False))


def show_progress(found: Sequence[ScanItem]) -> Iterable[ScanItem]:
    """Go through what was found, with a progress bar on a terminal's standard error."""
    from rich.progress import track

    console = console_for_person()
    return track(found, "checking", console=console, transient=True, disable=not console.is_terminal)


def print_checks(checks: Sequence[RecordingCheck]) -> None:
    """Print every recording, then all else that was found, then the sum."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be valid text
    recordings = [checked for checked in checks if checked.has_images]
    logs = [checked for checked in checks if checked.facts is not None and not checked.has_images]
    others = [checked for checked in checks if checked.facts is None]
    bar = "█" if (sys.stdout.encoding or "").lower().startswith("utf") else "#"
    tables = [*_recording_tables(recordings, bar), *_log_tables(logs)]
    if others:
        tables.append(_others_table(others))
    print_result("\n\n".join([*tables, _sum(checks)]))


def _recording_tables(checks: Sequence[RecordingCheck], bar: str) -> Iterable[str]:
    """The facts of each recording, and the histogram of its steering."""
    for checked in checks:
        if checked.facts is None:
            continue
        yield text_table(_FACTS, describe(checked.facts), title=f"{checked.path}: {checked.kind}")
        if checked.facts.rows:
            yield _histogram(checked.facts, bar)


def _histogram(facts: RecordingFacts, bar: str) -> str:
    most = max(*facts.steering_histogram, facts.steering_zeros)
    bins = [
        (f"{low:+.1f} to {high:+.1f}", count)
        for (low, high), count in zip(pairwise(HISTOGRAM_EDGES), facts.steering_histogram, strict=True)
    ]
    bins.insert(len(bins) // 2, ("exactly 0", facts.steering_zeros))
    return text_table(_HISTOGRAM, [[name, count, bar * round(_BAR * count / most)] for name, count in bins])


def _log_tables(checks: Sequence[RecordingCheck]) -> Iterable[str]:
    """A table for each folder of logs that can be read but have no images."""
    by_folder: dict[str, list[RecordingCheck]] = {}
    for checked in checks:
        by_folder.setdefault(str(checked.path.parent), []).append(checked)
    for folder, logs in by_folder.items():
        rows = [[log.path.name, log.facts.rows, log.facts.episodes] for log in logs if log.facts is not None]
        yield text_table(_LOGS, rows, title=f"{folder}: logs without their images")


def _others_table(checks: Sequence[RecordingCheck]) -> str:
    rows = []
    for checked in checks:
        problem, path = checked.problem or "", str(checked.path)
        rows.append([checked.kind, problem if problem.startswith(path) else f"{path}: {problem}"])
    return text_table(_OTHERS, rows, title="Not read")


def _sum(checks: Sequence[RecordingCheck]) -> str:
    n_recordings = sum(checked.usable_rows > 0 for checked in checks)
    if n_recordings == 0:
        return "Nothing here can be used for training; record some laps or name another folder."
    rows = sum(checked.usable_rows for checked in checks)
    return f"{rows} rows of {n_recordings} recording{'s' * (n_recordings > 1)} can be used for training."
