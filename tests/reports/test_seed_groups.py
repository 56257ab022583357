"""A comparison is fair, or says what differs; seeds are no runs of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.made_comparison import config_of, made_results
from train.comparison.comparison_config import ComparisonConfig
from train.comparison.comparison_page import build_page, summary_of
from train.comparison.comparison_table import build_table
from train.comparison.run_plan import differences
from train.comparison.run_result import RunResult
from train.comparison.seed_groups import best_group, group_by_seed, mse_of

SEEDS = {"seed": ("0", "1", "2")}


def with_errors(config: ComparisonConfig, *errors: float | None) -> list[RunResult]:
    results = []
    for result, mse in zip(made_results(config), errors, strict=True):
        score = {"mse": mse, "mae": 0.1, "mae_deg": 2.5, "r1s": 0.5}
        summary = {"validation": score, "baselines": {}, "seconds": 60.0, "epochs_done": 3}
        results.append(replace(result, summary=None if mse is None else summary, failure=None if mse else "diverged"))
    return results


def test_the_best_is_the_best_on_the_mean_not_the_luckiest_seed() -> None:
    config = config_of(arch=("pilotnet", "lenet"), regime=("scratch",), vary=SEEDS, laps=1)
    results = with_errors(config, 0.010, 0.012, 0.014, 0.005, 0.030, None)
    pilotnet, lenet = group_by_seed(results)
    assert (pilotnet.name, lenet.name) == ("pilotnet scratch", "lenet scratch")
    assert [pilotnet.mean(mse_of), pilotnet.spread(mse_of)] == pytest.approx([0.012, 0.002])
    assert (len(lenet.results), lenet.n_failed) == (2, 1)
    assert best_group([pilotnet, lenet]) is pilotnet
    assert "pilotnet scratch, MSE 0.01200 \N{PLUS-MINUS SIGN} 0.00200 over 3 seeds" in summary_of(config, results)
    first, *_ = build_table(config, results).split("\n\n")
    assert first.splitlines()[3].split()[:5] == ["pilotnet", "scratch", "3", "0.01200", "0.00200"]
    assert max(map(len, first.splitlines())) <= 80
    page = build_page(config, results, {}, {})
    assert "Seeds together" in page


def test_runs_with_settings_of_their_own_are_no_group() -> None:
    config = config_of(arch=("pilotnet", "lenet"), regime=("scratch",))
    results = with_errors(config, 0.010, None)
    assert [len(group.results) for group in group_by_seed(results)] == [1, 0]
    assert "seeds" not in build_table(config, results)
    assert "Seeds together" not in build_page(config, results, {}, {})


def test_a_group_in_which_all_failed_has_no_figures() -> None:
    config = config_of(arch=("pilotnet", "lenet"), regime=("scratch",), vary=SEEDS)
    results = with_errors(config, None, None, None, None, None, None)
    assert best_group(group_by_seed(results)) is None
    assert "No run has a model yet" in summary_of(config, results)
    assert build_table(config, results)


def test_what_is_not_equal_is_said_in_plain_words_with_what_would_make_it_so() -> None:
    said = " ".join(differences(config_of(arch=("pilotnet", "lenet"), regime=("scratch",))))
    for words in ("pilotnet 66x200", "--vary image_size=", "--budget-s", "--vary seed=0,1,2"):
        assert words in said
    assert "fewer epochs" in " ".join(differences(config_of(budget_s=60)))


def test_nothing_is_said_where_all_is_equal() -> None:
    assert differences(config_of(arch=("lenet",), regime=("scratch",), vary=SEEDS)) == []
    alike = {**SEEDS, "image_size": ("66x200",), "epochs": ("9",)}
    assert differences(config_of(arch=("pilotnet", "lenet"), regime=("scratch",), vary=alike)) == []
