"""Taking over from the model: who has control, what a silent person means, and what is recorded of it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from drive.cockpit.control_authority import DEAD_MAN_S, AlreadyTakenError, ControlAuthority, ManualControl
from drive.cockpit.corrections import Corrections
from drive.cockpit.takeover_recording import CONTEXT_S
from drive.decision import Decision, Mode
from simulator_bridge.messages import FRAME_SHAPE, Control, Telemetry, encode_frame
from simulator_bridge.recording import find_recordings, load_recording
from tests.support.made_cockpit import MODEL_STEERING, running_cockpit
from tests.support.page_viewer import PageViewer
from tests.support.running_server import ask, connect, wire_telemetry
from train.data.rows import gather_rows

FRAME = np.full(FRAME_SHAPE, 90, np.uint8)
JPEG = encode_frame(FRAME)
MODEL = Control(0.2, 0.3)
ME, SOMEBODY = 1, 2


def telemetry(at_s: float, speed_mph: float = 12.0) -> Telemetry:
    return Telemetry(FRAME, 0.0, 0.0, speed_mph, at_s, decimal_comma=False, jpeg=JPEG)


def taken(at_s: float = 0.0) -> ControlAuthority:
    authority = ControlAuthority(set_speed_mph=15.0)
    authority.take_over(ME, at_s)
    return authority


def applied(authority: ControlAuthority, at: Telemetry, model: Control = MODEL) -> Control:
    return authority.decide(at, model).applied


def test_the_model_drives_until_somebody_says_otherwise() -> None:
    assert applied(ControlAuthority(15.0), telemetry(0.0)) is MODEL


def test_paused_the_car_brakes_and_stays_on_the_road() -> None:
    authority = ControlAuthority(15.0)
    authority.pause()
    fast, slow = applied(authority, telemetry(0.0, speed_mph=20.0)), applied(authority, telemetry(0.1, speed_mph=3.0))
    assert (fast.steering_angle, slow.steering_angle) == (0.2, 0.2)
    assert fast.throttle < 0.0
    assert slow.throttle == 0.0  # below 5 mph a negative throttle would drive backwards
    authority.resume()
    assert applied(authority, telemetry(0.2)) is MODEL


@pytest.mark.parametrize(
    ("manual", "holds_speed", "throttle"),
    [
        (ManualControl(-0.5, 0.7, 0.0, 0.0), True, 0.7),
        (ManualControl(-0.5, 0.7, 0.4, 0.0), True, -0.4),
        (ManualControl(-0.5, 0.0, 0.0, 0.0), True, pytest.approx(0.3)),  # 3 mph too slow, a tenth each
        (ManualControl(-0.5, 0.0, 0.0, 0.0), False, 0.0),
    ],
    ids=["throttle", "brake wins", "holds the set speed", "rolls"],
)
def test_a_person_drives_with_steering_and_pedals(manual: ManualControl, holds_speed: bool, throttle: float) -> None:
    authority = taken()
    authority.holds_speed = holds_speed
    assert authority.drive(ME, manual)
    control = applied(authority, telemetry(0.1), Control(0.9, 0.9))
    assert (control.steering_angle, control.throttle) == (-0.5, throttle)


def test_a_person_who_falls_silent_is_not_waited_for_and_the_model_does_not_drive_on_unasked() -> None:
    authority = taken()
    authority.drive(ME, ManualControl(-0.5, 1.0, 0.0, at_s=10.0))
    assert applied(authority, telemetry(10.0 + DEAD_MAN_S)) == Control(-0.5, 1.0)
    stopping = applied(authority, telemetry(10.01 + DEAD_MAN_S))
    assert stopping.steering_angle == MODEL.steering_angle
    assert stopping.throttle < 0.0
    assert not authority.drive(ME, ManualControl(-0.5, 1.0, 0.0, at_s=10.6))  # back again: too late
    assert applied(authority, telemetry(10.6)).throttle < 0.0
    assert "fell silent" in authority.state.reason
    authority.resume()
    assert applied(authority, telemetry(10.7)) is MODEL


def test_the_car_stops_when_the_page_that_drives_has_gone() -> None:
    authority = taken()
    modes = []
    for page in (SOMEBODY, ME):
        authority.release(page)
        modes.append(authority.state.mode)
    assert modes == [Mode.TAKEOVER, Mode.PAUSED]


def test_one_person_at_a_time_has_control() -> None:
    authority = taken()
    with pytest.raises(AlreadyTakenError):
        authority.take_over(SOMEBODY, 0.1)
    assert not authority.drive(SOMEBODY, ManualControl(1.0, 1.0, 0.0, 0.1))
    authority.pause()  # anybody may stop the car
    assert not authority.drive(ME, ManualControl(1.0, 1.0, 0.0, 0.2))


@pytest.mark.parametrize("values", [(1.5, 0.0, 0.0), (0.0, -0.1, 0.0), (0.0, 0.0, float("nan"))])
def test_manual_control_out_of_range_is_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="expected steering"):
        ManualControl(*values, at_s=0.0)


def send_manual(page: PageViewer, steering: float) -> None:
    page.send(do="drive", car=1, steering=steering, throttle=0.5, brake=0.0)


@pytest.mark.parametrize("transport", ["threading", "eventlet"])
def test_a_takeover_changes_the_answers_and_each_telemetry_still_gets_one(
    transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drive.cockpit.control_authority.DEAD_MAN_S", 60.0)  # a busy machine may be silent for long
    with (
        running_cockpit(tmp_path / "corrections", transport=transport) as cockpit,
        connect(cockpit.server) as car,
        cockpit.page() as page,
    ):
        assert ask(car, wire_telemetry())["steering_angle"] == f"{MODEL_STEERING:.4f}"
        page.send(do="take over", car=1)
        page.see_until(lambda seen: seen.state["who"]["mode"] == "takeover")
        send_manual(page, -0.25)
        page.send(do="hold speed", car=1, on=False)
        page.see_until(lambda seen: not seen.state["who"]["holds_speed"])  # so the controls have arrived, too
        send_manual(page, -0.25)
        assert ask(car, wire_telemetry()) == {"steering_angle": "-0.2500", "throttle": "0.5000"}
        seen = page.see_until(lambda seen: seen.state["drive"]["steering"] == -0.25)
        assert seen.state["drive"]["model_steering"] == MODEL_STEERING
        page.send(do="resume", car=1)
        page.see_until(lambda seen: seen.state["who"]["mode"] == "autonomy")
        car.emit("telemetry", wire_telemetry())
        car.send_packet("2probe")
        kinds = [car.receive() for _ in range(2)]
    assert [event.name or event.kind for event in kinds] == ["steer", "pong"]  # one answer, nothing else


def test_a_page_that_leaves_while_it_drives_stops_the_car() -> None:
    with running_cockpit() as cockpit, connect(cockpit.server) as car, cockpit.page() as watcher:
        ask(car, wire_telemetry())
        with cockpit.page() as driver:
            driver.send(do="take over", car=1)
            watcher.see_until(lambda seen: seen.state["who"]["mode"] == "takeover")
        seen = watcher.see_until(lambda seen: seen.state["who"]["mode"] == "paused")
        answer = ask(car, wire_telemetry(speed="20.0"))
    assert seen.state["who"]["reason"] == "the page that was driving has gone"
    assert float(answer["throttle"]) < 0.0


def by_model(at_s: float) -> Decision:
    return Decision(telemetry(at_s), MODEL, MODEL)


def by_person(at_s: float, steering: float = -0.5, throttle: float = 0.4, speed_mph: float = 12.0) -> Decision:
    return Decision(telemetry(at_s, speed_mph), MODEL, Control(steering, throttle), Mode.TAKEOVER)


def test_a_takeover_becomes_a_recording_of_what_the_person_did_with_its_context_beside_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    facts = {"model": "model.h5", "car": 7}
    corrections = Corrections(tmp_path / "corrections", facts, closing=lambda run: run())
    times = np.arange(0.0, 20.0, 0.1)
    for at_s in times[times < 10.0]:
        corrections.observe(by_model(at_s))
    corrections.begin()
    for at_s in times[(times >= 10.0) & (times < 12.0)]:
        corrections.observe(by_person(at_s))
    for at_s in times[times >= 12.0]:
        corrections.observe(by_model(at_s))
    assert corrections.n_saved == 1
    (folder,) = find_recordings([tmp_path / "corrections"])
    recording = load_recording(folder)
    assert len(recording) == corrections.n_rows == 20
    assert recording.steering_angle == pytest.approx(-0.5)  # the person's, and of no frame before or after
    assert recording.throttle == pytest.approx(0.4)
    marker = json.loads((folder / "correction.json").read_text())
    assert marker["model"] == "model.h5"
    assert marker["n_rows"] == 20
    said = [line for line in caplog.messages if "a person drove" in line]
    assert said == [f"a person drove car 7 for 1.9 s: a correction of 20 rows in {folder}"]
    for when, sign in (("before", -1.0), ("after", 1.0)):
        offsets = [moment["time_s"] for moment in marker[when]]
        assert 0.0 < min(sign * offset for offset in offsets) <= 0.21
        assert CONTEXT_S - 0.3 <= max(sign * offset for offset in offsets) <= CONTEXT_S + 0.2
        assert {moment["model_steering_angle"] for moment in marker[when]} == {MODEL.steering_angle}
        assert all((folder / moment["image"]).read_bytes() == JPEG for moment in marker[when])


def test_training_takes_a_takeover_as_it_takes_any_recording(tmp_path: Path) -> None:
    corrections = Corrections(tmp_path, {}, closing=lambda run: run())
    corrections.begin()
    for step in range(30):
        corrections.observe(by_person(0.1 * step))
    corrections.close()
    rows = gather_rows([load_recording(folder) for folder in find_recordings([tmp_path])], ("steering_angle",))
    assert len(rows) == 30
    assert rows.steering_angle == pytest.approx(-0.5)
    assert all(rows.image_path("center", row).is_file() for row in range(30))


def test_a_correction_has_no_rows_of_a_car_that_is_held(tmp_path: Path) -> None:
    corrections = Corrections(tmp_path, {}, closing=lambda run: run())
    corrections.begin()
    for step in range(10):
        corrections.observe(by_person(0.1 * step, throttle=-1.0, speed_mph=0.0))
    for step in range(10, 15):
        corrections.observe(by_person(0.1 * step, speed_mph=0.0))
    corrections.close()
    recording = load_recording(find_recordings([tmp_path])[0])
    assert recording.throttle == pytest.approx([0.4] * 5)
    assert corrections.n_rows == 5


def test_a_takeover_of_a_car_that_is_only_held_leaves_nothing(tmp_path: Path) -> None:
    corrections = Corrections(tmp_path, {}, closing=lambda run: run())
    corrections.begin()
    for step in range(10):
        corrections.observe(by_person(0.1 * step, throttle=-1.0, speed_mph=0.0))
    corrections.close()
    assert list(tmp_path.iterdir()) == []


def test_two_takeovers_in_a_second_are_two_recordings(tmp_path: Path) -> None:
    corrections = Corrections(tmp_path, {}, closing=lambda run: run())
    for start_s in (0.0, 0.5):
        corrections.begin()
        corrections.observe(by_person(start_s))
    corrections.close()
    assert len(find_recordings([tmp_path])) == 2


def test_a_takeover_in_which_nothing_was_driven_leaves_nothing(tmp_path: Path) -> None:
    corrections = Corrections(tmp_path, {}, closing=lambda run: run())
    corrections.begin()
    corrections.close()
    assert list(tmp_path.iterdir()) == []


def test_a_takeover_that_cannot_be_recorded_is_driven_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "corrections").write_text("a file, not a folder")
    with running_cockpit(tmp_path / "corrections") as cockpit, connect(cockpit.server) as car, cockpit.page() as page:
        ask(car, wire_telemetry())
        page.send(do="take over", car=1)
        said = page.see_until(lambda seen: bool(seen.notices))
        page.see_until(lambda seen: seen.state["who"]["mode"] == "takeover")
    assert said.notices[0]["text"].startswith("this takeover is not recorded")
