"""A session at the driving page, without a browser: what is recorded, deleted, trained and driven."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from simulator_bridge.errors import RecordingError, UserError
from simulator_bridge.messages import decode_frame
from simulator_bridge.recording import load_recording
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import build_track
from tests.support.driving.studio_driver import Driver, Page, driver, oval, simulation
from tests.support.page_viewer import PageViewer
from tests.support.paths import ROOT
from train.studio import main
from train.studio_page import commands
from train.studio_page.manual_input import DriverInput
from train.studio_page.studio_config import StudioConfig
from train.studio_page.studio_session import StudioSession
from train.studio_page.studio_world import StudioWorld, WorldChoice
from train.studio_page.training_job import TrainingRequest

SCRIPT = ROOT / "train" / "studio.py"
__all__ = ["driver", "oval", "simulation"]  # fixtures


def test_what_is_driven_is_recorded_ten_times_a_second_by_three_cameras(driver: Driver, tmp_path: Path) -> None:
    driver.drive(10)
    assert not (tmp_path / "mine").exists(), "nothing is recorded before it is switched on"
    driver.do(commands.Record(on=True))
    driver.drive(125)  # 5 s
    shown = driver.state
    driver.do(commands.Record(on=False))
    driver.drive(25)
    recording = load_recording(tmp_path / "mine", "decode")
    assert not recording.dropped
    assert set(recording.images) == {"center", "left", "right"}
    assert len(recording) == pytest.approx(50, abs=2)
    assert shown.recording["rows"] == pytest.approx(len(recording), abs=1)
    assert np.diff(recording.time_s) == pytest.approx(np.full(len(recording) - 1, 0.1), abs=0.021)
    assert recording.speed_mph.max() > 10
    assert (recording.steering_angle != 0).any()
    assert (recording.episode == 0).all()


def test_the_picture_and_the_car_are_shown_as_they_are(driver: Driver) -> None:
    driver.drive(40)
    before, update = driver.state, driver.session.newest()
    frame = decode_frame(update.pictures["camera"])
    assert frame.std() > 20, "a picture"
    driver.drive(20)
    after = driver.state
    assert after.car["s_m"] > before.car["s_m"]
    assert driver.session.newest().number > update.number
    assert abs(after.car["cte"]) < 1.0
    assert after.lap["laps"] == 0
    assert after.lap["share"] == pytest.approx(after.car["s_m"] / driver.length_m, abs=0.01)


def test_standing_still_is_not_recorded_and_time_stands_still(driver: Driver) -> None:
    driver.do(commands.Record(on=True))
    for _ in range(20):
        driver.session.tick()
    assert driver.state.recording["rows"] == 0
    assert driver.state.lap["time_s"] == 0


def test_turning_the_wheel_of_a_standing_car_is_not_recorded_and_starting_off_is(
    driver: Driver, tmp_path: Path
) -> None:
    driver.do(commands.Record(on=True))
    for _ in range(20):
        driver.hold(DriverInput(0.5, 0.0, 0.0, is_active=True))
    assert driver.state.lap["time_s"] > 0
    assert driver.state.recording["rows"] == 0
    for _ in range(3):
        driver.hold(DriverInput(0.0, 1.0, 0.0, is_active=True))
    driver.do(commands.Record(on=False))
    recording = load_recording(tmp_path / "mine")
    assert recording.speed_mph[0] < 0.5
    assert recording.throttle[0] > 0


def test_without_a_viewer_nobody_drives(driver: Driver) -> None:
    driver.drive(10)
    where = driver.state.car
    driver.session.has_viewers = False
    driver.drive(10)
    assert driver.state.car == where


def test_the_last_seconds_are_deleted_and_the_car_is_where_it_was_then(driver: Driver, tmp_path: Path) -> None:
    driver.do(commands.Record(on=True))
    driver.drive(200)  # 8 s
    rows = driver.state.recording["rows"]
    driver.let_go()  # a throttle that is still held starts the car off, which is recorded
    driver.do(commands.DeleteLast(5))
    left = load_recording(tmp_path / "mine")
    assert driver.state.recording["rows"] == len(left) == rows - 50
    assert not left.dropped
    assert len(list((tmp_path / "mine" / "IMG").iterdir())) == 3 * len(left)
    assert "50 rows deleted" in driver.state.notice["text"]
    car = driver.state.car
    assert car["speed_mph"] < 0.1
    driver.drive(100)
    driver.do(commands.Record(on=False))
    recording = load_recording(tmp_path / "mine")
    assert recording.episode.tolist() == [0] * len(left) + [1] * (len(recording) - len(left))
    assert len(recording) > len(left) + 20
    driver.do(commands.DeleteLast(10))
    driver.do(commands.DeleteLast(10))
    assert driver.state.recording["rows"] == 0
    from_start_m = math.remainder(driver.state.car["s_m"], driver.length_m)
    assert from_start_m == pytest.approx(0.0, abs=0.1), "back at the start"
    driver.do(commands.DeleteLast(5))
    assert "nothing to delete" in driver.page.notices[-1]


def test_a_car_off_the_road_is_put_back_and_deleting_is_offered(driver: Driver) -> None:
    driver.do(commands.Record(on=True))
    for _ in range(400):
        driver.hold(DriverInput(0.0, 1.0, 0.0, is_active=True))
        if driver.state.notice is not None:
            break
    assert driver.state.notice["text"] == "You left the road: the car was put back. Delete the last seconds?"
    assert driver.state.car["speed_mph"] < 0.1
    driver.do(commands.Record(on=False))
    driver.wait_until(lambda state: bool(state.quality["off_road"] == 1))


def test_a_disk_that_fails_stops_recording_and_not_driving(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.do(commands.Record(on=True))
    driver.drive(50)
    rows = driver.state.recording["rows"]

    def refuse(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("simulator_bridge.recording.appender.RecordingAppender.append", refuse)
    driver.drive(50)
    state = driver.state
    assert state.notice["text"] == "Recording has stopped: No space left on device"
    assert not state.recording["is_on"]
    assert state.recording["rows"] == len(load_recording(tmp_path / "mine")) == pytest.approx(rows, abs=1)
    driver.do(commands.Record(on=True))
    assert "nothing more can be recorded: No space left" in driver.page.notices[-1]
    driver.drive(10)
    assert driver.state.car["s_m"] > state.car["s_m"]


def test_a_folder_that_cannot_be_written_is_said_and_driving_goes_on(driver: Driver, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("in the way")
    driver.do(commands.Record(on=True))
    driver.drive(50)
    assert "Recording has stopped" in driver.state.notice["text"]
    assert driver.state.car["speed_mph"] > 5


def test_a_recording_that_is_there_is_not_touched(simulation: Simulation, tmp_path: Path) -> None:
    (tmp_path / "driving_log.csv").write_text("mine\n")
    with pytest.raises(RecordingError, match="holds a recording already"):
        StudioSession(simulation, tmp_path)
    assert (tmp_path / "driving_log.csv").read_text() == "mine\n"


class TwoWorlds:
    """Stands in for `StudioWorld`: another world is the same simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation, self.choice = simulation, WorldChoice("oval", "clear")
        self.failure: UserError | None = None

    def change(self, choice: WorldChoice) -> None:
        if self.failure:
            raise self.failure
        self.choice = choice

    def to_json(self) -> dict[str, Any]:
        return {"track": self.choice.track, "weather": self.choice.weather}


