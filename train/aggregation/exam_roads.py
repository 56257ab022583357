"""The tracks of the exam: who learned on one cannot be examined there."""

from __future__ import annotations

from collections.abc import Sequence

from drive.examination.exam_plan import VERSIONS, load_exam
from simulator_bridge.errors import UsageError


def exam_roads() -> frozenset[str]:
    """The names of all tracks that any version of the exam is driven on."""
    return frozenset(segment.track for version in VERSIONS for segment in load_exam(version))


def check_tracks(tracks: Sequence[str], exam_tracks: Sequence[str]) -> None:
    """Refuse a track of the exam that is not named as such, and one named so that is none.

    Raises:
        UsageError: Which one, and what to say instead.
    """
    roads = exam_roads()
    for track in tracks:
        if track in roads:
            raise UsageError(
                f"--track {track} is a road of drive/exam.py, which tests nothing once it was learned on: drive "
                f"another, or say --exam-track {track}"
            )
    for track in exam_tracks:
        if track not in roads:
            raise UsageError(f"--exam-track {track} is no road of drive/exam.py: say --track {track}")
