"""The player of frames and the charts of its section, as a person uses them: each shows where the other is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from simulator_bridge.pages.document import Section, document, write_document
from simulator_bridge.pages.figures import Line, line_chart
from simulator_bridge.pages.player import PlayerFrame, player
from tests.support.browser import open_page, overflow_px, requested_urls, set_phone

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

X = [0.0, 1.0, 2.0, 4.0, 8.0]
PLAYER = "document.querySelector('figure.player').player"
OF_CHART = """const chart = document.querySelectorAll('figure.chart')[arguments[0]].chart;
    const mark = chart.plot.over.querySelector('.player-mark');"""
MARKED_X = OF_CHART + "return mark.hidden ? null : chart.plot.posToVal(parseFloat(mark.style.left), 'x')"


def frame(level: int) -> bytes:
    _, jpeg = cv2.imencode(".jpg", np.full((20, 40, 3), level, np.uint8))
    return jpeg.tobytes()


def a_player() -> Any:
    return player("Frames", [PlayerFrame(frame(40 * i), x, f"line {i} <b>") for i, x in enumerate(X)])


@pytest.fixture
def page(browser: Chrome, tmp_path: Path) -> Chrome:
    charts = [line_chart(name, [Line(name, X, X)], x_label="s", y_label=name, height_px=120) for name in ("one", "two")]
    other = line_chart("other", [Line("other", X, X)], x_label="s", y_label="other")
    path = tmp_path / "page.html"
    write_document(path, document("Player", [Section("Here", a_player(), *charts), Section("There", other)]))
    open_page(browser, path)
    return browser


def shown(browser: Chrome) -> str:
    return str(browser.execute_script("return document.querySelector('.player-caption').textContent"))


def marked(browser: Chrome) -> list[float]:
    return [float(browser.execute_script(MARKED_X, chart)) for chart in (0, 1)]


def focused_player(browser: Chrome) -> WebElement:
    figure = browser.find_element("css selector", "figure.player")
    browser.execute_script("arguments[0].focus()", figure)
    return figure


def click_at(browser: Chrome, chart: int, x: float, drag_px: int = 0) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    over = browser.find_elements("css selector", ".u-over")[chart]
    left = browser.execute_script(OF_CHART + "return chart.plot.valToPos(arguments[1], 'x')", chart, x)
    size = over.size
    actions = ActionChains(browser).move_to_element_with_offset(over, round(left - size["width"] / 2), 0)
    if drag_px:
        actions.click_and_hold().move_by_offset(drag_px, 0).release().perform()
    else:
        actions.click().perform()


def test_a_click_into_a_chart_shows_the_frame_there_and_every_chart_of_the_section_marks_it(page: Chrome) -> None:
    assert shown(page) == "line 0 <b>"
    assert marked(page) == pytest.approx([0, 0], abs=0.05)
    click_at(page, 1, 3.9)
    assert shown(page) == "line 3 <b>"
    assert marked(page) == pytest.approx([4, 4], abs=0.05)
    image = page.find_element("css selector", ".player img")
    assert image.get_property("naturalWidth") == 40
    assert image.get_attribute("alt") == "line 3 <b>"
    assert page.execute_script("return document.querySelectorAll('.player-mark').length") == 2, "not in other sections"
    assert requested_urls(page) == []


def test_arrow_keys_step_and_space_plays(page: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    figure = focused_player(page)
    figure.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert shown(page) == "line 1 <b>"
    figure.send_keys(Keys.END, Keys.ARROW_RIGHT)
    assert shown(page) == "line 4 <b>"
    assert marked(page) == pytest.approx([8, 8], abs=0.05)
    figure.send_keys(Keys.HOME)
    assert shown(page) == "line 0 <b>"
    slider = page.find_element("css selector", ".player input")
    slider.send_keys(Keys.ARROW_RIGHT)
    assert shown(page) == "line 1 <b>", "one step, though the slider has keys of its own"
    page.execute_script("window.setInterval = () => 1")  # no frame comes while we look
    figure.send_keys(Keys.SPACE)
    assert page.execute_script(f"return {PLAYER}.timer !== undefined")
    assert page.find_element("xpath", "//button[text()='Pause']").is_displayed()
    figure.send_keys(Keys.SPACE)
    assert page.execute_script(f"return {PLAYER}.timer === undefined")


def test_playing_ends_at_the_last_frame_and_begins_again_from_there(page: Chrome) -> None:
    page.execute_script("window.setInterval = () => 1")
    page.execute_script(f"{PLAYER}.show(3); {PLAYER}.onTick(); {PLAYER}.onTick()")
    assert shown(page) == "line 4 <b>"
    page.execute_script(f"{PLAYER}.play(true); {PLAYER}.play(false)")
    assert shown(page) == "line 0 <b>"


def test_the_arrow_keys_of_a_chart_move_the_player(page: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    plot = page.find_element("css selector", ".plot")
    plot.send_keys(Keys.END, Keys.ARROW_LEFT)
    assert shown(page) == "line 3 <b>"
    plot.send_keys(Keys.ESCAPE)
    assert shown(page) == "line 3 <b>"


def test_the_mark_follows_a_zoom_and_a_drag_leaves_the_player_alone(page: Chrome) -> None:
    page.execute_script(f"{PLAYER}.show(2)")
    click_at(page, 0, 1.5, drag_px=120)
    assert shown(page) == "line 2 <b>"
    zoomed = page.execute_script(OF_CHART + "return [chart.plot.scales.x.min, chart.plot.scales.x.max]", 0)
    assert zoomed[1] - zoomed[0] < 4
    assert marked(page) == pytest.approx([2, 2], abs=0.05)
    page.execute_script(f"{PLAYER}.show(4)")
    assert page.execute_script(MARKED_X, 0) is None, "8 is not in what is shown"


def test_a_player_fits_a_phone(page: Chrome) -> None:
    set_phone(page)
    assert overflow_px(page) == 0


@pytest.mark.parametrize("x", [[], [1.0, 0.0]])
def test_frames_that_are_in_no_order_are_refused(x: list[float]) -> None:
    with pytest.raises(ValueError, match="player 'a'"):
        player("a", [PlayerFrame(b"", value, "") for value in x])


def test_the_text_of_a_frame_cannot_become_html() -> None:
    assert "<b>" not in a_player()
