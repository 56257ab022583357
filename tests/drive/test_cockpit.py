"""The cockpit as a person uses it: in a browser, and as a page that watches."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from drive.cockpit.cockpit import Cockpit
from drive.cockpit.cockpit_pages import model_facts
from simulator_bridge.drive_progress import EVENT, DriveProgress, parse_progress
from simulator_bridge.errors import ProtocolError
from simulator_bridge.messages import Control
from simulator_bridge.recording import load_recording
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.remote_driver import RemoteDriver
from simulator_bridge.simulator.run.watchers.progress_reporter import ProgressReporter
from simulator_bridge.track import build_track
from tests.support.browser import (
    browser,
    chromium,
    console_errors,
    overflow_px,
    requested_urls,
    screenshot,
    set_media,
    set_phone,
)
from tests.support.drivable_model import drivable_model
from tests.support.driving.small_track import write_oval
from tests.support.made_cockpit import MODEL_STEERING, CockpitPage, DrivingCar, running_cockpit, wait_until
from tests.support.running_server import JPEG, ask, connect, wire_telemetry

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

__all__ = ["browser", "chromium"]  # fixtures

PROGRESS = DriveProgress("lake", 1, 3, 0.25, 80.0, 95.0, 100.0, 0, 1, -0.4)


@pytest.fixture(autouse=True)
def patient_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may be silent for longer than the car waits."""
    monkeypatch.setattr("drive.cockpit.control_authority.DEAD_MAN_S", 60.0)


