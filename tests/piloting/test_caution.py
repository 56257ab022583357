"""A car drives slower where its model doubts what it sees, and at its usual speed elsewhere."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from drive.caution import FAMILIAR, SLOWEST, Caution
from drive.pilot import Pilot
from drive.speed_control import SpeedController
from models.policy import Action
from simulator_bridge.messages import FRAME_SHAPE, Telemetry
from simulator_bridge.transport.fault_log import FaultLog


def seen(caution: Caution, doubts: list[float], period_s: float = 0.05) -> list[float]:
    return [caution.see(doubt, number * period_s) for number, doubt in enumerate(doubts)]


@pytest.mark.parametrize("doubt", [0.0, 0.4, FAMILIAR])
def test_what_is_familiar_slows_nobody(doubt: float) -> None:
    assert seen(Caution(), [doubt] * 20) == [1.0] * 20


def test_the_more_doubt_the_slower_and_never_so_slow_that_it_stands() -> None:
    shares = [seen(Caution(), [doubt] * 100)[-1] for doubt in (4.0, 6.0, 1e9)]
    assert shares == pytest.approx([0.75, 0.5, SLOWEST])


def test_one_strange_frame_slows_nobody_down() -> None:
    assert min(seen(Caution(), [*[0.5] * 20, 8.0, *[0.5] * 20])) == 1.0


def test_the_frame_rate_does_not_matter() -> None:
    fast, slow = Caution(), Caution()
    seen(fast, [0.5] * 10 + [8.0] * 40, 0.025)
    seen(slow, [0.5] * 5 + [8.0] * 20, 0.05)
    assert fast.doubt == pytest.approx(slow.doubt, rel=0.05)


def test_a_model_that_tells_no_doubt_drives_as_ever() -> None:
    caution = Caution()
    seen(caution, [9.0] * 50)
    assert (caution.see(None, 3.0), caution.doubt, caution.share) == (1.0, None, 1.0)


def test_a_pilot_that_doubts_brakes_and_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drive.caution.faults", FaultLog(logging.getLogger("drive.caution")))  # nothing said yet
    frame = np.full(FRAME_SHAPE, 90, np.uint8)
    pilot = Pilot(lambda frame: Action(0.0, doubt=6.0), SpeedController(20.0))
    with caplog.at_level(logging.INFO):
        control = pilot(Telemetry(frame, 0.0, 0.0, 18.0, 0.0, decimal_comma=False))
    assert control.throttle < 0.0  # 10 mph are wanted
    assert "unlike those that the model was trained on (doubt 6.0, up to 3 is usual): driving at 50 %" in caplog.text
    assert Pilot(lambda frame: Action(0.0, doubt=1.0), SpeedController(20.0))(
        Telemetry(frame, 0.0, 0.0, 18.0, 0.0, decimal_comma=False)
    ).throttle == pytest.approx(0.2)
