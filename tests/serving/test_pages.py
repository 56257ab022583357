"""The pages: what they are made of, and that a person in a real browser can use them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import Markup

from simulator_bridge.errors import UserError
from simulator_bridge.pages import blocks, figures
from simulator_bridge.pages.document import STATIC, Section, document, write_document
from simulator_bridge.pages.figures import Line
from simulator_bridge.pages.sortable_table import Column, table
from tests.support.browser import (
    console_errors,
    open_page,
    overflow_px,
    requested_urls,
    screenshot,
    set_media,
    set_phone,
    set_size,
)
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

NASTY = "</script><script>alert(1)</script><b onclick=x>&'\""
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
EPOCHS = [1.0, 2.0, 3.0, 4.0]


def runs_chart() -> Markup:
    lines = [
        Line(label, EPOCHS, [start, start / 2, start / 3, start / 4], dashed=label == "training", group=run)
        for run, start in (("small", 0.02), ("large", 0.01))
        for label in ("training", "validation")
    ]
    return figures.line_chart("Loss", lines, x_label="epoch", y_label="MSE", log_y=True)


def scores_table() -> Markup:
    columns = [Column("run", numeric=False), Column("MSE", digits=4, best="low", hint="mean squared error")]
    rows: list[list[object]] = [
        [blocks.toggle("small", "small"), 0.01],
        ["broken", None],
        [blocks.toggle("large", "large"), 0.002],
    ]
    return table(columns, rows)


def whole_page() -> str:
    edges = [-1.0, -0.5, 0.0, 0.5, 1.0]
    timeline = figures.line_chart(
        "Steering",
        [Line("recorded", EPOCHS, [0, 1, float("nan"), -1]), Line("predicted", [1.5, 2.5], [0.5, 0.4], points=True)],
        x_label="time, s",
        y_label="steering_angle",
        zero_line=True,
    )
    counts = {"before": [1, 9, 9, 1], "after": [2, 2, 2, 2]}
    wide = table([Column(f"a long heading {i}") for i in range(12)], [[i * 1000 for i in range(12)]])
    return document(
        "Everything",
        [
            Section("Charts", runs_chart(), timeline, intro="Lines."),
            Section("Tables", scores_table(), wide),
            Section("Counts", figures.histogram("Rows", edges, counts, x_label="steering_angle", y_label="rows")),
            Section("Bars", blocks.bars("Error", ["model", "zero"], {"MSE": [0.5, 1.0]})),
            Section(
                "Pictures",
                blocks.gallery([blocks.picture(PNG, "one"), blocks.picture(PNG, "two")], 100),
                blocks.drawing(Markup('<svg viewBox="0 0 9 9"><path class="s1" d="M0 0 9 9"/></svg>'), "a line"),
                blocks.facts({"rows": 5, "path": "x" * 200}),
                blocks.note("careful"),
                blocks.code("y" * 300),
            ),
        ],
        summary="In short.",
    )


@pytest.fixture
def page(browser: Chrome, tmp_path: Path) -> Chrome:
    path = tmp_path / "page.html"
    write_document(path, whole_page())
    open_page(browser, path)
    return browser


def run_script(browser: Chrome, script: str, *arguments: object) -> Any:
    return browser.execute_script(script, *arguments)


def click(browser: Chrome, selector: str, text: str) -> None:
    from selenium.webdriver.common.by import By

    (found,) = [element for element in browser.find_elements(By.CSS_SELECTOR, selector) if element.text.strip() == text]
    found.click()


def shown_lines(browser: Chrome) -> list[str]:
    series = "document.querySelector('figure.chart').chart.plot.series"
    return list(run_script(browser, f"return {series}.slice(1).filter(s => s.show).map(s => s.label)"))


def chart_data(html: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', html)]


def test_the_policy_allows_exactly_the_scripts_and_styles_of_the_page_and_nothing_from_outside() -> None:
    html = whole_page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy[1].replace("&#39;", "'").split("; "))
    for tag in ("script", "style"):
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert len(texts) >= 2
        assert rules[f"{tag}-src"].split() == [f"'sha256-{value}'" for value in hashes]
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "unsafe" not in policy[1]


def test_a_page_has_no_inline_handler_no_style_attribute_and_no_address() -> None:
    markup = re.sub(r"<(script|style)>.*?</\1>", "", whole_page(), flags=re.DOTALL)
    assert not re.search(r"<[^>]*\s(on\w+|style)=", markup)
    assert not re.search(r"(src|href)=\"(?!data:|#)", markup)


@pytest.mark.parametrize(
    "block",
    [
        figures.line_chart(NASTY, [Line(NASTY, [1], [1], group=NASTY)], x_label=NASTY, y_label=NASTY),
        figures.histogram(NASTY, [0, 1], {NASTY: [1]}, x_label=NASTY, y_label=NASTY),
        blocks.bars(NASTY, [NASTY], {NASTY: [1], NASTY + "2": [1]}, unit=NASTY),
        table([Column(NASTY, numeric=False, hint=NASTY)], [[NASTY]]),
        blocks.picture(PNG, NASTY, NASTY),
        blocks.facts({NASTY: NASTY}),
        blocks.note(NASTY),
        blocks.code(NASTY),
        blocks.toggle(NASTY, NASTY),
    ],
    ids=["line_chart", "histogram", "bars", "table", "picture", "facts", "note", "code", "toggle"],
)
def test_text_in_a_block_cannot_become_html(block: Markup) -> None:
    html = document(NASTY, [Section(NASTY, block, intro=NASTY)], summary=NASTY)
    assert "<script>alert" not in html
    assert "<b onclick" not in html
    assert html.count("</script>") == html.count("<script")


def test_a_chart_holds_its_numbers_gaps_for_what_is_not_finite_and_equal_x_once() -> None:
    lines = [Line("a", [1, 2], [0.123456789, float("nan")]), Line("b", [1, 2], [float("inf"), -1])]
    (data,) = chart_data(figures.line_chart("t", lines, x_label="x", y_label="y", log_y=True))
    assert data["xs"] == [[1, 2]]
    assert [line["y"] for line in data["lines"]] == [[0.123457, None], [None, None]]


@pytest.mark.parametrize(("x", "y"), [([1, 2], [1]), ([2, 1], [1, 1]), ([float("nan")], [1])])
def test_a_line_that_cannot_be_drawn_is_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="line 'a'"):
        Line("a", x, y)


def test_blocks_refuse_what_does_not_fit_together() -> None:
    with pytest.raises(ValueError, match="1 values for 2 bins"):
        figures.histogram("t", [0, 1, 2], {"a": [1]}, x_label="x", y_label="y")
    with pytest.raises(ValueError, match="negative"):
        blocks.bars("t", ["a"], {"s": [-1]})
    with pytest.raises(ValueError, match="expected 1 cells"):
        table([Column("a")], [[1, 2]])
    with pytest.raises(ValueError, match="JPEG or PNG"):
        blocks.picture(b"GIF89a")


def test_a_cell_shows_digits_and_groups_marks_the_best_and_a_dash_for_nothing() -> None:
    columns = [Column("a", numeric=False), Column("b", digits=2, best="high"), Column("c")]
    html = table(columns, [["x", 1234.567, 1000], ["y", float("nan"), None], ["z", 2, 3]])
    assert '<td class="number best" data-value="1234.567">1,234.57</td>' in html
    assert '<td class="number" data-value="2.0">2.00</td>' in html
    assert '<td class="number" data-value="1000.0">1,000</td>' in html
    assert html.count('<td class="number">\N{EN DASH}</td>') == 2


def test_sections_get_names_of_their_own_and_from_three_on_a_table_of_contents() -> None:
    html = document("t", [Section("Same"), Section("Same"), Section("\N{GREEK SMALL LETTER ALPHA}")])
    assert re.findall(r'<section id="([^"]*)"', html) == ["same", "same-2", "section"]
    assert re.findall(r'<a href="#([^"]*)"', html) == ["same", "same-2", "section"]
    assert "<nav" not in document("t", [Section("a"), Section("b")])


def test_a_page_replaces_the_old_one_whole_and_a_missing_folder_is_a_user_error(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    write_document(path, "new \N{GREEK SMALL LETTER ALPHA}")
    assert path.read_text(encoding="utf-8") == "new \N{GREEK SMALL LETTER ALPHA}"
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(UserError, match="cannot be written"):
        write_document(tmp_path / "missing" / "page.html", "new")


def test_every_folder_of_static_files_and_templates_is_installed_with_its_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packaged = settings["tool"]["setuptools"]["package-data"]
    folders = [path for kind in ("static", "templates") for path in ROOT.glob(f"*/*/{kind}") if path.is_dir()]
    assert len(folders) >= 6
    for folder in folders:
        assert f"{folder.name}/*" in packaged[".".join(folder.parent.relative_to(ROOT).parts)]


def test_the_plotting_library_travels_with_its_licence() -> None:
    licence = (STATIC / "uPlot.LICENSE").read_text()
    assert "MIT License" in licence
    assert licence in whole_page()


def test_a_page_draws_every_chart_and_asks_the_network_for_nothing(page: Chrome, tmp_path: Path) -> None:
    assert run_script(page, "return document.querySelectorAll('.plot canvas').length") == 3
    drawn = """return [...document.querySelectorAll('.plot canvas')].every(c =>
        c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0))"""
    assert run_script(page, drawn)
    assert requested_urls(page) == []
    assert screenshot(page, tmp_path / "page.png").stat().st_size > 10_000


def test_a_click_on_a_legend_button_hides_its_lines_and_another_brings_them_back(page: Chrome) -> None:
    everything = [
        "small \u00b7 training",
        "small \u00b7 validation",
        "large \u00b7 training",
        "large \u00b7 validation",
    ]
    assert shown_lines(page) == everything
    click(page, ".legend button", "small")
    assert shown_lines(page) == everything[2:]
    click(page, ".legend button", "training")
    assert shown_lines(page) == ["large \u00b7 validation"]
    pressed = run_script(
        page, "return [...document.querySelectorAll('figure.chart .legend button')].slice(0, 4).map(b => b.ariaPressed)"
    )
    assert pressed == ["false", "true", "false", "true"]
    click(page, ".legend button", "small")
    click(page, ".legend button", "training")
    assert shown_lines(page) == everything


def test_a_button_in_a_table_toggles_the_lines_of_its_group(page: Chrome) -> None:
    click(page, ".toggle", "large")
    assert all(label.startswith("small") for label in shown_lines(page))
    assert run_script(page, "return document.querySelector('.toggle[data-group=large]').ariaPressed") == "false"
    click(page, ".legend button", "large")
    assert len(shown_lines(page)) == 4
    assert run_script(page, "return document.querySelector('.toggle[data-group=large]').ariaPressed") == "true"


def test_a_table_is_sorted_by_its_headings_and_empty_cells_stay_last(page: Chrome) -> None:
    script = "return [...document.querySelector('table.sortable').tBodies[0].rows].map(r => r.cells[0].textContent)"
    state = "return document.querySelector('table.sortable thead th:nth-child(2)').ariaSort"
    click(page, "thead button", "MSE")
    assert run_script(page, script) == ["large", "small", "broken"]
    assert run_script(page, state) == "ascending"
    click(page, "thead button", "MSE")
    assert run_script(page, script) == ["small", "large", "broken"]
    assert run_script(page, state) == "descending"
    click(page, "thead button", "run")
    assert run_script(page, script) == ["broken", "large", "small"]
    assert run_script(page, state) == "none"


def test_the_arrow_keys_show_the_values_of_a_chart(page: Chrome) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    plot = page.find_element(By.CSS_SELECTOR, ".plot")
    plot.send_keys(Keys.END)
    readout = page.find_element(By.CSS_SELECTOR, ".readout")
    assert readout.text.splitlines()[0] == "epoch: 4"
    assert "0.0025" in readout.text
    plot.send_keys(Keys.ARROW_LEFT)
    assert readout.text.splitlines()[0] == "epoch: 3"
    plot.send_keys(Keys.ESCAPE)
    assert not readout.is_displayed()


def test_the_mouse_shows_the_bin_of_a_histogram(page: Chrome) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    plot = page.find_elements(By.CSS_SELECTOR, ".u-over")[2]
    ActionChains(page).move_to_element_with_offset(plot, -int(plot.size["width"]) // 8, 0).perform()
    readout = page.find_elements(By.CSS_SELECTOR, ".readout")[2]
    assert readout.text.splitlines()[0] == "steering_angle: -0.5 to 0"
    assert "before\n9" in readout.text


def test_a_page_fits_a_phone_and_charts_follow_the_width(page: Chrome) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    width = "return document.querySelector('.plot canvas').getBoundingClientRect().width"
    wide = run_script(page, width)
    set_phone(page)
    WebDriverWait(page, 10).until(lambda browser: run_script(browser, width) <= 390)
    assert overflow_px(page) == 0
    set_size(page, 1280, 900)
    WebDriverWait(page, 10).until(lambda browser: run_script(browser, width) == wide)


def test_on_a_phone_a_command_wraps_and_the_column_of_names_leaves_room_for_the_others(
    browser: Chrome, tmp_path: Path
) -> None:
    command = "python drive/laps.py model.h5 --track lake,jungle,random:7 --both-directions --report laps.html"
    columns = [Column("drive", numeric=False), *(Column(f"figure {i}") for i in range(8))]
    names = table(columns, [["jungle, reverse, latency 80 ms, seed 12", *range(8)]])
    write_document(tmp_path / "page.html", document("Page", [Section("One", blocks.code(command), names)]))
    set_phone(browser)
    open_page(browser, tmp_path / "page.html")
    assert run_script(browser, "const pre = document.querySelector('pre'); return pre.scrollWidth <= pre.clientWidth")
    assert run_script(browser, "return document.querySelector('pre').textContent") == command
    lines = "return [...document.querySelectorAll('.flag')].map(flag => flag.getClientRects().length)"
    assert run_script(browser, lines) == [1, 1, 1], "no flag is broken"
    width = "return document.querySelector('.sortable tbody th').getBoundingClientRect().width / innerWidth"
    assert run_script(browser, width) < 0.5


def test_charts_take_the_colours_of_the_theme_when_it_changes(page: Chrome) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    pixels = """const c = document.querySelector('.plot canvas');
        return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.reduce((a, b) => (31 * a + b) % 999983)"""
    light = run_script(page, pixels)
    background = run_script(page, "return getComputedStyle(document.body).backgroundColor")
    set_media(page, dark=True)
    WebDriverWait(page, 10).until(lambda browser: run_script(browser, pixels) != light)
    assert run_script(page, "return getComputedStyle(document.body).backgroundColor") != background


def test_hiding_every_line_and_new_data_leave_a_chart_that_works(page: Chrome) -> None:
    click(page, ".legend button", "small")
    click(page, ".legend button", "large")
    assert shown_lines(page) == []
    run_script(
        page,
        """const chart = document.querySelector('figure.chart').chart;
        chart.update({...chart.spec, xs: [[1, 2]], lines: [{label: 'new', group: '', x: 0, y: [1, 2]}]})""",
    )
    assert shown_lines(page) == ["new"]


def test_the_policy_stops_a_script_that_is_not_of_the_page(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_document(path, whole_page().replace("</main>", "<script>window.intruder = 1</script></main>"))
    open_page(browser, path)
    assert run_script(browser, "return window.intruder") is None
    (error,) = console_errors(browser)
    assert "Content Security Policy" in error
