"""The verdict on a training is the same in words wherever its result is shown."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from drive.cockpit.cockpit_pages import model_facts
from tests.support.made_comparison import config_of, made_results
from tests.support.made_training_result import RESULT
from train.comparison.comparison_page import results_table
from train.comparison.comparison_table import build_table
from train.training_result import TrainingResult, print_training_result
from train.validation.metrics import Score
from train.validation.verdict import Level, verdict_of

ZERO, RIDGE = Score(0.03, 0.1, nan), Score(0.02, 0.09, 0.5)
BASELINES = {"always zero": ZERO, "ridge": RIDGE}
UNTRAINED = replace(RESULT, model=Score(0.031, 0.1, 0.02))


@pytest.mark.parametrize(
    ("model", "level"),
    [
        (Score(0.010, 0.05, 0.8), Level.BEATS),
        (Score(0.025, 0.05, 0.8), Level.LOSES),
        (Score(0.020, 0.05, 0.8), Level.LOSES),
        (Score(0.040, 0.10, 0.7), Level.LOSES),  # it follows the road, if not the pulses of the keys
        (Score(0.010, 0.05, 0.05), Level.NOTHING),
        (Score(0.040, 0.10, 0.3), Level.NOTHING),
        (Score(0.029, 0.10, nan), Level.NOTHING),  # a constant
        (Score(0.010, 0.05, nan, "too sparse: below 5 rows/s"), Level.BEATS),
        (Score(0.031, 0.05, nan, "too sparse: below 5 rows/s"), Level.NOTHING),
    ],
)
def test_a_model_is_judged_by_what_needs_no_network(model: Score, level: Level) -> None:
    assert verdict_of(model, BASELINES).level == level


def test_no_baselines_no_defeat() -> None:
    assert verdict_of(Score(0.01, 0.05, 0.8), {}).is_good


def test_the_words_name_the_baseline_and_what_to_do() -> None:
    assert (
        "50 % less than ridge regression on thumbnails, the best baseline" in verdict_of(RESULT.model, BASELINES).text
    )
    lost = verdict_of(Score(0.025, 0.05, 0.8), BASELINES).text
    assert "lost to ridge regression on thumbnails" in lost
    assert "more" in lost
    assert "train/checkup.py" in UNTRAINED.verdict.text


@pytest.mark.parametrize("result", [RESULT, UNTRAINED], ids=["good", "untrained"])
def test_the_terminal_ends_with_it(result: TrainingResult, capsys: pytest.CaptureFixture[str]) -> None:
    print_training_result(result)
    told = capsys.readouterr().out.rpartition("\n\n")[2]
    assert " ".join(told.split()) == result.verdict.text
    assert max(map(len, told.splitlines())) <= 80


def test_programs_get_it_and_the_cockpit_shows_it(tmp_path: Path) -> None:
    model = tmp_path / "model.h5"
    model.touch()
    facts = model_facts(model, {"validation": UNTRAINED.to_json()})
    assert facts["verdict"] == "learned nothing"
    assert RESULT.to_json()["verdict"]["is_good"] is True


def test_a_comparison_names_the_runs_that_lost() -> None:
    config = config_of(regime=("scratch",), vary={"seed": ("0", "1", "2")})
    first, second, *others = made_results(config)
    verdict = verdict_of(Score(0.04, 0.1, 0.0), BASELINES).to_json()
    results = [first, replace(second, summary={**(second.summary or {}), "verdict": verdict}), *others]
    assert f"{second.run.name}: learned nothing" in build_table(config, results)
    assert "learned nothing" in results_table(config, results)
    assert first.remark == ""
