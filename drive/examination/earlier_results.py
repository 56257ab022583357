"""Examinees of an earlier exam, read from the JSON that it wrote: to compare with, without driving anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drive.examination.exam_config import ExamConfig
from drive.examination.exam_result import Examined
from drive.examination.examinee import Examinee
from simulator_bridge.cli.json_file import read_json_file
from simulator_bridge.cli.typed_json import read_dataclass
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.segments.segment import Segment, SegmentResult

RESULT = "what drive/exam.py --json writes"


@dataclass(frozen=True)
class _Who:
    """What a result says of an examinee, beside the drives."""

    name: str
    key: str
    recipe: str | None
    seed: int | None
    preprocessing: str | None


def load_earlier(path: Path, config: ExamConfig, segments: Sequence[Segment]) -> list[Examined]:
    """Everyone in a result who drove all of `segments`; recordings that were replayed do not count.

    Args:
        path: What `drive/exam.py --json` wrote.
        config: Of this exam.
        segments: Of this exam, replays not among them.

    Raises:
        UserError: If it cannot be read, or is of another version or of fewer segments.
    """
    content = read_json_file(path, RESULT)
    if content.get("exam") != config.version:
        raise UserError(f"{path}: expected a result of exam {config.version}, got one of {content.get('exam')!r}")
    examinees = content.get("examinees")
    if not isinstance(examinees, list):
        raise UserError(f"{path}: expected {RESULT}, with examinees in it")
    return [
        _examined(one, f"{path}, examinee {number}", segments)
        for number, one in enumerate(examinees, 1)
        if isinstance(one, Mapping) and not one.get("failures")
    ]


def _examined(one: Mapping[str, Any], where: str, segments: Sequence[Segment]) -> Examined:
    who, listed = read_dataclass(_Who, {"preprocessing": None, **one}, where), one.get("segments")
    if not isinstance(listed, list):
        raise UserError(f"{where}: no segments in it")
    read = [read_dataclass(SegmentResult, {"path": [], **result}, f"{where}, segment") for result in listed]
    results = {result.name: result for result in read}
    missing = [segment.name for segment in segments if segment.name not in results]
    if missing:
        raise UserError(
            f"{where}, {who.name}: {len(missing)} of {len(segments)} segments are not in it, such as {missing[0]}; "
            "was it a --quick exam?"
        )
    examinee = Examinee(
        "earlier", who.name, recipe=who.recipe, seed=who.seed, key=who.key, preprocessing=who.preprocessing
    )
    return Examined(examinee, {segment.name: results[segment.name] for segment in segments}, ())
