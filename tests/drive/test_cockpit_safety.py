"""What is pressed twice, or by mistake, never drives on; nothing moves away under the finger."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drive.cockpit.marks import Marks
from drive.decision import NO_FRAME, Decision
from simulator_bridge.messages import Control, Telemetry
from tests.support.browser import set_phone, set_size
from tests.support.made_cockpit import CockpitPage, DrivingCar, running_cockpit, wait_until
from tests.support.running_server import JPEG

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

CONTROLS = ("stop", "take", "resume", "record", "mark", "saliency", "segmentation", "speed", "hold")
CLOCK = "window.clock = 0; performance.now = () => window.clock;"  # a second passes when the test says so


@pytest.fixture(autouse=True)
def patient_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may be silent for longer than the car waits."""
    monkeypatch.setattr("drive.cockpit.control_authority.DEAD_MAN_S", 60.0)


def places(browser: Chrome) -> dict[str, Any]:
    script = """return Object.fromEntries(arguments[0].map((id) => {
        const box = document.getElementById(id).getBoundingClientRect();
        return [id, [box.x, box.y + (getComputedStyle(document.getElementById(id)).position === "fixed" ? 0 : scrollY),
                     box.width, box.height].map(Math.round)];
    }));"""
    found: dict[str, Any] = browser.execute_script(script, CONTROLS)
    return found


def nothing_more_happens(page: CockpitPage, n: int) -> None:
    """A command that comes after those in question has been carried out."""
    page.press("m")
    wait_until(page.browser, lambda: len(page.browser.find_elements("css selector", "#marks li")) == n, "marked")


@pytest.mark.parametrize("size", [(1440, 900), (390, 844), (844, 390)], ids="{0[0]}x{0[1]}".format)
def test_nothing_moves_when_control_changes_and_stop_is_seen(browser: Chrome, size: tuple[int, int]) -> None:
    set_size(browser, *size, is_phone=min(size) == 390)
    with running_cockpit() as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.shows("who", "The model drives")
        before = places(browser)
        x, y, width, height = before["stop"]
        assert 0 <= x < x + width <= size[0]
        assert 0 <= y < y + height <= size[1]
        seen = []
        for id_, who in (
            ("take", "You drive"),
            ("record", "You drive"),
            ("stop", "Stopped: somebody"),
            ("resume", "model"),
        ):
            page.click(id_)
            page.shows("who", who)
            page.shows("stop", "Stop the car")
            seen.append(places(browser))
        for id_ in ("saliency", "segmentation"):
            page.click(id_)
            wait_until(browser, functools.partial(page.is_on, id_), f"{id_} is on")
            seen.append(places(browser))
        assert seen == [before] * 6


def test_stop_pressed_again_and_again_stays_a_stop(browser: Chrome) -> None:
    with running_cockpit() as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        for n in (1, 2, 3):
            page.click("stop")
            page.shows("who", "Stopped")
            nothing_more_happens(page, n)
            page.shows("who", "Stopped")


@pytest.mark.parametrize(("key", "state"), [(" ", "Stopped"), ("t", "You drive")], ids=["space", "T"])
def test_a_key_toggles_but_pressed_twice_in_haste_it_does_not_drive_on(browser: Chrome, key: str, state: str) -> None:
    with running_cockpit() as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.shows("who", "The model drives")
        browser.execute_script(CLOCK)
        page.press(key)
        page.shows("who", state)
        page.press(key)
        nothing_more_happens(page, 1)
        page.shows("who", state)
        browser.execute_script("window.clock = 1500;")
        page.press(key)
        page.shows("who", "The model drives")


def test_two_clicks_on_take_over_leave_the_person_in_control(browser: Chrome) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    with running_cockpit() as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.shows("who", "The model drives")
        browser.execute_script(CLOCK)
        ActionChains(browser).double_click(page.element("take")).perform()
        nothing_more_happens(page, 1)
        page.shows("who", "You drive")
        browser.execute_script("window.clock = 1500;")
        page.click("take")
        page.shows("who", "The model drives")


def test_space_stops_whatever_has_the_focus(browser: Chrome) -> None:
    with running_cockpit() as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        for id_ in ("record", "speed", "saliency"):
            page.click(id_)
            page.press(" ")
            page.shows("who", "Stopped")
            page.click("resume")
            page.shows("who", "The model drives")


def test_a_car_that_was_stopped_before_it_was_taken_is_given_back_stopped(browser: Chrome) -> None:
    with running_cockpit() as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.click("stop")
        page.shows("who", "Stopped")
        browser.execute_script(CLOCK)
        page.press("t")
        page.shows("who", "You drive")
        browser.execute_script("window.clock = 1500;")
        page.press("t")
        page.shows("who", "Stopped")


def test_a_recording_shows_a_red_dot_and_how_long_it_is(browser: Chrome, tmp_path: Path) -> None:
    set_phone(browser)
    with running_cockpit(record_when_asked=tmp_path / "drive") as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.shows("record", "Record")
        page.click("record")
        for id_ in ("record", "recorded"):
            page.shows(id_, "0:01")
        dot = "return getComputedStyle(document.getElementById('recorded'), '::before').backgroundColor;"
        red, green, blue = (int(part) for part in browser.execute_script(dot)[4:-1].split(","))
        assert red > 2 * max(green, blue)


def test_a_mark_that_is_counted_can_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks, seen = Marks(tmp_path), list[tuple[int, int]]()
    telemetry = Telemetry(NO_FRAME, 0.0, 0.0, 9.0, 0.0, decimal_comma=False, jpeg=JPEG)
    decision = Decision(telemetry, Control(0.0, 0.0), Control(0.0, 0.0))
    write = marks._write

    def look_meanwhile(*arguments: Any) -> None:
        write(*arguments)
        seen.append((marks.n, len(marks.newest(5))))

    monkeypatch.setattr(marks, "_write", look_meanwhile)
    for _ in range(2):
        marks.add(1, decision, None)
        seen.append((marks.n, len(marks.newest(5))))
    assert seen == [(0, 0), (1, 1), (1, 1), (2, 2)]