def test_another_world_begins_another_recording_and_keeps_the_first(driver: Driver, tmp_path: Path) -> None:
    world = TwoWorlds(driver.session._simulation)
    driver.session._world = cast(StudioWorld, world)
    driver.do(commands.Record(on=True))
    driver.drive(50)
    recorded = driver.state.recording["rows"]
    driver.do(commands.ChangeWorld(WorldChoice("jungle", "random")))
    state = driver.state
    assert state.world == {"track": "jungle", "weather": "random"}
    assert (state.step, state.recording["is_on"], state.recording["rows"]) == ("record", False, 0)
    assert state.recording["folder"] == str(tmp_path / "mine-2")
    assert len(load_recording(tmp_path / "mine")) == recorded > 0
    driver.do(commands.Record(on=True))
    driver.drive(50)
    driver.do(commands.Record(on=False))
    assert len(load_recording(tmp_path / "mine-2")) > 0


def test_a_world_that_cannot_be_built_leaves_the_old_one(driver: Driver) -> None:
    world = TwoWorlds(driver.session._simulation)
    driver.session._world = cast(StudioWorld, world)
    world.failure = UserError("nothing renders here")
    driver.do(commands.ChangeWorld(WorldChoice("jungle", "clear")))
    assert driver.page.notices == ["nothing renders here"]
    driver.drive(20)
    assert driver.state.car["speed_mph"] > 0


