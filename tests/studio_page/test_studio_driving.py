"""Drive in the browser, in a browser: keys, fingers and gamepad; record, train, drive; on a desk and on a phone."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simulator_bridge.recording import load_recording
from simulator_bridge.track import Track, build_track
from tests.support.browser import overflow_px, requested_urls, screenshot, set_media, set_phone, set_size
from tests.support.driving.small_track import write_oval
from tests.support.key_driver import KeyDriver
from tests.support.paths import ROOT
from train.validation.metrics import Score
from train.validation.verdict import Verdict, verdict_of

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

SCRIPT = ROOT / "train" / "studio.py"
SOON_S = 30.0  # on a loaded machine; nothing waits for it to pass
TRAINED_S = 240.0
LONGEST_NOTICE = "The model went the wrong way: the car was put back. Delete the last seconds?"
RIDGE = Score(0.02, 0.1, 0.5)


@contextmanager
def simulator(track: str, folder: Path) -> Iterator[str]:
    """The simulator in a process of its own, as a person starts it; gives the page's address."""
    command = [sys.executable, str(SCRIPT), "--track", track, "--port", "0", "--record", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("drive at "), process.communicate()
            yield line.split()[2]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(90) == 0


@pytest.fixture(scope="module")
def oval(tmp_path_factory: pytest.TempPathFactory) -> Track:
    return build_track(str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv")))


@pytest.fixture(scope="module")
def address(oval: Track, chromium: Chrome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulator(oval.name, tmp_path_factory.mktemp("recordings") / "mine") as address:
        yield address


@pytest.fixture
def page(browser: Chrome, address: str, oval: Track) -> KeyDriver:
    """A person before the page, at 15 mph."""
    browser.get(address)
    person = KeyDriver(browser, oval, 15.0)
    person.wait(lambda state: True, SOON_S)
    return person


def click(browser: Chrome, css: str) -> None:
    browser.find_element("css selector", css).click()


def text(browser: Chrome, css: str) -> str:
    return str(browser.find_element("css selector", css).text)


def run(browser: Chrome, script: str, *arguments: Any) -> Any:
    return browser.execute_script(script, *arguments)


def test_keys_turn_the_wheel_as_far_as_it_goes_and_it_comes_back(page: KeyDriver) -> None:
    page.hold({"ArrowLeft"})
    assert page.wait(lambda state: state["car"]["steering_angle"] == -1, SOON_S)["driver"] is not None
    page.hold({"ArrowLeft", "ArrowRight"})
    page.wait(lambda state: state["car"]["steering_angle"] == 0, SOON_S)
    page.hold({"ArrowRight", "ArrowUp"})
    page.wait(lambda state: state["car"]["steering_angle"] > 0.5 and state["car"]["speed_mph"] > 1, SOON_S)
    page.hold(set())
    page.wait(lambda state: state["car"]["steering_angle"] == 0 and state["driver"] is None, SOON_S)


def test_a_window_that_loses_the_focus_lets_go(page: KeyDriver, browser: Chrome) -> None:
    page.hold({"ArrowUp"})
    page.wait(lambda state: state["car"]["throttle"] > 0, SOON_S)
    run(browser, "window.dispatchEvent(new Event('blur'));")
    page.wait(lambda state: state["car"]["throttle"] == 0, SOON_S)
    page.hold(set())


def test_a_gamepad_drives_beyond_its_dead_zone(page: KeyDriver, browser: Chrome) -> None:
    run(browser, """
        window.pad = { connected: true, axes: [0.1], buttons: Array.from({ length: 17 }, () => ({ value: 0 })) };
        navigator.getGamepads = () => [window.pad];
        window.dispatchEvent(new Event("gamepadconnected"));
    """)  # fmt: skip
    assert run(browser, "return input.read().active;") is False
    run(browser, "window.pad.axes[0] = 0.56; window.pad.buttons[7].value = 0.7;")
    page.wait(lambda state: state["car"]["steering_angle"] == 0.5 and state["car"]["throttle"] == 0.7, SOON_S)
    run(browser, "window.pad.axes[0] = 0; window.pad.buttons[7].value = 0;")
    page.wait(lambda state: state["car"]["steering_angle"] == 0 and state["driver"] is None, SOON_S)


@pytest.fixture
def touch(page: KeyDriver, browser: Chrome) -> Iterator[Chrome]:
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
    set_phone(browser)
    yield browser
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def fingers(browser: Chrome, kind: str, *points: tuple[float, float]) -> None:
    places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def center(browser: Chrome, css: str) -> tuple[float, float]:
    left, top, right, bottom = next(iter(boxes(browser, css).values()))
    return (left + right) / 2, (top + bottom) / 2


def test_two_fingers_drive_and_let_go(touch: Chrome, page: KeyDriver) -> None:
    go, (x, y) = center(touch, ".pedal.go"), center(touch, ".slide")
    fingers(touch, "touchStart", go, (x, y))
    fingers(touch, "touchMove", go, (x - 30, y))
    page.wait(lambda state: state["car"]["steering_angle"] < -0.3 and state["car"]["throttle"] > 0, SOON_S)
    fingers(touch, "touchEnd")
    page.wait(lambda state: state["car"]["steering_angle"] == 0 and state["driver"] is None, SOON_S)


def boxes(browser: Chrome, css: str) -> dict[str, tuple[float, float, float, float]]:
    """What is shown of these: name -> left, top, right, bottom."""
    script = f"""return [...document.querySelectorAll('{css}')].filter((e) => e.getClientRects().length).map((e) => {{
        const b = e.getBoundingClientRect();
        return [e.id || e.textContent.trim(), [b.left, b.top, b.right, b.bottom]];
    }});"""
    return {name: tuple(box) for name, box in run(browser, script)}


@pytest.mark.parametrize("size", [(1280, 800), (900, 700), (390, 844), (844, 390)], ids="{0[0]}x{0[1]}".format)
def test_nothing_lies_over_anything_else(touch: Chrome, page: KeyDriver, size: tuple[int, int], tmp_path: Path) -> None:
    is_phone = min(size) == 390
    touch.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": is_phone})
    set_size(touch, *size, is_phone=is_phone)
    for panel in ("record", "train", "drive"):
        click(touch, f".steps [data-panel={panel}]")
        for dark in (False, True):
            set_media(touch, dark=dark)
            screenshot(touch, tmp_path / f"{panel}-{size[0]}-{'dark' if dark else 'light'}.png")
        assert overflow_px(touch) == 0
        run(touch, "setText('badge', 'the model drives, 20 mph'); notice(arguments[0], 'info');", LONGEST_NOTICE)
        shown = boxes(touch, "#badge:not(:empty), #map, .speed, #wheel, #lap, .slide, .pedal, .steps button, #notice")
        assert ("go" in shown) == (is_phone and panel == "record")
        for (name, a), (other, b) in combinations(shown.items(), 2):
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
            assert apart, f"{name} {a} lies over {other} {b}"
    click(touch, ".steps [data-panel=record]")


@pytest.mark.parametrize(
    "verdict", [verdict_of(Score(mse, 0.1, 0.8), {"ridge": RIDGE}) for mse in (0.01, 0.03)], ids=str
)
def test_a_training_that_lost_is_not_said_to_be_ready(page: KeyDriver, browser: Chrome, verdict: Verdict) -> None:
    training = {
        "status": "done", "passed": 1, "epochs": 1, "seconds": 9, "has_model": True, "model": "m.h5",
        "result": {"validation": {"mse": 0.03}, "baselines": {}, "best_epoch": 1, "verdict": verdict.to_json()},
    }  # fmt: skip
    headline = browser.execute_script("return trainPanel.headline(arguments[0]);", training)
    assert ("ready" in headline) == verdict.is_good
    assert (verdict.level in headline) != verdict.is_good
    said = browser.execute_script("return trainPanel.text(arguments[0]);", training)
    assert (verdict.text in said) != verdict.is_good


def test_record_delete_train_and_watch_it_drive(page: KeyDriver, browser: Chrome) -> None:
    click(browser, ".steps [data-panel=drive]")
    assert text(browser, "#driving-status") == "Train a model first"
    click(browser, ".steps [data-panel=record]")
    click(browser, "#record")
    rows = page.drive(lambda state: state["recording"]["rows"] >= 80, SOON_S * 4)["recording"]["rows"]
    assert "Not enough yet" in text(browser, "#verdict")
    click(browser, ".take-back[data-seconds='5']")
    page.wait(lambda state: state["recording"]["rows"] <= rows - 40, SOON_S)
    assert "rows deleted" in text(browser, "#notice")
    page.drive(lambda state: state["recording"]["rows"] >= 150, SOON_S * 4)
    page.tap("KeyR")
    state = page.wait(lambda state: not state["recording"]["is_on"], SOON_S)
    recording = load_recording(Path(state["recording"]["folder"]))
    assert (len(recording), recording.dropped) == (state["recording"]["rows"], {})
    assert "% of the road" in text(browser, "#advice")

    click(browser, "[data-goto=train]")
    run(browser, "$('arch').value = 'lenet'; $('epochs').value = 100;")
    click(browser, "#train")
    page.wait(lambda state: bool(state["training"] and state["training"]["curve"]), TRAINED_S)
    assert run(browser, "return document.querySelectorAll('#loss canvas').length;") == 1
    assert "of 100" in text(browser, "#training-status")
    click(browser, "#stop-training")
    page.wait(lambda state: state["training"]["status"] in ("stopped", "failed"), TRAINED_S)
    assert "Stopped: the best so far is saved" in text(browser, "#training-status")
    assert "always zero" in text(browser, "#training-text")

    click(browser, "[data-goto=drive]")
    click(browser, "#drive")
    page.wait(lambda state: state["step"] == "drive" and state["lap"]["time_s"] > 1, TRAINED_S)
    assert "mine-model-1.h5 drives" in text(browser, "#driving-status")
    assert "autonomy" in text(browser, "#driving-facts")
    click(browser, "#stop-driving")
    page.wait(lambda state: state["step"] == "record" and state["driving"] is None, SOON_S)
    asked = requested_urls(browser)
    assert asked
    assert all(url.startswith("http://127.0.0.1:") for url in asked), asked


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_laps_by_keys_teach_a_model_that_drives_a_lap_by_itself(browser: Chrome, tmp_path: Path) -> None:
    with simulator("lake", tmp_path / "mine") as address:
        browser.get(address)
        person = KeyDriver(browser, build_track("lake"), 25.0)
        person.wait(lambda state: True, SOON_S)
        click(browser, "#record")
        person.drive(lambda state: state["lap"]["laps"] == 2, 900)
        click(browser, "#record")
        person.wait(lambda state: not state["recording"]["is_on"] and state["quality"]["is_enough"], SOON_S)
        assert text(browser, "#verdict") == "Enough for a first model"
        screenshot(browser, tmp_path / "recorded.png")

        click(browser, "[data-goto=train]")
        run(browser, "$('epochs').value = 6;")
        click(browser, "#train")
        ends = ("done", "stopped", "failed")
        state = person.wait(lambda state: bool(state["training"]) and state["training"]["status"] in ends, 1800)
        assert state["training"]["status"] == "done", state["training"]["problem"]
        screenshot(browser, tmp_path / "trained.png")

        click(browser, "[data-goto=drive]")
        click(browser, "#drive")
        state = person.wait(
            lambda state: (bool(state["driving"]) and state["lap"]["share"] > 0.5) or state["step"] == "record", 900
        )
        screenshot(browser, tmp_path / "drives.png")
        state = person.wait(lambda state: state["lap"]["laps"] == 1 or state["step"] == "record", 900)
        screenshot(browser, tmp_path / "driven.png")
        browser.get("about:blank")
        assert state["step"] == "drive"
        assert state["lap"]["autonomy_percent"] == 100
