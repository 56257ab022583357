"""What a model tells beside what it does travels with the decision, to the page, and changes nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drive.cockpit.control_authority import ControlAuthority, ManualControl
from drive.decision import Mode
from drive.pilot import Pilot
from drive.speed_control import SpeedController
from models.loading import load_policy
from models.policy import Action
from simulator_bridge.messages import FRAME_SHAPE, Control, Telemetry
from tests.support.browser import browser, chromium
from tests.support.drivable_model import segmenting_model
from tests.support.made_cockpit import CockpitPage, DrivingCar, running_cockpit, wait_until
from tests.support.running_server import ask, connect, wire_telemetry

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

__all__ = ["browser", "chromium"]  # fixtures

TOLD_TO_PAGES = ("lateral_m", "bearing_deg", "road", "doubt")
TELLING = Action(0.1, road=0.25, lateral_m=0.42, bearing_deg=-3.04, doubt=0.42)


def telemetry(at_s: float = 0.0) -> Telemetry:
    return Telemetry(np.full(FRAME_SHAPE, 90, np.uint8), 0.0, 0.0, 10.0, at_s, decimal_comma=False)


def test_a_pilot_has_the_action_of_the_last_frame_as_it_came() -> None:
    action = Action(-1.7, road=0.25)
    pilot = Pilot(lambda frame: action, SpeedController(15.0))
    assert pilot.action is None
    assert pilot(telemetry()).steering_angle == -1.0
    assert pilot.action is action


@pytest.mark.parametrize("mode", Mode)
def test_the_action_goes_with_the_decision_whoever_drives(mode: Mode) -> None:
    authority, model = ControlAuthority(15.0), Control(0.1, 0.2)
    if mode == Mode.TAKEOVER:
        authority.take_over(1, now_s=0.0)
        authority.drive(1, ManualControl(-0.5, 0.0, 0.0, at_s=0.0))
    elif mode == Mode.PAUSED:
        authority.pause()
    decision = authority.decide(telemetry(), model, TELLING)
    assert (decision.mode, decision.model, decision.action) == (mode, model, TELLING)
    assert decision.without_frame().action is TELLING


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (TELLING, {"lateral_m": 0.42, "bearing_deg": -3.04, "road": 0.25, "doubt": 0.42}),
        (Action(0.1), dict.fromkeys(TOLD_TO_PAGES)),
        (Action(0.1, lateral_m=math.nan, bearing_deg=-math.inf), dict.fromkeys(TOLD_TO_PAGES)),
    ],
    ids=["telling", "steering alone", "not finite"],
)
def test_the_page_is_told_what_the_model_tells(action: Action, told: dict[str, float | None]) -> None:
    with running_cockpit(policy=lambda frame: action) as cockpit, connect(cockpit.server) as car:
        ask(car, wire_telemetry())
        with cockpit.page() as page:
            seen = page.see_until(lambda seen: seen.state["drive"] is not None)
    assert seen.state["drive"]["told"] == told


def test_a_roadnet_tells_where_the_car_is() -> None:
    action = load_policy(segmenting_model())(np.full(FRAME_SHAPE, 90, np.uint8))
    assert action.lateral_m is not None
    assert action.bearing_deg is not None
    assert action.road is not None
    assert action.doubt is not None


def test_a_person_reads_where_the_model_sees_the_car(browser: Chrome) -> None:
    actions = [TELLING]
    with running_cockpit(policy=lambda frame: actions[-1]) as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        for line in ("0.4 m left of the middle", "3.0\u00b0 right", "+0.250", "0.4, as in its training"):
            page.shows("now", line)
        actions.append(Action(0.1, lateral_m=-0.03, bearing_deg=0.01))
        page.shows("now", "in the middle")
        page.shows("now", "straight ahead")
        actions.append(Action(0.1, doubt=2.0))
        page.shows("now", "2.0, new to it")
        actions.append(Action(0.1, doubt=6.0))
        page.shows("now", "6.0, so 50 % of the speed")
        actions.append(Action(0.1, lateral_m=-1.26))
        page.shows("now", "1.3 m right of the middle")
        actions.append(Action(0.1))
        wait_until(browser, lambda: "where it sees the car" not in page.text("now"), "it is not told any more")
        page.shows("now", "+0.100 / +0.100")