def test_a_person_watches_pauses_takes_over_records_and_marks(browser: Chrome, tmp_path: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    with running_cockpit(tmp_path / "corrections", tmp_path / "drive") as cockpit:
        page = CockpitPage(browser, cockpit.url)
        page.shows("connection", "Waiting for a simulator")
        with DrivingCar(cockpit.server, speed="14.0") as car:
            page.shows("connection", "1 simulator connected")
            page.shows("who", "The model drives")
            wait_until(browser, lambda: page.brightness() == pytest.approx(120, abs=3), "the camera's grey frame")
            page.shows("now", f"+{MODEL_STEERING:.3f} / +{MODEL_STEERING:.3f}")

            page.click("stop")
            page.shows("who", "Stopped: somebody pressed Stop")
            page.press("g")
            page.shows("who", "The model drives")

            page.press("t")
            page.shows("who", "You drive")
            ActionChains(browser).key_down(Keys.ARROW_LEFT).perform()
            wait_until(browser, lambda: car.steering[-1] < -0.9, "the car turns left")
            ActionChains(browser).key_up(Keys.ARROW_LEFT).perform()
            wait_until(browser, lambda: car.steering[-1] == 0.0, "the steering comes back")
            screenshot(browser, tmp_path / "takeover.png")
            page.press(Keys.SPACE)  # stops, whatever has the focus
            page.shows("who", "Stopped")
            page.click("resume")
            wait_until(browser, lambda: car.steering[-1] == MODEL_STEERING, "the model drives on")

            page.click("record")
            page.shows("now", "rows, off")
            page.click("record")
            wait_until(browser, lambda: "off" not in page.text("now"), "it records again")
            page.click("mark")
            page.shows("marks", "14.0 mph, steering +0.100")
            page.element("speed").send_keys(Keys.ARROW_RIGHT * 3)
            page.shows("speed-mph", "18 mph")
            wait_until(browser, lambda: cockpit.cockpit.newest(None).state["who"]["set_speed_mph"] == 18.0, "the speed")
        page.shows("connection", "Waiting for a simulator")
        wait_until(browser, lambda: not page.element("take").is_enabled(), "nothing to take over")
        assert len(car.steering) == car.n_sent  # each telemetry was answered once
        wait_until(browser, lambda: any((tmp_path / "corrections").glob("takeover_*/correction.json")), "it is saved")
    (folder,) = (tmp_path / "corrections").glob("takeover_*")
    driven = load_recording(folder)
    assert driven.steering_angle.min() < -0.9
    assert driven.steering_angle.max() <= 0.0  # nothing that the model steered
    (mark,) = map(json.loads, (tmp_path / "corrections" / "marks" / "marks.jsonl").read_text().splitlines())
    assert (tmp_path / "corrections" / "marks" / mark["image"]).read_bytes() == JPEG
    assert len(load_recording(tmp_path / "drive")) > 0
    assert all(url.startswith(cockpit.url.rsplit("/", 1)[0]) for url in requested_urls(browser))


def test_it_fits_a_phone_light_and_dark_and_works_by_touch(browser: Chrome, tmp_path: Path) -> None:
    set_phone(browser)
    with running_cockpit() as cockpit, DrivingCar(cockpit.server) as car:
        page = CockpitPage(browser, cockpit.url)
        page.shows("who", "The model drives")
        assert overflow_px(browser) == 0
        page.click("take")
        page.shows("who", "You drive")
        touch(browser, "[data-drive=brake]", "touchStart")
        wait_until(browser, lambda: cockpit.cockpit.newest(None).state["drive"]["throttle"] == -1.0, "the car brakes")
        touch(browser, "[data-drive=brake]", "touchEnd")
        assert overflow_px(browser) == 0
        set_media(browser, dark=True)
        dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor;")
        assert sum(int(part) for part in dark.removeprefix("rgb(").removesuffix(")").split(",")) < 150
        screenshot(browser, tmp_path / "phone.png")
    assert len(car.steering) == car.n_sent


def touch(browser: Chrome, selector: str, kind: str) -> None:
    box = browser.find_element("css selector", selector).rect
    scroll = browser.execute_script("return window.scrollY;")
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] - scroll + box["height"] / 2}
    points = [point] if kind == "touchStart" else []
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_every_control_is_reached_and_named_by_keyboard(browser: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    with running_cockpit() as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.shows("who", "The model drives")
        reached = set()
        for _ in range(8):
            page.press(Keys.TAB)
            active = browser.switch_to.active_element
            reached.add(active.get_attribute("id"))
            outline = browser.execute_script(
                "return getComputedStyle(arguments[0]).outlineStyle + arguments[0].matches(':focus-visible');", active
            )
            assert outline == "solidtrue"
            assert active.accessible_name
    assert reached == {"stop", "take", "mark", "record", "saliency", "segmentation", "speed", "hold"}


def test_a_page_sees_the_saliency_while_it_wants_to(browser: Chrome) -> None:
    with running_cockpit(model=drivable_model()) as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.click("saliency")
        wait_until(browser, lambda: page.is_on("saliency"), "it is on")
        with cockpit.page() as watcher:
            watcher.send(do="overlay", shows="saliency")
            seen = watcher.see_until(lambda seen: "overlay" in seen.pictures, n=2000)  # it gives way to all else
            watcher.send(do="overlay", shows=None)
            watcher.see_until(lambda seen: "overlay" not in seen.pictures)
        assert seen.pictures["overlay"].startswith(b"\x89PNG")
        assert cockpit.cockpit.overlays["saliency"].failure == ""


def test_a_model_without_saliency_is_reported_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "broken.h5").write_bytes(b"no model")
    with running_cockpit(model=tmp_path / "broken.h5") as cockpit, connect(cockpit.server) as car:
        ask(car, wire_telemetry())
        with cockpit.page() as page:
            page.send(do="overlay", shows="saliency")
            seen = page.see_until(lambda seen: seen.state["overlay"]["failure"] != "")
    assert "broken.h5" in seen.state["overlay"]["failure"]


def test_manual_mode_and_laps_are_shown() -> None:
    with running_cockpit() as cockpit, cockpit.page() as page, connect(cockpit.server) as car:
        page.see_until(lambda seen: "no telemetry yet" in seen.state["connection"]["text"])
        car.emit("telemetry", {})
        car.wait_for("manual")
        page.see_until(lambda seen: seen.state["connection"]["level"] == "manual")
        car.emit(EVENT, PROGRESS.to_wire())
        ask(car, wire_telemetry())
        seen = page.see_until(lambda seen: seen.state["progress"] is not None)
    assert seen.state["progress"] == PROGRESS.to_wire()
    assert seen.state["connection"]["level"] == "driving"


def test_a_client_that_has_only_connected_does_not_take_the_place_of_a_car() -> None:
    with running_cockpit() as cockpit, connect(cockpit.server) as car:
        ask(car, wire_telemetry(speed="7.0"))
        with connect(cockpit.server), cockpit.page() as page:
            seen = page.see_until(lambda seen: len(cockpit.server.clients()) == 2 and seen.state["drive"] is not None)
    assert [one["number"] for one in seen.state["cars"]] == [1]
    assert seen.state["car"] == 1
    assert seen.state["connection"]["text"] == "1 simulator connected"