def test_a_real_world_takes_the_place_of_another_and_is_seen_at_once(oval: Path, tmp_path: Path) -> None:
    page, name = Page(), str(oval)
    with (
        closing(StudioWorld(StudioConfig(track=name), build_track(name))) as world,
        closing(StudioSession(world.simulation, tmp_path / "mine", world)) as session,
    ):
        session.has_viewers = True
        before = session.newest().pictures["camera"]
        session.request(page, commands.ChangeWorld(WorldChoice("../secret.csv", "clear")))
        session.request(page, commands.ChangeWorld(WorldChoice(name, "random")))
        session.tick()
        assert "expected a track of" in page.notices[0]
        assert session.newest().pictures["camera"] != before
        assert session.newest().state["world"]["weather"] == "random"


@pytest.mark.slow  # the same with a stop, and quickly: test_studio_driving.py
def test_record_train_and_drive(driver: Driver, tmp_path: Path) -> None:
    driver.do(commands.Drive(20))
    assert driver.page.notices == ["train a model first: there is none to drive"]
    driver.do(commands.Train(TrainingRequest()))
    assert "nothing to train on" in driver.page.notices[-1]
    (tmp_path / "mine-model-1.h5").write_text("not ours")
    driver.do(commands.Record(on=True))
    driver.drive(500)  # 20 s, more than a lap
    driver.do(commands.Train(TrainingRequest("lenet", 1)))
    assert driver.state.step == "train"
    assert not driver.state.recording["is_on"]
    driver.do(commands.Record(on=True))
    assert "driving by hand" in driver.page.notices[-1]
    driver.do(commands.DriveManually())
    assert "a training is running" in driver.page.notices[-1]
    training = driver.wait_until(lambda state: state.training["status"] in ("done", "failed")).training
    assert training["status"] == "done", training["problem"]
    assert [epoch for epoch, _, _ in training["curve"]] == [1]
    assert training["steps"][-1][0] == 1
    assert training["result"]["validation"]["mse"] > 0
    assert driver.state.models == ["mine-model-2.h5"]
    assert (tmp_path / "mine-model-1.h5").read_text() == "not ours"
    driver.do(commands.Drive(15))
    state = driver.wait_until(lambda state: state.step != "drive" or state.lap["time_s"] > 2)
    assert state.step == "drive", state.notice
    assert state.driving["status"] == "driving"
    assert state.lap["autonomy_percent"] == 100
    assert state.car["throttle"] > 0
    driver.do(commands.Stop())
    assert (driver.state.step, driver.state.driving) == ("record", None)
    rows = driver.state.recording["rows"]
    driver.do(commands.Record(on=True))
    driver.drive(50)
    assert driver.state.recording["rows"] > rows, "more may be recorded after it was seen to fail"


def test_a_training_that_fails_says_why(driver: Driver) -> None:
    driver.do(commands.Record(on=True))
    driver.drive(30)  # a second: too little to validate on
    driver.do(commands.Train(TrainingRequest()))
    training = driver.wait_until(lambda state: state.training["status"] == "failed").training
    assert training["problem"]
    assert not driver.state.models
    driver.do(commands.DriveManually())
    assert driver.state.step == "record"


@pytest.mark.parametrize("flags", [["--seed", "-1"], ["--port", "70000"]], ids=["seed", "port"])
def test_settings_without_sense_are_a_usage_error(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(flags)
    assert exit_info.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_folder_that_holds_something_is_refused_before_the_world_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.studio_page.studio_server.StudioWorld", lambda *_: pytest.fail("built"))
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["--record", str(tmp_path)]) == 1
    assert "holds something already" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_recording(oval: Path, tmp_path: Path, number: int) -> None:
    command = [sys.executable, str(SCRIPT), "--track", str(oval), "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline()
        assert address.startswith("drive at http://127.0.0.1:")
        port = int(address.split("/drive")[0].rpartition(":")[2])
        with PageViewer(port, "/drive/live") as page:
            page.send(do="record", on=True)
            while page.see().state["recording"]["rows"] < 5:
                page.send(input=[0.0, 1.0, 0.0, True])
            process.send_signal(number)
            assert process.wait(30) == 0
    folder = tmp_path / "recordings" / "browser-1"
    recording = load_recording(folder, "decode")
    assert len(recording) >= 5
    assert not recording.dropped
    assert not [name for name in os.listdir(folder) if name.startswith(".")], "the lock is gone"
