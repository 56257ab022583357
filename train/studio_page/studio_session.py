"""A session at the driving page: record, train, drive. One thread simulates and does everything.

Pages reach it from any thread in three ways: `manual_input`, `request` and `newest`.
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
from simulator_bridge.recording.log.log_format import RECORD_PERIOD_S
from simulator_bridge.simulator.expert import StartPose
from simulator_bridge.simulator.judge.referee import OFF_THE_ROAD, STUCK, WRONG_WAY
from simulator_bridge.simulator.run.drive_loop import start_pose
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track
from train.studio_page import commands
from train.studio_page.drivers import ManualDrive, ModelDrive, key_reach
from train.studio_page.improvement_job import ImprovementJob
from train.studio_page.lap_tracker import LapTracker
from train.studio_page.manual_input import ManualInput
from train.studio_page.ongoing_recording import OngoingRecording
from train.studio_page.real_time_meter import RealTimeMeter
from train.studio_page.recording_quality import RecordingQuality, assess
from train.studio_page.studio_world import StudioWorld, WorldChoice
from train.studio_page.training_job import ARCHITECTURES, DEFAULT_EPOCHS, PRETRAINED, TrainingJob, TrainingRequest

RECORD, TRAIN, DRIVE = "record", "train", "drive"
DEFAULT_LIMIT_MPH = 25
PAUSE_S = 0.04  # between two looks for something to do, when nothing moves
ASSESS_S = 1.0  # between two assessments of the recording
WHAT_HAPPENED = {OFF_THE_ROAD: "left the road", STUCK: "got stuck", WRONG_WAY: "went the wrong way"}


class Requester(Protocol):
    """Who gets the answer to a command: a page."""

    def notify(self, text: str, kind: str = "info") -> None:
        """Show a line there."""


class StudioSession:
    """The state that pages show, and the commands that change it.

    Args:
        simulation: With the center camera.
        folder: For the recording; new or empty.
        world: Whose simulation it is, for another one; None: there is no other.

    Attributes:
        manual_input: How the person at the page in control drives.
        has_viewers: Whether a page watches; without one nothing is drawn, and there is no driving by hand.

    Raises:
        RecordingError: If the folder holds something.
    """

    def __init__(self, simulation: Simulation, folder: Path, world: StudioWorld | None = None) -> None:
        self._simulation, self._world = simulation, world
        self.manual_input = ManualInput()
        self.has_viewers = False
        self._recording = OngoingRecording(folder)
        self._limit_mph = DEFAULT_LIMIT_MPH
        self._step = RECORD
        self._manual_drive: ManualDrive | None = ManualDrive(
            simulation, self._start, self.manual_input, self._recording
        )
        self._model_drive: ModelDrive | None = None
        self._training: TrainingJob | None = None
        self._improvement: ImprovementJob | None = None
        self._models: list[Path] = []
        self._lap_tracker: LapTracker = self._manual_drive.lap_tracker
        self._quality, self._assessed_s = assess([], simulation.track.length_m), 0.0
        self._real_time = RealTimeMeter()
        self._requests: queue.SimpleQueue[tuple[Requester, commands.Command]] = queue.SimpleQueue()
        self._notice: dict[str, Any] | None = None
        self._update = Update({})
        self._publish()

    def request(self, requester: Requester, command: commands.Command) -> None:
        """Queue a page's command; the requester is notified if it cannot be done."""
        self._requests.put((requester, command))

    def newest(self, view: Hashable = None) -> Update:
        """The newest state; the same for every `view`."""
        return self._update

    def tick(self) -> None:
        """Execute the queued commands, then drive to the next frame, or pause a little."""
        with contextlib.suppress(queue.Empty):
            while True:
                requester, command = self._requests.get_nowait()
                try:
                    self._execute(command)
                except (CommandError, UserError) as error:
                    requester.notify(str(error), "error")
        if not self._move():
            self._real_time.reset()
            time.sleep(PAUSE_S)
        self._publish()

    def close(self) -> None:
        """End what runs: the recording is complete, a training saves its best model."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._recording.close)
            for job in self._jobs:
                stack.callback(job.close)
            if self._model_drive is not None:
                stack.callback(self._model_drive.close)

    @property
    def track(self) -> Track:
        """That is driven now."""
        return self._simulation.track

    @property
    def is_training(self) -> bool:
        """Whether a training runs, or a round of corrections."""
        return any(job.is_running for job in self._jobs)

    @property
    def _jobs(self) -> list[TrainingJob | ImprovementJob]:
        """The newest training and the newest round of corrections, as far as there are any."""
        return [job for job in (self._training, self._improvement) if job is not None]

    def _move(self) -> bool:
        """Drive to the next frame; False if nothing moves."""
        for job in self._jobs:
            if job.is_running:
                job.poll()
                if job.has_model:
                    self._models.append(job.model)
        if self._manual_drive is not None:
            if not self.has_viewers or not self._drive_manually(self._manual_drive):
                return False
            driver = "You"
        elif self._model_drive is not None:
            try:
                if not self._model_drive.tick():
                    return False
            except UserError as error:
                self._notify(f"The drive has ended: {error}", "error")
                self._start_manual_drive()
                return True
            driver = "The model"
        else:
            return False
        self._real_time.add_frame(self._lap_tracker.time_s)
        intervention = self._lap_tracker.moment.verdict.intervention
        if intervention is not None:
            advice = " Delete the last seconds?" if self._recording.is_on else ""
            self._notify(f"{driver} {WHAT_HAPPENED[intervention.reason]}: the car was put back.{advice}")
        return True

    def _drive_manually(self, drive: ManualDrive) -> bool:
        """Let the person drive to the next frame; if the disk fails, without recording."""
        failure = self._recording.failure
        if failure is None:
            try:
                return drive.tick(self._limit_mph)
            except RecordingError as error:
                failure = str(error)
        if self._recording.is_on:
            self._recording.is_on = False
            self._recording.flush()
            self._notify(f"Recording has stopped: {failure}", "error")
        return drive.tick(self._limit_mph)

    def _execute(self, command: commands.Command) -> None:
        match command:
            case commands.Record(on):
                self._record(on)
            case commands.DeleteLast(seconds):
                self._delete_last(seconds)
            case commands.ResetCar():
                self._expect_manual_drive()
                self._start_manual_drive(self._lap_tracker.nearest_start)
            case commands.Limit(mph):
                self._limit_mph = mph
            case commands.Train(request):
                self._train(request)
            case commands.Drive(mph):
                self._start_model_drive(mph)
            case commands.Improve():
                self._improve()
            case commands.Stop():
                self._stop()
            case commands.ChangeWorld(choice):
                self._change_world(choice)
            case commands.DriveManually():
                self._expect_no_training()
                self._start_manual_drive()

    def _change_world(self, choice: WorldChoice) -> None:
        """Drive in another world; what was recorded stays, and more goes into a folder of its own."""
        self._expect_no_training()
        if self._world is None:
            raise CommandError("there is no other world here")
        self._stop_driving()
        self._recording.is_on = False
        self._recording.flush()
        self._notify(f"Building {choice.track}: that takes some seconds.")
        self._publish()
        try:
            self._world.change(choice)
        finally:
            self._simulation = self._world.simulation
            if self._recording.rows:
                self._recording.close()
                self._recording = OngoingRecording(_next_folder(self._recording.folder))
            self._quality = assess([], self.track.length_m)
            self._start_manual_drive(self._start)

    def _record(self, on: bool) -> None:
        self._expect_manual_drive()
        if on and self._recording.failure is not None:
            raise CommandError(f"nothing more can be recorded: {self._recording.failure}")
        self._recording.is_on = on
        if not on:
            self._recording.flush()

    def _delete_last(self, seconds: int) -> None:
        self._expect_manual_drive()
        if not self._recording.rows:
            raise CommandError("there is nothing to delete: nothing is recorded yet")
        before = len(self._recording.rows)
        place = self._recording.delete_last(seconds)
        self._start_manual_drive(place or self._start)
        self._notify(f"{before - len(self._recording.rows)} rows deleted; the car is where it was then.")

    def _train(self, request: TrainingRequest) -> None:
        self._expect_no_training()
        if not self._recording.rows:
            raise CommandError("record some driving first: there is nothing to train on")
        self._stop_driving()
        self._recording.is_on = False
        self._recording.flush()
        self._training = TrainingJob(self._recording.folder, self._new_model(), request)
        self._step = TRAIN

    def _improve(self) -> None:
        """Start a round of corrections of the newest training's model."""
        self._expect_no_training()
        training, earlier = self._training, self._improvement
        if training is None or not training.has_model:
            raise CommandError("train a model first: there is none to correct")
        self._stop_driving()
        n_rounds = 1
        if earlier is not None and earlier.begun == training.model:
            n_rounds = earlier.n_rounds + (earlier.status == "done")
        self._improvement = ImprovementJob(training.model, training.recording, n_rounds, self._new_model())
        self._step = DRIVE

    def _stop(self) -> None:
        """Stop the job that runs, or else the model's drive."""
        running = [job for job in self._jobs if job.is_running]
        for job in running:
            job.stop()
        if not running and self._model_drive is not None:
            self._start_manual_drive()

    def _start_model_drive(self, mph: int) -> None:
        self._expect_no_training()
        if not self._models:
            raise CommandError("train a model first: there is none to drive")
        self._stop_driving()
        self._model_drive = ModelDrive(self._simulation, self._models[-1], mph)
        self._lap_tracker, self._step = self._model_drive.lap_tracker, DRIVE

    def _start_manual_drive(self, start: StartPose | None = None) -> None:
        """Place the car at `start`, or on the driving line beside where it is; a person drives it then."""
        start = start or self._lap_tracker.nearest_start
        self._stop_driving()
        self._manual_drive = ManualDrive(self._simulation, start, self.manual_input, self._recording)
        self._lap_tracker, self._step = self._manual_drive.lap_tracker, RECORD

    def _stop_driving(self) -> None:
        drive, self._manual_drive, self._model_drive = self._model_drive, None, None
        if drive is not None:
            drive.close()

    def _expect_manual_drive(self) -> None:
        if self._manual_drive is None:
            raise CommandError("go back to driving by hand first: step 1, Record")

    def _expect_no_training(self) -> None:
        if self.is_training:
            raise CommandError("a training is running: wait for it, or stop it")

    def _new_model(self) -> Path:
        """A new file for a model: beside the recording, numbered."""
        folder, number = self._recording.folder, 1
        while True:
            model = folder.with_name(f"{folder.name}-model-{number}.h5")
            if not model.exists() and not model.with_name(f"{model.name}.checkpoint").exists():
                return model
            number += 1

    @property
    def _start(self) -> StartPose:
        return start_pose(self._simulation.track, None)

    def _notify(self, text: str, kind: str = "info") -> None:
        number = 1 if self._notice is None else self._notice["number"] + 1
        self._notice = {"number": number, "text": text, "kind": kind}

    def _publish(self) -> None:
        if not self.has_viewers and self._update.number:
            return
        lap_tracker, old = self._lap_tracker, self._update
        state = {
            "step": self._step,
            "car": lap_tracker.car_to_json(),
            "lap": lap_tracker.progress_to_json(),
            "limit_mph": self._limit_mph,
            "key_reach": round(key_reach(lap_tracker.moment.state.speed_mph), 2),
            "driver": self.manual_input.driver(time.monotonic()),
            "recording": {
                "is_on": self._recording.is_on,
                "folder": str(self._recording.folder),
                "rows": len(self._recording.rows),
                "seconds": round(len(self._recording.rows) * RECORD_PERIOD_S, 1),
            },
            "quality": self._assess().to_json(),
            "training": None if self._training is None else self._training.to_json(),
            "improvement": None if self._improvement is None else self._improvement.to_json(),
            "networks": {"names": ARCHITECTURES, "pretrained": PRETRAINED, "epochs": DEFAULT_EPOCHS},
            "models": [model.name for model in self._models],
            "driving": None if self._model_drive is None else self._model_drive.to_json(),
            "real_time": self._real_time.to_json(),
            "world": None if self._world is None else self._world.to_json(),
            "notice": self._notice,
        }
        if state == old.state:
            return
        pictures = old.pictures
        if old.number == 0 or any(state[name] != old.state[name] for name in ("car", "world")):
            pictures = {"camera": encode_frame(lap_tracker.moment.frames["center"], quality=85)}
        self._update = Update(state, pictures, old.number + 1)

    def _assess(self) -> RecordingQuality:
        now = time.monotonic()
        if len(self._recording.rows) != self._quality.rows and now - self._assessed_s > ASSESS_S:
            self._quality, self._assessed_s = assess(self._recording.rows, self._simulation.track.length_m), now
        return self._quality


def _next_folder(folder: Path) -> Path:
    """A folder beside it that does not exist yet."""
    number = 2
    while (beside := folder.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    return beside
