"""The command that compares the exam's ranks with those of recordings."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from docs import exam_ranking
from drive.evaluation.lap_config import LapJob, LapsConfig
from drive.evaluation.lap_runs import LapResult
from tests.support.drivable_model import drivable_model
from tests.support.made_drive import made_drive
from tests.support.made_replay import write_drive


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[LapJob]:
    """The replays that are asked for."""
    asked: list[LapJob] = []

    def run_jobs(config: LapsConfig, jobs: Sequence[LapJob], done: Callable[[LapResult], None]) -> list[LapResult]:
        asked.extend(jobs)
        return [LapResult(job, made_drive(n_interventions=1), None) for job in jobs]

    monkeypatch.setattr(exam_ranking, "run_jobs", run_jobs)
    return asked


def test_models_are_measured_once_and_ranked(
    tmp_path: Path, replayed: list[LapJob], capsys: pytest.CaptureFixture[str]
) -> None:
    models = [tmp_path / "good.h5", tmp_path / "bad.h5"]
    for model in models:
        model.write_bytes(drivable_model().read_bytes())
    exam = tmp_path / "exam.json"
    exam.write_text(json.dumps({"score": {"good.h5": 90.0, "bad.h5": 10.0}}))
    recording = write_drive(tmp_path / "run", [0.0, 0.1] * 10)
    command = [str(exam), *map(str, models), "--recording", str(recording), "--results", str(tmp_path / "done.json")]

    codes = [exam_ranking.main(command) for _ in range(2)]

    assert codes == [0, 0]
    assert len(replayed) == 2
    shown = capsys.readouterr().out
    assert "good" in shown
    assert "MSE nan" in shown  # equal models have no ranks


def test_a_model_that_is_not_in_the_exam_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exam = tmp_path / "exam.json"
    exam.write_text(json.dumps({"score": {"other.h5": 1.0}}))

    assert exam_ranking.main([str(exam), "model.h5", "--results", str(tmp_path / "done.json")]) == 1
    assert "model.h5 is not in it" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "{", "[]", '{"score": 71.4}'])
def test_what_is_no_result_of_several_models_is_one_line(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    exam = tmp_path / "exam.json"
    if content is not None:
        exam.write_text(content)

    assert exam_ranking.main([str(exam), "model.h5", "--results", str(tmp_path / "done.json")]) == 1
    assert str(exam) in capsys.readouterr().err
