"""Drives that the expert labels as a recording in Udacity's format, with a sidecar.

No row is dropped: the drive waits for the disk. Time stamps are simulated, so equal drives make equal files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import cv2

from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import Control, encode_frame
from simulator_bridge.recording.appender import RecordingAppender
from simulator_bridge.recording.log.log_format import CAMERAS, LOG_NAME, NEW_EPISODE_S, image_name
from simulator_bridge.recording.standing import is_driven
from simulator_bridge.simulator.expert import LabelledControl
from simulator_bridge.simulator.run.drive_loop import Moment
from simulator_bridge.simulator.run.expert_driver import ExpertDriver
from simulator_bridge.simulator.run.sidecar import SidecarRow, SidecarWriter
from simulator_bridge.simulator.scene.cameras import LabelFrame

EPOCH = datetime(2024, 1, 1, 12)  # stands for simulated time 0 in the names of images: any fixed day
ROWS_TOLERANCE_S = 0.011  # half a physics step: decisions fall on whole ones
LABEL_FOLDER = "LABELS"


@dataclass(frozen=True)
class ExpertRecordingFacts:
    """The columns of `SidecarRow` that are the same in all rows of one recording."""

    track: str
    direction: str
    seed: int
    weather: str
    renderer: str


class ExpertRecording:
    """A recording under way; a context manager.

    Args:
        folder: New or empty: a recording that is there already is not touched.
        facts: For the sidecar.
        cameras: Whose images a row has.

    Raises:
        RecordingError: If the folder holds something, or cannot be written.
    """

    def __init__(self, folder: Path, facts: ExpertRecordingFacts, cameras: Sequence[str] = CAMERAS) -> None:
        self._folder, self._facts, self._cameras = folder, facts, cameras
        if (folder / LOG_NAME).exists():
            raise RecordingError(f"{folder}: holds a recording already; record into another folder, or remove it")
        self._appender = RecordingAppender(folder)
        self._sidecar = SidecarWriter(folder)
        self._shift_s = 0.0  # of the time stamps: leaves a gap between episodes
        self._last_s = -NEW_EPISODE_S
        self.n_rows = 0
        self.n_episodes = 0

    def start_episode(self, time_s: float) -> None:
        """Leave a gap in the time stamps: the next row, at about `time_s`, is another drive."""
        self._shift_s = self._last_s + NEW_EPISODE_S - time_s
        self.n_episodes += 1

    def add(self, moment: Moment, decided: LabelledControl, kind: str, labels: Mapping[str, LabelFrame]) -> None:
        """Write one row; returns when it is written.

        Raises:
            RecordingError: If it cannot be written.
        """
        shown_s = moment.time_s + self._shift_s
        stamp = EPOCH + timedelta(milliseconds=round(shown_s * 1000))
        control = decided.label
        try:
            self._save_labels(labels, stamp)
            self._appender.append(
                {camera: encode_frame(moment.frames[camera]) for camera in self._cameras},
                control.steering_angle,
                max(control.throttle, 0.0),
                max(-control.throttle, 0.0),
                moment.state.speed_mph,
                stamp,
            )
            self._sidecar.append(self._describe(moment, decided, kind, image_name("center", stamp)))
        except OSError as error:
            raise RecordingError(f"{self._folder}: recording stopped after {self.n_rows} rows: {error}") from error
        self._last_s = shown_s
        self.n_rows += 1

    def close(self) -> None:
        """Let another recorder have the folder."""
        self._appender.close()

    def __enter__(self) -> ExpertRecording:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _describe(self, moment: Moment, decided: LabelledControl, kind: str, image: str) -> SidecarRow:
        pose, verdict = moment.state.pose, moment.verdict
        return SidecarRow(
            image=image,
            time_s=moment.time_s,
            kind=kind,
            x=pose.x,
            y=pose.y,
            z=pose.z,
            heading=pose.heading,
            s_m=verdict.location.s_m,
            cte=verdict.cte,
            heading_error=verdict.heading_error,
            applied_steering_angle=decided.applied.steering_angle,
            **vars(self._facts),
        )

    def _save_labels(self, labels: Mapping[str, LabelFrame], stamp: datetime) -> None:
        if not labels:
            return
        folder = self._folder / LABEL_FOLDER
        folder.mkdir(exist_ok=True)
        for camera, classes in labels.items():
            name = Path(image_name(camera, stamp)).with_suffix(".png")
            (folder / name).write_bytes(cv2.imencode(".png", classes)[1].tobytes())


class RecordingExpert:
    """Drives as the expert and records what it sees, labelled with what it does.

    Args:
        driver: The expert.
        recording: Where rows go.
        kind: `lap` or `recovery`, for the sidecar.
        row_period_s: Simulated time from one row to the next.
        with_labels: Save the classes of all pixels too.
    """

    def __init__(
        self, driver: ExpertDriver, recording: ExpertRecording, kind: str, *, row_period_s: float, with_labels: bool
    ) -> None:
        self._driver, self._recording, self._kind = driver, recording, kind
        self._row_period_s, self._with_labels = row_period_s, with_labels
        self._next_s = 0.0

    def __call__(self, moment: Moment) -> Control:
        """See `CarDriver`."""
        decided = self._driver.decide(moment)
        if moment.put_back:
            self._recording.start_episode(moment.time_s)
            self._next_s = moment.time_s
        if moment.time_s >= self._next_s - ROWS_TOLERANCE_S:
            self._next_s += self._row_period_s
            if not is_driven(decided.label.throttle, moment.state.speed_mph):
                return decided.applied
            labels = moment.simulation.render_labels() if self._with_labels else {}
            self._recording.add(moment, decided, self._kind, labels)
        return decided.applied