def test_each_page_sees_the_car_that_it_chose_and_else_the_newest() -> None:
    with running_cockpit() as cockpit, cockpit.page() as page, cockpit.page() as other:
        with connect(cockpit.server) as first:
            ask(first, wire_telemetry(speed="7.0"))
            with connect(cockpit.server) as second:
                ask(second, wire_telemetry(speed="9.0"))
                page.see_until(lambda seen: len(seen.state["cars"]) == 2 and seen.state["drive"]["speed_mph"] == 9.0)
                page.send(do="watch", car=1)
                page.see_until(lambda seen: seen.state["drive"]["speed_mph"] == 7.0)
                other.see_until(lambda seen: seen.state["car"] == 2)
        page.see_until(lambda seen: seen.state["car"] is None)


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ({"do": "fly", "car": 1}, "unknown command"),
        ({"do": ["pause"], "car": 1}, "unknown command"),
        ({"do": "pause", "car": 7}, "that car has left"),
        ({"do": "drive", "car": 1, "steering": 2, "throttle": 0, "brake": 0}, "expected steering"),
        ({"do": "drive", "car": 1, "steering": "x", "throttle": 0, "brake": 0}, "expected a number as steering"),
        ({"do": "set speed", "car": 1, "mph": 99}, "up to 30 mph"),
        ({"do": "mark", "car": 1}, "no frame has come"),
        ({"do": "overlay", "shows": "x-rays"}, "expected saliency or segmentation"),
        ({"do": "overlay", "shows": ["saliency"]}, "expected saliency or segmentation"),
        ({"do": "watch", "car": "1"}, "expected the number of a car"),
    ],
    ids=str,
)
def test_a_command_that_makes_no_sense_is_answered_on_the_page(command: dict[str, Any], complaint: str) -> None:
    with running_cockpit() as cockpit, connect(cockpit.server), cockpit.page() as page:
        page.see_until(lambda seen: seen.state["car"] == 1)
        page.send(**command)
        seen = page.see_until(lambda seen: bool(seen.notices))
    assert complaint in seen.notices[0]["text"]


def test_a_drive_is_recorded_from_the_moment_that_somebody_asks_for_it(tmp_path: Path) -> None:
    later = tmp_path / "later"
    with running_cockpit(record_when_asked=later) as cockpit, cockpit.page() as page, DrivingCar(cockpit.server):
        page.see_until(lambda seen: bool(seen.state["drive"]))
        assert not later.exists()
        page.send(do="record", car=1, on=True)
        said = page.see_until(lambda seen: bool(seen.notices))
        assert said.notices == [{"text": f"recording into {later}", "kind": "info"}]
        page.see_until(lambda seen: seen.state["record"]["on"] and seen.state["record"]["rows"] > 3)
        page.send(do="record", car=1, on=False)
        page.see_until(lambda seen: not seen.state["record"]["on"])
    assert len(load_recording(later)) > 3


def test_a_folder_that_cannot_be_recorded_in_is_reported_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "later").write_text("a file")
    with (
        running_cockpit(record_when_asked=tmp_path / "later") as cockpit,
        connect(cockpit.server),
        cockpit.page() as page,
    ):
        page.see_until(lambda seen: seen.state["car"] == 1)
        page.send(do="record", car=1, on=True)
        seen = page.see_until(lambda seen: bool(seen.notices))
    assert "later" in seen.notices[0]["text"]
    assert seen.notices[0]["kind"] == "error"


@pytest.mark.parametrize(
    "changes", [{"score": "95"}, {"score": float("nan")}, {"track": "x" * 99}, {"laps_done": True}, {"cte_m": 10**400}]
)
def test_malformed_progress_is_refused(changes: dict[str, Any]) -> None:
    assert parse_progress(PROGRESS.to_wire()) == PROGRESS
    with pytest.raises(ProtocolError, match=next(iter(changes))):
        parse_progress({**PROGRESS.to_wire(), **changes})


def test_malformed_progress_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with running_cockpit() as cockpit, connect(cockpit.server) as car:
        car.emit(EVENT, {"track": 7})
        ask(car, wire_telemetry())
        assert cockpit.server.clients()[0].progress is None
    assert "ignoring malformed progress" in caplog.text


