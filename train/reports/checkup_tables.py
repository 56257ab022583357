"""Shows what a check-up found, as tables in 80 columns."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from simulator_bridge.cli.terminal import console_for_person
from simulator_bridge.recording.log.folder_scan import ScanItem
from train.reports.recording_facts import HISTOGRAM_EDGES, Finding, RecordingFacts, describe

_WIDTH = 80
_BAR = 30  # characters of the longest bar


def show_progress(found: Sequence[ScanItem]) -> Iterable[ScanItem]:
    """Go through what was found, with a progress bar on a terminal's standard error."""
    console = console_for_person()
    return track(found, "checking", console=console, transient=True, disable=not console.is_terminal)


def print_findings(findings: Sequence[Finding]) -> None:
    """Print every recording, then all else that was found, then the sum."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be valid text
    console = Console(highlight=False, markup=False)
    console = Console(highlight=False, markup=False, width=min(console.width, _WIDTH))
    recordings = [finding for finding in findings if finding.has_images]
    logs = [finding for finding in findings if finding.facts is not None and not finding.has_images]
    others = [finding for finding in findings if finding.facts is None]
    bar = "#" if console.options.ascii_only else "█"
    for finding in recordings:
        if finding.facts is not None:
            console.print(_recording_table(finding, finding.facts, bar))
    for table in _log_tables(logs):
        console.print(table)
    if others:
        console.print(_others_table(others))
    console.print(_sum(findings), soft_wrap=True)


def _recording_table(finding: Finding, facts: RecordingFacts, bar: str) -> Table:
    table = Table(title=Text(f"{finding.path}: {finding.kind}"), title_justify="left", show_header=False, width=_WIDTH)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for name, value in _lines(facts, bar):
        table.add_row(name, Text(value))
    return table


def _lines(facts: RecordingFacts, bar: str) -> list[tuple[str, str]]:
    lines = describe(facts)
    if facts.rows == 0:
        return lines
    most = max(*facts.steering_histogram, facts.steering_zeros)
    bins = [
        (f"{low:+.1f} to {high:+.1f}", count)
        for (low, high), count in zip(pairwise(HISTOGRAM_EDGES), facts.steering_histogram, strict=True)
    ]
    bins.insert(len(bins) // 2, ("exactly 0", facts.steering_zeros))
    return lines + [(name, f"{bar * round(_BAR * count / most):{_BAR}} {count}") for name, count in bins]


def _log_tables(findings: Sequence[Finding]) -> Iterable[Table]:
    """A table for each folder of logs that can be read but have no images."""
    by_folder: dict[str, list[Finding]] = {}
    for finding in findings:
        by_folder.setdefault(str(finding.path.parent), []).append(finding)
    for folder, logs in by_folder.items():
        table = _table(f"{folder}: logs without their images", "log", "rows", "episodes")
        for log in logs:
            if log.facts is not None:
                table.add_row(Text(log.path.name), str(log.facts.rows), str(log.facts.episodes))
        yield table


def _others_table(findings: Sequence[Finding]) -> Table:
    table = _table("Not read", "what", "where and why")
    for finding in findings:
        problem, path = finding.problem or "", str(finding.path)
        table.add_row(
            finding.kind, Text(problem if problem.startswith(path) else f"{path}: {problem}"), end_section=True
        )
    return table


def _table(title: str, *headers: str) -> Table:
    table = Table(title=Text(title), title_justify="left", width=_WIDTH)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _sum(findings: Sequence[Finding]) -> str:
    n_recordings = sum(finding.usable_rows > 0 for finding in findings)
    if n_recordings == 0:
        return "Nothing here can be used for training; record some laps or name another folder."
    rows = sum(finding.usable_rows for finding in findings)
    return f"{rows} rows of {n_recordings} recording{'s' * (n_recordings > 1)} can be used for training."
