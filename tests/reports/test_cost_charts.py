"""The charts of what an error costs: every run is a point, and no name covers another, whatever the points are."""

from __future__ import annotations

import dataclasses
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from simulator_bridge.pages.blocks import drawing, gallery
from simulator_bridge.pages.document import Section, document
from simulator_bridge.pages.scatter import PLOT, LogAxis, Point, frontier, place_names, scatter_chart
from tests.support.browser import open_page, overflow_px, set_phone
from tests.support.made_comparison import config_of, made_results
from train.comparison.comparison_page import build_page
from train.comparison.cost_charts import cost_charts

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

RUNS = ("pilotnet scratch", "mobilenet_v2 early-layers", "vgg16 fine-tune", "lenet scratch")


def made_points(n: int, seed: int) -> list[Point]:
    """Points in crowds, as runs of one network are."""
    rng = random.Random(seed)
    costs = [10 ** rng.uniform(-0.5, 2) for _ in range(n // 3 + 1)]
    return [
        Point(f"{RUNS[i % 4]} {i}", costs[i // 3] * rng.uniform(0.97, 1.03), rng.uniform(0.004, 0.02)) for i in range(n)
    ]


@pytest.mark.parametrize("n", [1, 2, 5, 12, 24])
def test_no_name_covers_a_name_or_a_point_or_leaves_the_plot(n: int) -> None:
    for seed in range(20):
        rng = random.Random(seed)
        centers = [(rng.uniform(PLOT.left, PLOT.right), rng.uniform(PLOT.top, PLOT.bottom)) for _ in range(n)]
        placed = [name for name in place_names([f"{RUNS[i % 4]} {i}" for i in range(n)], centers) if name]
        assert len(placed) >= min(n, 5), "there is room for the first ones"
        for i, name in enumerate(placed):
            assert PLOT.holds(name.box)
            assert not any(name.box.overlaps(other.box) for other in placed[:i])
            assert not any(
                name.box.left < x < name.box.right and name.box.top < y < name.box.bottom for x, y in centers
            )


def test_the_frontier_is_what_nothing_beats_in_both() -> None:
    values = [(1, 9), (2, 5), (2, 4), (3, 6), (4, 4), (5, 1)]
    assert frontier([Point("p", x, y) for x, y in values]) == [0, 2, 5]


@pytest.mark.parametrize(("low", "high"), [(0.004, 0.02), (0.3, 90.0), (1e-6, 1e6), (5.0, 5.0)])
def test_an_axis_has_a_few_marks_within_its_ends(low: float, high: float) -> None:
    axis = LogAxis([low, high], 0.0, 100.0)
    marks = axis.marks()
    assert 2 <= len(marks) <= 14
    assert all(-1e-6 <= axis.place(mark) <= 100 + 1e-6 for mark in marks)
    assert 0 < axis.place(low) <= axis.place(high) < 100


@pytest.mark.parametrize("x", [0.0, -1.0, float("nan"), float("inf")])
def test_a_point_that_has_no_place_is_refused(x: float) -> None:
    with pytest.raises(ValueError, match="point 'a'"):
        Point("a", x, 1.0)


def test_every_run_with_a_model_is_a_point_and_one_of_several_seeds_is_their_mean() -> None:
    results = made_results(config_of(arch=("lenet", "pilotnet"), vary={"seed": ("0", "1")}))
    (charts,) = cost_charts([dataclasses.replace(result, ms_a_frame=2.0) for result in results])
    assert charts.count("<svg") == 2
    titles = re.findall(r"<title>(.*?)</title>", charts)
    assert titles == [  # errors 0.01 / 1, / 2, / 3; the fourth run failed
        "lenet scratch: 2, 0.0075", "pilotnet scratch: 2, 0.003333",
        "lenet scratch: 0.15, 0.0075", "pilotnet scratch: 0.3, 0.003333",
    ]  # fmt: skip


def test_a_single_run_has_no_charts_of_costs() -> None:
    config = config_of(arch=("lenet",), regime=("scratch",))
    results = made_results(config_of(arch=("lenet", "pilotnet"), regime=("scratch",)))[:1]
    assert "What the error costs" not in build_page(config, results, {}, {})


def test_names_have_the_room_that_they_need_in_a_browser_and_can_be_read_on_a_phone(
    browser: Chrome, tmp_path: Path
) -> None:
    made = [scatter_chart(made_points(n, seed), x_label="ms a frame", y_label="MSE") for n, seed in ((6, 1), (24, 2))]
    page = tmp_path / "page.html"
    charts = gallery([drawing(svg, "chart") for svg, _ in made], 480)
    page.write_text(document("Charts", [Section("Charts", charts)]), encoding="utf-8")
    set_phone(browser)
    open_page(browser, page)
    assert overflow_px(browser) == 0
    boxes = browser.execute_script(
        """const charts = [...document.querySelectorAll('svg.scatter')];
        return charts.map(svg => [...svg.querySelectorAll('text')].map(text => {
            const box = text.getBoundingClientRect();
            return [box.left, box.top, box.right, box.bottom, text.textContent];
        }))"""
    )
    assert made[0][1] == [], "a few all have their names"
    for texts, (_, unplaced), n in zip(boxes, made, (6, 24), strict=True):
        assert len(texts) >= n - len(unplaced) + 6, "the axes have marks and labels, too"
        for i, one in enumerate(texts):
            assert one[3] - one[1] > 9, "pixels of height"
            for other in texts[:i]:
                apart = one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] - 2 or other[1] >= one[3] - 2
                assert apart, (one, other)
