"""A learner's drive that is recorded: who drives when, which rows there are, and whose steering they hold."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.messages import Control
from simulator_bridge.recording import Recording, load_recording
from simulator_bridge.recording.log.log_format import SIDECAR_NAME
from simulator_bridge.simulator.expert import Expert, StartPose
from simulator_bridge.simulator.judge.drive_report import DriveReport
from simulator_bridge.simulator.judge.referee import Referee
from simulator_bridge.simulator.run.drive_loop import DriveLoop, LoopConfig, Moment
from simulator_bridge.simulator.run.expert_driver import ExpertDriver
from simulator_bridge.simulator.run.expert_recording import ExpertRecording, ExpertRecordingFacts
from simulator_bridge.simulator.run.learner_drive import AFTER_PUT_BACK_S, RecordedLearner, Turns
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track
from tests.support.driving.small_track import write_oval

FACTS = ExpertRecordingFacts("oval", "forward", 0, "clear", "test")
SPEED_MPH = 15.0


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Track:
    return build_track(str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv")))


@pytest.fixture(scope="module")
def simulation(track: Track) -> Simulation:
    return Simulation(track, cameras=("center",))


@dataclass
class Drive:
    report: DriveReport
    recording: Recording
    moments: list[Moment]
    sidecar: list[dict[str, str]]


def never_steers(moment: Moment) -> Control:
    return Control(0.0, 0.4 if moment.state.speed_mph < SPEED_MPH else 0.0)


def drive(
    simulation: Simulation,
    folder: Path,
    *,
    share: float = 0.0,
    latency_s: float = 0.0,
    cte: float = 0.0,
    max_time_s: float = 12.0,
) -> Drive:
    track = simulation.track
    expert = ExpertDriver(track, SPEED_MPH, 0.0, np.random.default_rng(0), 0.05)
    moments: list[Moment] = []
    referee = Referee(track)
    limits = LoopConfig(latency_s=latency_s, max_interventions=9, max_time_s=max_time_s)
    with ExpertRecording(folder, FACTS, ("center",)) as recording:
        turns = Turns(share, np.random.default_rng(1))
        learner = RecordedLearner(never_steers, expert, recording, turns, row_period_s=0.1, latency_s=latency_s)
        DriveLoop(simulation, referee, limits, StartPose(2.0, cte, 0.0)).run(learner, 1, [moments.append])
    with (folder / SIDECAR_NAME).open(newline="") as file:
        sidecar = list(csv.DictReader(file))
    return Drive(referee.summary(), load_recording(folder), moments, sidecar)


def test_the_learner_drives_and_the_labels_are_the_experts(simulation: Simulation, tmp_path: Path) -> None:
    driven = drive(simulation, tmp_path / "r", max_time_s=6.0)
    assert set(driven.recording.images) == {"center"}
    assert {row["kind"] for row in driven.sidecar} == {"learner"}
    assert {float(row["applied_steering_angle"]) for row in driven.sidecar} == {0.0}, "what was driven"
    left = driven.recording.steering_angle[-10:]
    assert (left < -0.1).all(), "the bend goes to the left, and the learner goes straight on"


def test_a_car_beside_the_line_is_labelled_to_go_back(simulation: Simulation, tmp_path: Path) -> None:
    right = drive(simulation, tmp_path / "right", cte=-1.5, max_time_s=2.0).recording.steering_angle
    left = drive(simulation, tmp_path / "left", cte=1.5, max_time_s=2.0).recording.steering_angle
    assert (right < -0.05).all()
    assert (left > 0.05).all()


def test_an_intervention_begins_an_episode_and_the_expert_passes_the_place(
    simulation: Simulation, tmp_path: Path
) -> None:
    driven = drive(simulation, tmp_path / "r", max_time_s=20.0)
    assert driven.report.n_interventions >= 1
    assert driven.recording.episode.max() >= 1
    put_back_s = next(moment.time_s for moment in driven.moments if moment.put_back and moment.time_s > 0)
    after = [row for row in driven.sidecar if 0 <= float(row["time_s"]) - put_back_s < AFTER_PUT_BACK_S - 0.05]
    assert max(abs(float(row["applied_steering_angle"])) for row in after) > 0.2
    labels = driven.recording.steering_angle[[driven.sidecar.index(row) for row in after]]
    np.testing.assert_allclose([float(row["applied_steering_angle"]) for row in after], labels, atol=1e-3)


def test_places_with_all_wheels_off_the_road_are_no_examples(simulation: Simulation, tmp_path: Path) -> None:
    driven = drive(simulation, tmp_path / "r", max_time_s=20.0)
    off_s = {round(moment.time_s, 3) for moment in driven.moments if moment.verdict.wheels_out == 4}
    assert off_s
    assert not off_s & {round(float(row["time_s"]), 3) for row in driven.sidecar}


def test_with_a_delay_the_label_is_what_the_expert_does_when_it_is_over(
    simulation: Simulation, track: Track, tmp_path: Path
) -> None:
    driven = drive(simulation, tmp_path / "r", latency_s=0.2, max_time_s=5.0)
    expert = Expert(track)
    at = {round(moment.time_s, 3): moment.state for moment in driven.moments}
    row = len(driven.sidecar) - 5
    seen_s = round(float(driven.sidecar[row]["time_s"]), 3)
    then = at[min(at, key=lambda time_s: abs(time_s - (seen_s + 0.2)))]
    assert driven.recording.steering_angle[row] == pytest.approx(
        expert(then.pose, then.speed_mph).steering_angle, abs=1e-3
    )
    now = at[seen_s]
    assert driven.recording.steering_angle[row] != pytest.approx(
        expert(now.pose, now.speed_mph).steering_angle, abs=2e-3
    )


def test_the_same_seed_records_the_same_rows(simulation: Simulation, tmp_path: Path) -> None:
    one, two = (drive(simulation, tmp_path / name, share=0.5, max_time_s=4.0) for name in ("a", "b"))
    assert one.sidecar == two.sidecar


def test_turns_have_the_share_that_was_asked_for() -> None:
    turns = Turns(0.3, np.random.default_rng(5))
    drawn = [turns.is_expert(0.05 * step, put_back=step == 0) for step in range(60_000)]
    assert np.mean(drawn) == pytest.approx(0.3, abs=0.03)
    changes = np.flatnonzero(np.diff(drawn))
    assert np.diff(changes).min() >= 19, "a turn lasts a second at least"


def test_without_a_share_the_expert_drives_only_after_the_car_was_put_back() -> None:
    turns = Turns(0.0, np.random.default_rng(0))
    assert not turns.is_expert(0.0, put_back=True), "the start is no intervention"
    assert not turns.is_expert(5.0, put_back=False)
    assert turns.is_expert(6.0, put_back=True)
    assert turns.is_expert(6.0 + AFTER_PUT_BACK_S - 0.05, put_back=False)
    assert not turns.is_expert(6.0 + AFTER_PUT_BACK_S, put_back=False)
