"""Makes a film of a recording: predictions, what a model sees, pictures, and the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from drive.caution import FAMILIAR
from drive.overlay import Overlay
from models import occlusion_saliency, segmentation
from models.loading import load_policy
from simulator_bridge.cli.terminal import counted
from simulator_bridge.errors import RecordingError
from simulator_bridge.film.drive_data import DriveData, FloatArray
from simulator_bridge.film.h264 import H264Writer
from simulator_bridge.film.picture import CAMERA_PX, SIZE_PX, FilmPicture, enlarge
from simulator_bridge.film.recording_data import cut_out, film_data, with_predictions
from simulator_bridge.messages import Frame
from simulator_bridge.recording import Recording, load_only_recording, read_frame

LAST_PICTURE_S = 1.0  # how long it stands
IN_WORDS: dict[Overlay, str] = {
    "saliency": "; lit up: what moves its steering",
    "segmentation": "; in colours: what it sees",
}


@dataclass(frozen=True)
class RecordingFilm:
    """A finished film.

    Attributes:
        path: Where it is.
        n_pictures: How many it has.
        duration_s: How long it runs.
        mean_difference: Of predicted and recorded steering; None without a model.
    """

    path: Path
    n_pictures: int
    duration_s: float
    mean_difference: float | None

    def __str__(self) -> str:
        text = f"{self.path}: {self.n_pictures} pictures, {self.duration_s:.1f} s"
        if self.mean_difference is not None:
            text += f", prediction {self.mean_difference:.3f} from the recorded steering on average"
        return text


def make_film(
    path: Path,
    out: Path,
    model: Path | None = None,
    *,
    shows: Overlay | None = None,
    start_s: float = 0.0,
    seconds: float | None = None,
) -> RecordingFilm:
    """Film a recording; see `drive/video.py`.

    Raises:
        UserError: If there is no such recording or model, or the film cannot be written.
    """
    recording = load_only_recording(path)
    rows, data = _choose(recording, start_s, seconds)
    frames = [recording.image_path("center", int(row)) for row in rows]
    doubts: list[float | None] = [None] * len(rows)
    if model is not None:
        policy = load_policy(model)
        actions = [policy(read_frame(frames[i])) for i in counted(range(len(rows)), "predicting")]
        data = with_predictions(data, np.array([action.steering_angle for action in actions], np.float64))
        doubts = [action.doubt for action in actions]
    enlarged = _load_camera(model, shows)
    picture = FilmPicture(data, _subtitle(model, shows))
    end_s = float(data.time_s[-1]) + LAST_PICTURE_S
    with H264Writer(out, SIZE_PX) as writer:
        for i in counted(range(len(rows)), "filming"):
            doubt = doubts[i]
            note = "" if doubt is None else f"doubt {doubt:.1f}"
            is_warning = doubt is not None and doubt > FAMILIAR
            shown = picture(enlarged(read_frame(frames[i])), i, note, is_warning=is_warning)
            writer.add(shown, float(data.time_s[i]))
        writer.add(shown, end_s)
    return RecordingFilm(out, len(rows), end_s, _mean_difference(data))


def _choose(recording: Recording, start_s: float, seconds: float | None) -> tuple[range, DriveData]:
    """The rows to film, and their data."""
    data = film_data(recording, recording.folder.resolve().name)
    end_s = np.inf if seconds is None else start_s + seconds
    first, end = np.searchsorted(data.time_s, [start_s, end_s]).tolist()
    if first >= len(recording):
        raise RecordingError(f"{recording.folder}: runs {data.time_s[-1]:.1f} s, nothing is left from {start_s:g} s on")
    rows = range(first, max(end, first + 1))
    return rows, cut_out(data, slice(rows.start, rows.stop))


def _load_camera(model: Path | None, shows: Overlay | None) -> Callable[[Frame], Frame]:
    """What makes the film's camera picture of a frame."""
    if model is None or shows is None:
        return enlarge
    if shows == "segmentation":
        segmenter = segmentation.load_segmenter(model)

        def segmented(frame: Frame) -> Frame:
            classes = cv2.resize(segmenter(frame), CAMERA_PX, interpolation=cv2.INTER_NEAREST)
            return segmentation.overlay(enlarge(frame), np.asarray(classes, np.uint8))

        return segmented
    saliency = occlusion_saliency.load_saliency(model)

    def lit_up(frame: Frame) -> Frame:
        shown = cv2.resize(saliency(frame), CAMERA_PX, interpolation=cv2.INTER_LINEAR)
        return occlusion_saliency.overlay(enlarge(frame), np.asarray(shown, np.float32))

    return lit_up


def _subtitle(model: Path | None, shows: Overlay | None) -> str:
    if model is None:
        return ""
    return f"and what {model.name} would have done" + ("" if shows is None else IN_WORDS[shows])


def _mean_difference(data: DriveData) -> float | None:
    if data.predicted is None:
        return None
    difference: FloatArray = np.abs(data.predicted - data.recorded)
    return float(difference.mean())
