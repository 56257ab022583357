from __future__ import annotations

import csv
import filecmp
import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import Control
from simulator_bridge.recording import load_recording
from simulator_bridge.recording.log.log_format import SIDECAR_NAME
from simulator_bridge.simulator.expert import LabelledControl
from simulator_bridge.simulator.run.expert_recording import RecordingExpert
from simulator_bridge.simulator.run.simulate_config import SimulateConfig
from simulator_bridge.simulator.run.simulated_drive import run_simulation
from simulator_bridge.simulator.scene.layers import Label
from tests.support.driving.small_track import write_oval
from tests.support.paths import ROOT

SCRIPT = ROOT / "simulator_bridge" / "simulate.py"


def record(folder: Path, **options: object) -> Path:
    track = write_oval(folder.parent / "oval.csv")
    settings = {"track": str(track), "expert": True, "record": folder, "speed_mph": 20.0, **options}
    run_simulation(SimulateConfig(**settings))  # type: ignore[arg-type]
    return folder


def sidecar_of(folder: Path) -> list[dict[str, str]]:
    with open(folder / SIDECAR_NAME, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("expert") / "recording"
    return record(folder, noise=1.5, recoveries=2, labels=True, seed=3)


def test_the_reader_takes_every_row_of_all_three_cameras(recorded: Path) -> None:
    recording = load_recording(recorded)
    assert not recording.dropped
    assert set(recording.images) == {"center", "left", "right"}
    assert len(recording) == len((recorded / "driving_log.csv").read_text().splitlines())
    assert recording.speed_mph.max() < 21.0
    assert np.abs(recording.steering_angle).max() > 0.1


def test_rows_come_ten_times_a_simulated_second_in_one_episode_a_drive(recorded: Path) -> None:
    recording = load_recording(recorded)
    assert recording.episode.max() == 2, "a lap and two recoveries"
    for episode in range(3):
        gaps = np.diff(recording.time_s[recording.episode == episode])
        assert gaps == pytest.approx(np.full(len(gaps), 0.1), abs=0.0015)
    for episode in (1, 2):
        assert (recording.episode == episode).sum() == 30


def test_every_row_has_its_row_in_the_sidecar(recorded: Path) -> None:
    recording, rows = load_recording(recorded), sidecar_of(recorded)
    assert [row["image"] for row in rows] == [Path(path).name for path in recording.images["center"]]
    assert {row["kind"] for row in rows} == {"lap", "recovery"}
    assert {(row["seed"], row["weather"], row["direction"]) for row in rows} == {("3", "clear", "forward")}
    assert all(row["renderer"] and row["track"].endswith("oval.csv") for row in rows)
    assert max(abs(float(row["cte"])) for row in rows) < 4.0


def test_the_label_is_the_experts_wish_and_not_the_disturbance(recorded: Path) -> None:
    recording, rows = load_recording(recorded), sidecar_of(recorded)
    applied = np.array([float(row["applied_steering_angle"]) for row in rows])
    is_lap = np.array([row["kind"] == "lap" for row in rows])
    difference = np.abs(applied - recording.steering_angle)
    assert difference[is_lap].max() > 0.1
    assert difference[~is_lap].max() < 1e-3, "a recovery is driven as it is labelled"


def test_recoveries_start_off_the_line_and_end_on_it(recorded: Path) -> None:
    rows, recording = sidecar_of(recorded), load_recording(recorded)
    for episode in (1, 2):
        mine = [row for row, of in zip(rows, recording.episode, strict=True) if of == episode]
        first, last = (abs(float(mine[at]["cte"])) + abs(float(mine[at]["heading_error"])) for at in (0, -1))
        assert last < first
        assert last < 0.5


def test_labels_lie_beside_every_image_as_class_numbers(recorded: Path) -> None:
    images = sorted(path.stem for path in (recorded / "IMG").iterdir())
    labels = sorted((recorded / "LABELS").iterdir())
    assert [path.stem for path in labels] == images
    classes = np.asarray(Image.open(labels[0]))
    assert classes.shape == (160, 320)
    assert set(np.unique(classes)) <= set(Label)
    assert {Label.ROAD, Label.SKY, Label.CAR} <= set(np.unique(classes).tolist())


def test_one_seed_records_the_same_bytes(tmp_path: Path) -> None:
    folders = [record(tmp_path / name, noise=1.0, recoveries=1, seed=8, max_interventions=3) for name in ("a", "b")]
    names = [sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) for folder in folders]
    assert names[0] == names[1]
    assert len(names[0]) > 300
    assert filecmp.cmpfiles(folders[0], folders[1], names[0], shallow=False) == (names[0], [], [])


def test_rows_come_at_the_rate_asked_for(tmp_path: Path) -> None:
    recording = load_recording(record(tmp_path / "recording", rate_hz=4.0))
    assert np.diff(recording.time_s) == pytest.approx(
        np.full(len(recording) - 1, 0.25), abs=0.0215
    )  # a step of physics


def test_an_expert_whose_car_stands_is_recorded_only_when_it_starts_off() -> None:
    recorded: list[float] = []
    wanted = LabelledControl(Control(0.0, 0.0), Control(0.0, 0.0))
    driver = SimpleNamespace(decide=lambda moment: moment.wanted)
    recording = SimpleNamespace(add=lambda moment, *_: recorded.append(moment.time_s))
    expert = RecordingExpert(driver, recording, "lap", row_period_s=0.1, with_labels=False)  # type: ignore[arg-type]
    start_off = replace(wanted, label=Control(0.0, 0.5))
    for time_s, control, speed_mph in [
        (0.0, wanted, 0.0),
        (0.1, start_off, 0.0),
        (0.2, wanted, 5.0),
        (0.3, wanted, 0.1),
    ]:
        state = SimpleNamespace(speed_mph=speed_mph)
        expert(SimpleNamespace(time_s=time_s, wanted=control, state=state, put_back=False))  # type: ignore[arg-type]
    assert recorded == [0.1, 0.2]


def test_a_recording_that_is_there_is_not_touched(recorded: Path) -> None:
    before = (recorded / "driving_log.csv").read_bytes()
    with pytest.raises(RecordingError, match="holds a recording already"):
        record(recorded)
    assert (recorded / "driving_log.csv").read_bytes() == before


def test_a_killed_recording_can_be_read(tmp_path: Path) -> None:
    track, folder = write_oval(tmp_path / "oval.csv"), tmp_path / "recording"
    command = [sys.executable, str(SCRIPT), "--track", str(track), "--expert", "--record", str(folder)]
    with subprocess.Popen([*command, "--laps", "50", "--status"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(3):  # lines come once a second
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    recording, rows = load_recording(folder), sidecar_of(folder)
    assert len(recording) > 0
    assert sum(dropped.count for dropped in recording.dropped.values()) <= 1
    assert abs(len(rows) - len(recording)) <= 1
    assert all(math.isfinite(float(row["cte"])) for row in rows[:-1])
