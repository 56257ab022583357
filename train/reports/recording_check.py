"""Checks what was found in folders: what it is, whether it can be trained on, and if not, why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import Check, Recording, load_recording
from simulator_bridge.recording.folder_scan import ARCHIVE, IMAGES, RECORDING, SKIPPED, ScanItem
from simulator_bridge.recording.gathering import FoundRecording, UnnamedImages, gather_recordings
from simulator_bridge.recording.log.steering_unit import SteeringUnit
from train.data.learnability import Flaw, find_flaws
from train.reports.recording_facts import HISTOGRAM_EDGES, RecordingFacts, gather_facts


@dataclass(frozen=True)
class RecordingCheck:
    """Something found in the folders that were named, and whether it can be used.

    Attributes:
        path: Folder or file.
        kind: What it is, in words.
        facts: Of a log that can be read.
        flaws: What cannot be learned from it.
        has_images: Whether the rows that `facts` counts have their images, and so can be trained on.
        problem: Why it cannot be used, if it cannot.
        recording: The rows that `facts` counts.
    """

    path: Path
    kind: str
    facts: RecordingFacts | None = None
    flaws: tuple[Flaw, ...] = ()
    has_images: bool = False
    problem: str | None = None
    recording: Recording | None = field(default=None, repr=False)

    @property
    def usable_rows(self) -> int:
        """Rows that can be trained on."""
        return self.facts.rows if self.facts is not None and self.has_images else 0


def check_recordings(
    found: Sequence[ScanItem],
    check: Check,
    unit: SteeringUnit | None = None,
    on_read: Callable[[], None] = lambda: None,
) -> list[RecordingCheck]:
    """Read all that are recordings, as a training would; find out of all else what it is and why it cannot be used.

    Args:
        found: By `scan_folders`.
        check: How images are checked.
        unit: Of the steering of logs that do not tell it.
        on_read: Called after each recording.
    """
    gathered = gather_recordings(found, check, unit, on_read, any_camera=True)
    checks = [_check_recording(one, unit) for one in gathered.found]
    checks += [_check_other(item, unit) for item in found if item.kind not in (RECORDING, IMAGES)]
    return checks + [_check_images(unnamed) for unnamed in gathered.unnamed]


def only_one_way(checks: Sequence[RecordingCheck]) -> Flaw | None:
    """That all which can be used was driven on one track, in one direction; None if not, or not known."""
    driven = {
        (checked.facts.track, checked.facts.direction)
        for checked in checks
        if checked.facts is not None and checked.usable_rows
    }
    if len(driven) != 1:
        return None
    [(track, direction)] = driven
    if track is None or direction not in ("forward", "reverse"):
        return None
    return Flaw(f"only the {track}, only {direction}: drive it the other way round, too, or another track")


def _check_recording(found: FoundRecording, unit: SteeringUnit | None) -> RecordingCheck:
    path, recording = found.item.path, found.recording
    if recording is None:
        return RecordingCheck(path, "cannot be read", problem=found.problem)
    if len(recording) == 0 and _only_missing(recording):
        return _check_imageless(path, recording, unit)
    facts, flaws = gather_facts(recording), tuple(find_flaws(recording))
    kind = recording.format or "Udacity recording"
    return RecordingCheck(path, kind, facts, flaws, has_images=True, recording=recording)


def _check_other(item: ScanItem, unit: SteeringUnit | None) -> RecordingCheck:
    if item.kind in (ARCHIVE, SKIPPED):
        return RecordingCheck(item.path, item.kind, problem=item.problem)
    try:
        return _check_imageless(item.path, load_recording(item.path, "listed", unit), unit)
    except RecordingError as error:
        return RecordingCheck(item.path, "no log of driving", problem=str(error))


def _check_imageless(path: Path, recording: Recording, unit: SteeringUnit | None) -> RecordingCheck:
    problem = f"none of its images is in {recording.folder} or near it"
    unchecked = load_recording(path, None, unit)
    return RecordingCheck(path, "log without its images", gather_facts(unchecked), problem=problem, recording=unchecked)


def _check_images(unnamed: UnnamedImages) -> RecordingCheck:
    what = "images without a row" if unnamed.n_unnamed < unnamed.n_images else "images without a log"
    return RecordingCheck(unnamed.folder, what, problem=unnamed.in_words)


def _only_missing(recording: Recording) -> bool:
    return [reason for reason in recording.dropped if reason.startswith("center:")] == ["center: missing image"]


def checks_to_json(checks: Sequence[RecordingCheck]) -> dict[str, object]:
    """The same numbers as the tables show, ready for `json`."""
    one_way = only_one_way(checks)
    return {
        "usable_rows": sum(checked.usable_rows for checked in checks),
        "flaws": [one_way.words] if one_way else [],
        "histogram_edges": HISTOGRAM_EDGES,
        "found": [
            {
                "path": str(checked.path),
                "kind": checked.kind,
                "facts": None if checked.facts is None else asdict(checked.facts),
                "flaws": [flaw.words for flaw in checked.flaws],
                "has_images": checked.has_images,
                "problem": checked.problem,
            }
            for checked in checks
        ],
    }
