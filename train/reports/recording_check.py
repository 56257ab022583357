"""Checks what was found in folders: what it is, whether it can be trained on, and if not, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import Check, Recording, load_recording
from simulator_bridge.recording.log.folder_scan import IMAGES_ONLY, OTHER_LOG, RECORDING, ScanItem
from train.reports.recording_facts import HISTOGRAM_EDGES, RecordingFacts, gather_facts


@dataclass(frozen=True)
class RecordingCheck:
    """Something found in the folders that were named, and whether it can be used.

    Attributes:
        path: Folder or file.
        kind: What it is, in words.
        facts: Of a log that can be read.
        has_images: Whether the rows that `facts` counts have their images, and so can be trained on.
        problem: Why it cannot be used, if it cannot.
        recording: The rows that `facts` counts.
    """

    path: Path
    kind: str
    facts: RecordingFacts | None = None
    has_images: bool = False
    problem: str | None = None
    recording: Recording | None = field(default=None, repr=False)

    @property
    def usable_rows(self) -> int:
        """Rows that can be trained on."""
        return self.facts.rows if self.facts is not None and self.has_images else 0


def check_recording(found: ScanItem, check: Check) -> RecordingCheck:
    """Load what is a recording; of everything else, find out what it is and why it cannot be used."""
    if found.kind not in (RECORDING, OTHER_LOG):
        problem = found.problem or (
            "the log is missing" if found.kind == IMAGES_ONLY else "not a recording of Udacity's simulator, not read"
        )
        return RecordingCheck(found.path, found.kind, problem=problem)
    try:
        recording = load_recording(found.path, check)
        if len(recording) == 0 and _only_missing(recording):
            problem = f"no images in {recording.folder}"
            recording = load_recording(found.path, check=None)
            return RecordingCheck(
                found.path, "log without its images", gather_facts(recording), problem=problem, recording=recording
            )
    except RecordingError as error:
        kind = "no Udacity log" if found.kind == OTHER_LOG else "cannot be read"
        return RecordingCheck(found.path, kind, problem=str(error))
    facts = gather_facts(recording)
    return RecordingCheck(found.path, "Udacity recording", facts, has_images=True, recording=recording)


def _only_missing(recording: Recording) -> bool:
    return [reason for reason in recording.dropped if reason.startswith("center:")] == ["center: missing image"]


def checks_to_json(checks: Sequence[RecordingCheck]) -> dict[str, object]:
    """The same numbers as the tables show, ready for `json`."""
    return {
        "usable_rows": sum(checked.usable_rows for checked in checks),
        "histogram_edges": HISTOGRAM_EDGES,
        "found": [
            {
                "path": str(checked.path),
                "kind": checked.kind,
                "facts": None if checked.facts is None else asdict(checked.facts),
                "has_images": checked.has_images,
                "problem": checked.problem,
            }
            for checked in checks
        ],
    }
