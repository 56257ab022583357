"""The command that ranks models by true drives and by replays: it resumes, and its ranks share ties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from docs import replay_ranking
from drive.evaluation.lap_config import LapJob, LapsConfig
from drive.evaluation.lap_runs import LapResult
from drive.evaluation.rank_correlation import spearman
from tests.support.made_drive import made_drive

LAP_M = 1000.0


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[LapJob]:
    """The drives that are asked for; who never steers has three interventions, others one."""
    asked: list[LapJob] = []

    def run_jobs(config: LapsConfig, jobs: Sequence[LapJob], done: Callable[[LapResult], None]) -> list[LapResult]:
        asked.extend(jobs)
        return [LapResult(job, made_drive(n_interventions=1 if config.model else 3), None) for job in jobs]

    monkeypatch.setattr(replay_ranking, "run_jobs", run_jobs)
    monkeypatch.setattr(replay_ranking, "_lap_places", lambda folder: (lambda s_m: s_m % LAP_M, LAP_M))
    return asked


def test_what_is_driven_is_not_driven_again(
    jobs: list[LapJob], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "a.h5"
    model.write_bytes(b"a model")
    arguments = [str(tmp_path), str(model), "--results", str(tmp_path / "ranking.json"), "-q"]
    assert replay_ranking.main(arguments) == 0
    first = capsys.readouterr().out
    assert [(job.is_replay, job.latency_ms) for job in jobs] == [(False, 0), (True, 0)] * 2

    jobs.clear()
    assert replay_ranking.main([*arguments[:2], f"{model}@400", *arguments[2:]]) == 0
    assert [job.latency_ms for job in jobs] == [400, 400]

    jobs.clear()
    model.write_bytes(b"another model of that name")
    assert replay_ranking.main(arguments) == 0
    assert [(job.is_replay, job.latency_ms) for job in jobs] == [(False, 0), (True, 0)]
    assert capsys.readouterr().out.endswith(first)


def test_results_that_are_none_are_an_error_in_one_line(
    jobs: list[LapJob], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ranking.json").write_text("{")
    (tmp_path / "a.h5").write_bytes(b"a model")
    code = replay_ranking.main([str(tmp_path), str(tmp_path / "a.h5"), "--results", str(tmp_path / "ranking.json")])
    assert code == 1
    assert "ranking.json" in capsys.readouterr().err
    assert not jobs


def test_equal_values_share_their_rank() -> None:
    assert spearman(np.array([1.0, 1.0, 2.0]), np.array([5.0, 5.0, 9.0])) == pytest.approx(1.0)
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])) == pytest.approx(0.5)
