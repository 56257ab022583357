"""The page of a comparison, in a real browser: lines are toggled, columns sorted, and it fits a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import open_page, overflow_px, set_phone
from tests.support.made_comparison import config_of, made_results
from train.comparison.comparison_page import build_page

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def script(browser: Chrome, text: str) -> Any:
    return browser.execute_script(text)


def click(browser: Chrome, selector: str, text: str) -> None:
    from selenium.webdriver.common.by import By

    (found,) = [button for button in browser.find_elements(By.CSS_SELECTOR, selector) if button.text.strip() == text]
    found.click()


@pytest.fixture
def page(browser: Chrome, tmp_path: Path) -> Chrome:
    config = config_of(arch=("mobilenet_v2", "vgg16"), regime=("head", "fine-tune", "scratch"), laps=1)
    html = build_page(config, made_results(config), {"lenet head": "no backbone"}, {"recordings": "lake"})
    (tmp_path / "page.html").write_text(html)
    open_page(browser, tmp_path / "page.html")
    return browser


def shown(browser: Chrome, chart: int) -> set[str]:
    plot = f"document.querySelectorAll('figure.chart')[{chart}].chart.plot"
    return set(script(browser, f"return {plot}.series.slice(1).filter(s => s.show).map(s => s.label)"))


def test_the_page_toggles_a_run_in_all_charts_from_the_table(page: Chrome) -> None:
    assert len(shown(page, 0)) == 10
    click(page, "table .toggle", "vgg16 head")
    assert not any(label.startswith("vgg16 head") for label in shown(page, 0) | shown(page, 1))
    assert (len(shown(page, 0)), len(shown(page, 1))) == (8, 5)  # of runs, and the baseline
    click(page, "figure.chart:first-of-type .legend button", "training")
    assert all(label.endswith("validation") for label in shown(page, 0))


def test_the_page_sorts_by_any_column_with_failed_runs_and_baselines_where_they_belong(page: Chrome) -> None:
    names = "return [...document.querySelectorAll('table.sortable tbody th')].map(cell => cell.textContent)"
    click(page, "thead button", "MSE")
    order = script(page, names)
    assert order[0] == "vgg16 fine-tune"
    assert order[-2:] == ["always zero", "vgg16 scratch"]
    click(page, "thead button", "interventions")
    assert script(page, names)[0] == "mobilenet_v2 head"
    click(page, "thead button", "interventions")
    assert script(page, names)[0] == "vgg16 fine-tune"


def test_the_page_says_the_result_the_reason_and_what_was_left_out_and_fits_a_phone(page: Chrome) -> None:
    from selenium.webdriver.common.by import By

    text = page.find_element(By.TAG_NAME, "body").text
    assert "Lowest error: vgg16 fine-tune, MSE 0.00200; the best baseline, always zero, 0.01300." in text
    assert "Best driving score on lake: 100.0, mobilenet_v2 head. 1 of 6 runs failed." in text
    assert "<b>no weights</b>" in text
    assert "Left out: no backbone (lenet head)." in text
    set_phone(page)
    assert overflow_px(page) == 0
