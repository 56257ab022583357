"""Shows what a check-up found, as tables in 80 columns."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise

from simulator_bridge.cli.terminal import console_for_person
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.recording.log.folders import Found
from train.reports.recording_facts import HISTOGRAM_EDGES, Finding, RecordingFacts, describe

_BAR = 30  # characters of the longest bar
_FACTS = (TextColumn("", numeric=False), TextColumn("", numeric=False))
_HISTOGRAM = (TextColumn("steering"), TextColumn("rows", 0), TextColumn("", numeric=False))
_LOGS = (TextColumn("log", numeric=False), TextColumn("rows", 0), TextColumn("episodes", 0))
_OTHERS = (TextColumn("what", numeric=False), TextColumn("where and why", numeric=False))


def show_progress(found: Sequence[Found]) -> Iterable[Found]:
    """Go through what was found, with a progress bar on a terminal's standard error."""
    from rich.progress import track

    console = console_for_person()
    return track(found, "checking", console=console, transient=True, disable=not console.is_terminal)


def print_findings(findings: Sequence[Finding]) -> None:
    """Print every recording, then all else that was found, then the sum."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be valid text
    recordings = [finding for finding in findings if finding.has_images]
    logs = [finding for finding in findings if finding.facts is not None and not finding.has_images]
    others = [finding for finding in findings if finding.facts is None]
    bar = "█" if (sys.stdout.encoding or "").lower().startswith("utf") else "#"
    tables = [*_recording_tables(recordings, bar), *_log_tables(logs)]
    if others:
        tables.append(_others_table(others))
    print("\n\n".join([*tables, _sum(findings)]))  # noqa: T201 - the command's result


def _recording_tables(findings: Sequence[Finding], bar: str) -> Iterable[str]:
    """The facts of each recording, and the histogram of its steering."""
    for finding in findings:
        if finding.facts is None:
            continue
        yield text_table(_FACTS, describe(finding.facts), title=f"{finding.path}: {finding.kind}")
        if finding.facts.rows:
            yield _histogram(finding.facts, bar)


def _histogram(facts: RecordingFacts, bar: str) -> str:
    most = max(*facts.steering_histogram, facts.steering_zeros)
    bins = [
        (f"{low:+.1f} to {high:+.1f}", count)
        for (low, high), count in zip(pairwise(HISTOGRAM_EDGES), facts.steering_histogram, strict=True)
    ]
    bins.insert(len(bins) // 2, ("exactly 0", facts.steering_zeros))
    return text_table(_HISTOGRAM, [[name, count, bar * round(_BAR * count / most)] for name, count in bins])


def _log_tables(findings: Sequence[Finding]) -> Iterable[str]:
    """A table for each folder of logs that can be read but have no images."""
    by_folder: dict[str, list[Finding]] = {}
    for finding in findings:
        by_folder.setdefault(str(finding.path.parent), []).append(finding)
    for folder, logs in by_folder.items():
        rows = [[log.path.name, log.facts.rows, log.facts.episodes] for log in logs if log.facts is not None]
        yield text_table(_LOGS, rows, title=f"{folder}: logs without their images")


def _others_table(findings: Sequence[Finding]) -> str:
    rows = []
    for finding in findings:
        problem, path = finding.problem or "", str(finding.path)
        rows.append([finding.kind, problem if problem.startswith(path) else f"{path}: {problem}"])
    return text_table(_OTHERS, rows, title="Not read")


def _sum(findings: Sequence[Finding]) -> str:
    n_recordings = sum(finding.usable_rows > 0 for finding in findings)
    if n_recordings == 0:
        return "Nothing here can be used for training; record some laps or name another folder."
    rows = sum(finding.usable_rows for finding in findings)
    return f"{rows} rows of {n_recordings} recording{'s' * (n_recordings > 1)} can be used for training."