def test_the_models_facts_are_shown_also_of_a_foreign_file(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(b"x" * 1_500_000)
    assert model_facts(path, {}) == {"file": "m.h5", "size": "1.5 MB", "made by": "another program"}
    facts = model_facts(path, {"model": {"arch": "lenet"}, "validation": {"validation": {"mae_deg": 0.61234}}})
    assert facts["architecture"] == "lenet"
    assert facts["validation MAE"] == "0.6123 degrees"


@pytest.mark.parametrize(
    ("figures", "shown"),
    [
        ({"r1s": 0.81234, "r1s_note": ""}, "0.8123"),
        ({"r1s": 0.8, "r1s_note": "over 11 rows: no time stamps"}, "0.8, over 11 rows: no time stamps"),
        ({"r1s": None, "r1s_note": "too sparse: below 5 rows/s"}, "too sparse: below 5 rows/s"),
        ({"r11": 0.8}, None),  # a file of before r1s
    ],
)
def test_the_models_correlation_is_shown_with_what_it_is_of(figures: dict[str, Any], shown: str | None) -> None:
    facts = model_facts(Path(__file__), {"validation": {"validation": figures}})
    assert facts.get("correlation over 1 s (r1s)") == shown


def test_a_cockpit_without_cars_shows_an_empty_page() -> None:
    with running_cockpit() as cockpit:
        assert isinstance(cockpit.cockpit, Cockpit)
        update = cockpit.cockpit.newest(None)
    assert (update.state["car"], update.state["drive"], dict(update.pictures)) == (None, None, {})


def test_the_built_in_simulator_reports_its_progress_and_is_answered_as_ever() -> None:
    with running_cockpit() as cockpit:
        remote = RemoteDriver(f"ws://127.0.0.1:{cockpit.server.port}")
        remote.send_progress(PROGRESS)
        answers = [remote.ask(wire_telemetry()).steering_angle for _ in range(2)]
        told = cockpit.server.clients()[0].progress
        remote.close()
    assert told == PROGRESS
    assert answers == [MODEL_STEERING, MODEL_STEERING]


def test_progress_is_what_the_referee_has_seen(tmp_path: Path) -> None:
    track = build_track(str(write_oval(tmp_path / "oval.csv")))
    referee = Referee(track, laps=2)
    for step, s_m in enumerate(np.arange(0.0, 1.5 * track.length_m, 1.0)):
        x, y, z, heading = track.pose_at(s_m % track.length_m)
        state = SimpleNamespace(x=x, y=y, z=z, heading=heading)
        verdict = referee.step(0.1 * step, state, 20.0, Control(0.0, 0.3))
    told: list[DriveProgress] = []
    tell = ProgressReporter(referee, told.append)
    for _ in range(2):  # the second comes too soon
        tell(SimpleNamespace(time_s=9.0, verdict=verdict))  # type: ignore[arg-type]
    (progress,) = told
    assert (progress.laps_done, progress.laps_wanted, progress.score, progress.interventions) == (1, 2, 100.0, 0)
    assert progress.lap_share == pytest.approx(0.5, abs=0.02)
    assert parse_progress(progress.to_wire()) == progress


def test_a_token_opens_the_cockpit_and_its_channel(browser: Chrome) -> None:
    with running_cockpit(token="a long secret") as cockpit:
        page = CockpitPage(browser, f"{cockpit.url}?token=a+long+secret")
        page.shows("connection", "Waiting for a simulator")


def test_what_a_car_sends_is_text_on_the_page_and_never_code(browser: Chrome) -> None:
    evil = "<img src=x onerror=alert(1)>"
    with running_cockpit() as cockpit, connect(cockpit.server) as car:
        page = CockpitPage(browser, cockpit.url)
        car.emit(EVENT, {**PROGRESS.to_wire(), "track": evil})
        ask(car, wire_telemetry())
        page.shows("lap", evil)
        assert browser.find_elements("tag name", "img") == []
        policy = "return fetch('http://127.0.0.1:1/').then(() => 'let through', () => 'blocked')"
        assert browser.execute_script(policy) == "blocked"
        errors = console_errors(browser)
    assert all("Content Security Policy" in error for error in errors)
