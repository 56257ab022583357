"""Shows what a check-up found, as tables in 80 columns: one line for each recording, more on request."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, pairwise

from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.terminal import counting
from simulator_bridge.cli.text_table import TextColumn, text_table
from train.reports.recording_check import RecordingCheck, only_one_way
from train.reports.recording_facts import HISTOGRAM_EDGES, RecordingFacts, describe
from train.reports.recording_names import recording_names

_BAR = 30  # characters of the longest bar
_MAX_REASONS = 3  # for rows left out that are named without --details
_FACTS = (TextColumn("", numeric=False), TextColumn("", numeric=False))
_HISTOGRAM = (TextColumn("steering"), TextColumn("rows", 0), TextColumn("", numeric=False))
_LOGS = (TextColumn("log", numeric=False), TextColumn("rows", 0), TextColumn("episodes", 0))
_OTHERS = (TextColumn("what", numeric=False), TextColumn("where and why", numeric=False))
_OVERVIEW = (
    TextColumn("recording", numeric=False),
    TextColumn("rows", 0),
    TextColumn("left out", 0),
    TextColumn("cams", 0),
    TextColumn("rows/s", 1),
    TextColumn("minutes", 1),
    TextColumn("mph", 1),
    TextColumn("driven", numeric=False),
    TextColumn("laps", 1),
)
_REMARKS = (TextColumn("recording", numeric=False), TextColumn("look at this", numeric=False))


@contextmanager
def show_progress(n: int) -> Iterator[Callable[[], None]]:
    """Show how many of `n` are checked while the body runs; gives what counts one more as done."""
    with counting("checking", n) as on_progress:
        numbers = count(1)
        yield lambda: on_progress(next(numbers))


def print_checks(checks: Sequence[RecordingCheck], *, details: bool) -> None:
    """Print a line for each recording and what to look at, then all else that was found, then the sum.

    Args:
        checks: Of everything that was found.
        details: Print all facts of each recording, too.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be valid text
    recordings = [checked for checked in checks if checked.has_images]
    logs = [checked for checked in checks if checked.facts is not None and not checked.has_images]
    others = [checked for checked in checks if checked.facts is None]
    bar = "█" if (sys.stdout.encoding or "").lower().startswith("utf") else "#"
    tables = [*_overview(recordings), *_remarks(recordings, checks)]
    if details:
        tables += _recording_tables(recordings, bar)
    tables += _log_tables(logs)
    if others:
        tables.append(_others_table(others))
    print_result("\n\n".join([*tables, _sum(checks, details=details)]))


def _named(checks: Sequence[RecordingCheck]) -> list[tuple[str, RecordingCheck, RecordingFacts]]:
    names = recording_names([checked.recording for checked in checks if checked.recording is not None])
    return [(name, checked, checked.facts) for name, checked in zip(names, checks, strict=True) if checked.facts]


def _overview(checks: Sequence[RecordingCheck]) -> Iterable[str]:
    """One line for each recording."""
    if not checks:
        return
    rows = []
    for name, _, facts in _named(checks):
        driven = " ".join(filter(None, (facts.track, facts.direction)))
        minutes = None if facts.duration_s is None else facts.duration_s / 60
        mph = None if facts.speed_mph is None else facts.speed_mph["mean"]
        left_out = _n_left_out(facts)
        rows.append(
            [name, facts.rows, left_out, len(facts.cameras), facts.rate_hz, minutes, mph, driven or None, facts.laps]
        )
    yield text_table(_OVERVIEW, rows)


def _n_left_out(facts: RecordingFacts) -> int:
    return sum(drop["count"] for drop in facts.dropped.values())


def _remarks(recordings: Sequence[RecordingCheck], checks: Sequence[RecordingCheck]) -> Iterable[str]:
    """What cannot be learned from each recording, why rows were left out, and how it was read."""
    rows = []
    for name, checked, facts in _named(recordings):
        rows += [[name, flaw.words] for flaw in checked.flaws]
        if facts.dropped:
            reasons = [f"{reason} ({drop['count']})" for reason, drop in facts.dropped.items()]
            more = f", and {len(reasons) - _MAX_REASONS} more reasons" if len(reasons) > _MAX_REASONS else ""
            rows.append([name, f"rows not used: {', '.join(reasons[:_MAX_REASONS])}{more}"])
        rows += [[name, note] for note in facts.notes]
    one_way = only_one_way(checks)
    if one_way:
        rows.append(["all", one_way.words])
    if rows:
        names = [row[0] for row in rows]
        yield text_table(
            _REMARKS, [["" if i and names[i - 1] == name else name, words] for i, (name, words) in enumerate(rows)]
        )


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


def _sum(checks: Sequence[RecordingCheck], *, details: bool) -> str:
    usable = [checked for checked in checks if checked.usable_rows > 0]
    if not usable:
        return "Nothing here can be used for training; record some laps or name another folder."
    rows, n = sum(checked.usable_rows for checked in usable), len(usable)
    sentences = [f"{rows} rows of {n} recording{'s' * (n > 1)} can be used for training."]
    if all(any(flaw.is_fatal for flaw in checked.flaws) for checked in usable):
        sentences.append("Nothing can be learned from them.")
    if not details:
        sentences.append("More of each: --details.")
    return "\n".join(sentences)
