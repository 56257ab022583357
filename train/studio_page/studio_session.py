"""A session at the page: record, train, drive, and the way from one to the other. One thread simulates and does it all.

Pages reach it through three doors that any thread may use: the wheel, `ask`, and `newest`.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Protocol

from simulator_bridge.errors import RecordingError, UserError
from simulator_bridge.messages import encode_frame
from simulator_bridge.pages.live_channel import CommandError, Update
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.judge.referee import OFF_THE_ROAD, STUCK, WRONG_WAY
from simulator_bridge.simulator.run.drive_loop import start_pose
from simulator_bridge.simulator.simulation import Simulation
from train.studio_page import commands
from train.studio_page.drivers import ManualDrive, ModelDrive, key_reach
from train.studio_page.lap_tracker import LapTracker
from train.studio_page.manual_input import ManualInput
from train.studio_page.ongoing_recording import OngoingRecording
from train.studio_page.real_time_meter import RealTimeMeter
from train.studio_page.recording_quality import RecordingQuality, assess
from train.studio_page.training_job import ARCHITECTURES, DEFAULT_EPOCHS, TrainingJob, TrainingRequest

RECORD, TRAIN, DRIVE = "record", "train", "drive"
DEFAULT_LIMIT_MPH = 25
REST_S = 0.04  # between two looks for something to do, when nothing moves
ASSESS_S = 1.0  # between two assessments of the recording
WHAT_HAPPENED = {OFF_THE_ROAD: "left the road", STUCK: "got stuck", WRONG_WAY: "went the wrong way"}


class Requester(Protocol):
    """Who gets the answer to a command: a page."""

    def notify(self, text: str, kind: str = "info") -> None:
        """Show a line there."""


class StudioSession:
    """Everything that a page shows and does.

    Args:
        simulation: With the center camera.
        folder: For the recording; new or empty.

    Attributes:
        wheel: For pages to hold.
        has_viewers: Whether a page watches; without one nothing is drawn, and nobody drives by hand.

    Raises:
        RecordingError: If the folder holds something.
    """

    def __init__(self, simulation: Simulation, folder: Path) -> None:
        self._simulation = simulation
        self.wheel = ManualInput()
        self.has_viewers = False
        self._take = OngoingRecording(folder)
        self._limit_mph = DEFAULT_LIMIT_MPH
        self._step = RECORD
        self._hand: ManualDrive | None = ManualDrive(simulation, self._start, self.wheel, self._take)
        self._model_drive: ModelDrive | None = None
        self._training: TrainingJob | None = None
        self._models: list[Path] = []
        self._course: LapTracker = self._hand.course
        self._quality, self._assessed_s = assess([], simulation.track.length_m), 0.0
        self._tempo = RealTimeMeter()
        self._asked: queue.SimpleQueue[tuple[Requester, commands.Command]] = queue.SimpleQueue()
        self._notice: dict[str, Any] | None = None
        self._update = Update({})
        self._publish()

    def ask(self, asker: Requester, command: commands.Command) -> None:
        """Do what a page wants, soon; what cannot be done is said there."""
        self._asked.put((asker, command))

    def newest(self, view: Hashable = None) -> Update:
        """What pages show now."""
        return self._update

    def tick(self) -> None:
        """Do what was asked for, then drive on to the next frame, or rest a little."""
        with contextlib.suppress(queue.Empty):
            while True:
                asker, command = self._asked.get_nowait()
                try:
                    self._obey(command)
                except (CommandError, UserError) as error:
                    asker.notify(str(error), "error")
        if not self._move():
            self._tempo.rest()
            time.sleep(REST_S)
        self._publish()

    def close(self) -> None:
        """End what runs: the recording is whole, a training keeps its best model."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._take.close)
            if self._training is not None:
                stack.callback(self._training.close)
            if self._model_drive is not None:
                stack.callback(self._model_drive.close)

    @property
    def is_training(self) -> bool:
        """Whether a training is under way."""
        return self._training is not None and self._training.is_under_way

    def _move(self) -> bool:
        """Drive on to the next frame; False if nothing moves."""
        if self._training is not None:
            self._training.poll()
            if self._training.has_model and self._training.model not in self._models:
                self._models.append(self._training.model)
        if self._hand is not None:
            if not self.has_viewers or not self._drive_on(self._hand):
                return False
            driver = "You"
        elif self._model_drive is not None:
            try:
                if not self._model_drive.tick():
                    return False
            except UserError as error:
                self._say(f"The drive has ended: {error}", "error")
                self._drive_by_hand()
                return True
            driver = "The model"
        else:
            return False
        self._tempo.drove(self._course.time_s)
        intervention = self._course.moment.verdict.intervention
        if intervention is not None:
            advice = " Delete the last seconds?" if self._take.is_on else ""
            self._say(f"{driver} {WHAT_HAPPENED[intervention.reason]}: the car was put back.{advice}")
        return True

    def _drive_on(self, hand: ManualDrive) -> bool:
        """Let the person drive on to the next frame; if the disk fails, without recording."""
        failure = self._take.failure
        if failure is None:
            try:
                return hand.tick(self._limit_mph)
            except RecordingError as error:
                failure = str(error)
        if self._take.is_on:
            self._take.is_on = False
            self._take.flush()
            self._say(f"Recording has stopped: {failure}", "error")
        return hand.tick(self._limit_mph)

    def _obey(self, command: commands.Command) -> None:
        match command:
            case commands.Record(on):
                self._record(on)
            case commands.DeleteLast(seconds):
                self._take_back(seconds)
            case commands.ResetCar():
                self._expect_hand()
                self._drive_by_hand(self._course.line)
            case commands.Limit(mph):
                self._limit_mph = mph
            case commands.Train(plan):
                self._train(plan)
            case commands.Drive(mph):
                self._let_drive(mph)
            case commands.Stop():
                if self._training is not None and self._training.is_under_way:
                    self._training.stop()
                elif self._model_drive is not None:
                    self._drive_by_hand()
            case commands.DriveManually():
                self._expect_no_training()
                self._drive_by_hand()

    def _record(self, on: bool) -> None:
        self._expect_hand()
        if on and self._take.failure is not None:
            raise CommandError(f"nothing more can be recorded: {self._take.failure}")
        self._take.is_on = on
        if not on:
            self._take.flush()

    def _take_back(self, seconds: int) -> None:
        self._expect_hand()
        if not self._take.rows:
            raise CommandError("there is nothing to delete: nothing is recorded yet")
        before = len(self._take.rows)
        place = self._take.take_back(seconds)
        self._drive_by_hand(place or self._start)
        self._say(f"{before - len(self._take.rows)} rows deleted; the car is where it was then.")

    def _train(self, plan: TrainingRequest) -> None:
        self._expect_no_training()
        if not self._take.rows:
            raise CommandError("record some driving first: there is nothing to train on")
        self._stop_driving()
        self._take.is_on = False
        self._take.flush()
        self._training = TrainingJob(self._take.folder, self._new_model(), plan)
        self._step = TRAIN

    def _let_drive(self, mph: int) -> None:
        self._expect_no_training()
        if not self._models:
            raise CommandError("train a model first: there is none to drive")
        self._stop_driving()
        self._model_drive = ModelDrive(self._simulation, self._models[-1], mph)
        self._course, self._step = self._model_drive.course, DRIVE

    def _drive_by_hand(self, start: StartPose | None = None) -> None:
        """Put the car down, beside where it is or at `start`, and give the wheel to a person."""
        start = start or self._course.line
        self._stop_driving()
        self._hand = ManualDrive(self._simulation, start, self.wheel, self._take)
        self._course, self._step = self._hand.course, RECORD

    def _stop_driving(self) -> None:
        drive, self._hand, self._model_drive = self._model_drive, None, None
        if drive is not None:
            drive.close()

    def _expect_hand(self) -> None:
        if self._hand is None:
            raise CommandError("go back to driving by hand first: step 1, Record")

    def _expect_no_training(self) -> None:
        if self.is_training:
            raise CommandError("a training is under way: wait for it, or stop it")

    def _new_model(self) -> Path:
        """A name that nothing has: beside the recording, numbered."""
        folder, number = self._take.folder, 1
        while True:
            model = folder.with_name(f"{folder.name}-model-{number}.h5")
            if not model.exists() and not model.with_name(f"{model.name}.checkpoint").exists():
                return model
            number += 1

    @property
    def _start(self) -> StartPose:
        return start_pose(self._simulation.track, None)

    def _say(self, text: str, kind: str = "info") -> None:
        number = 1 if self._notice is None else self._notice["number"] + 1
        self._notice = {"number": number, "text": text, "kind": kind}

    def _publish(self) -> None:
        if not self.has_viewers and self._update.number:
            return
        course, old = self._course, self._update
        state = {
            "step": self._step,
            "car": course.car(),
            "lap": course.progress(),
            "limit_mph": self._limit_mph,
            "key_reach": round(key_reach(course.moment.state.speed_mph), 2),
            "driver": self.wheel.driver(time.monotonic()),
            "recording": {
                "is_on": self._take.is_on,
                "folder": str(self._take.folder),
                "rows": len(self._take.rows),
            },
            "quality": _quality_to_json(self._assess()),
            "training": None if self._training is None else self._training.to_json(),
            "networks": {"names": ARCHITECTURES, "epochs": DEFAULT_EPOCHS},
            "models": [model.name for model in self._models],
            "driving": None if self._model_drive is None else self._model_drive.to_json(),
            "tempo": self._tempo.to_json(),
            "notice": self._notice,
        }
        if state == old.state:
            return
        pictures = old.pictures
        if old.number == 0 or state["car"] != old.state["car"]:
            pictures = {"camera": encode_frame(course.moment.frames["center"], quality=85)}
        self._update = Update(state, pictures, old.number + 1)

    def _assess(self) -> RecordingQuality:
        now = time.monotonic()
        if len(self._take.rows) != self._quality.rows and now - self._assessed_s > ASSESS_S:
            self._quality, self._assessed_s = assess(self._take.rows, self._simulation.track.length_m), now
        return self._quality


def _quality_to_json(quality: RecordingQuality) -> dict[str, Any]:
    figures = {name: round(value, 4) for name, value in vars(quality).items() if name != "advice"}
    advice = [{"text": advice.text, "is_good": advice.is_good} for advice in quality.advice]
    return {**figures, "advice": advice, "is_enough": quality.is_enough}
