"""The validation frames with the greatest errors, and what moves the model's steering there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from markupsafe import Markup

from models.occlusion_saliency import Saliency, load_saliency, overlay
from models.segmentation import Segmenter, load_segmenter
from models.segmentation import overlay as overlay_classes
from simulator_bridge.cli.terminal import counting
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import Frame
from simulator_bridge.pages.blocks import gallery, picture
from simulator_bridge.pages.document import Section
from simulator_bridge.recording.images.steering_overlay import draw_steering
from simulator_bridge.udacity_car import MAX_STEERING_DEG
from train.data.image_store import FrameReader
from train.data.rows import Rows
from train.reports.frame_pictures import side_by_side, steering_text, to_jpeg
from train.reports.predictions import Predictions
from train.reports.recording_names import recording_names, row_location

N_WORST, N_TYPICAL = 8, 2
APART_S = 1.0  # between two of the worst: neighbouring frames are wrong together


def frames_section(model: Path, rows: Rows, predictions: Predictions, reader: FrameReader) -> Section:
    """The worst frames, and two with the usual error to compare with."""
    worst, typical = _worst(predictions), _typical(predictions)
    shown = [*worst, *typical]
    frames, readable = reader([rows.image_path("center", int(predictions.row[place])) for place in shown])
    names = recording_names(rows.recordings)
    saliency, segmenter = _saliency(model), _segmenter(model)
    pictures = []
    with counting("what moves the steering", len(shown)) as on_progress:
        for n_done, (place, frame, good) in enumerate(zip(shown, frames, readable, strict=True), start=1):
            if good:
                where = row_location(rows, names, int(predictions.row[place]))
                pictures.append(_picture(frame, predictions, place, where, saliency, segmenter))
            on_progress(n_done)
    n_worst = min(len(worst), len(pictures))
    return Section(
        "Worst frames",
        gallery(pictures[:n_worst], 480),
        Markup("<h3>{}</h3>").format("For comparison: frames with the usual error"),
        gallery(pictures[n_worst:], 480),
        intro="The greatest errors, no two within a second of each other: recorded steering in blue, predicted in "
        "orange. "
        + (
            "Beside each, from pink to yellow, what moves the model's steering when it is blurred. It should be the "
            "edges of the road; where it is a tree or the sky, more recordings of such places help."
            if saliency is not None
            else ""
        )
        + (
            " Then what it sees: the road in green, its edge in yellow, land in brown, sky in blue."
            if segmenter is not None
            else ""
        )
        + " An error is not always the model's: look whether the label fits the road.",
    )


def _worst(predictions: Predictions) -> list[int]:
    error, chosen = np.abs(predictions.error), list[int]()
    for place in np.argsort(-error).tolist():
        if len(chosen) == N_WORST:
            break
        if all(_are_apart(predictions, place, other) for other in chosen):
            chosen.append(place)
    return chosen


def _are_apart(predictions: Predictions, one: int, other: int) -> bool:
    return (
        bool(predictions.block[one] != predictions.block[other])
        or abs(float(predictions.time_s[one] - predictions.time_s[other])) > APART_S
    )


def _typical(predictions: Predictions) -> list[int]:
    """Turning rows whose error is nearest to the median."""
    error = np.abs(predictions.error)
    turning = np.abs(predictions.recorded) >= np.quantile(np.abs(predictions.recorded), 0.75)
    away = np.abs(error - np.median(error))
    return np.argsort(np.where(turning, away, away + 2))[:N_TYPICAL].tolist()  # type: ignore[no-any-return]


def _saliency(model: Path) -> Saliency | None:
    try:
        return load_saliency(model)
    except ModelFileError:  # no saliency of this model: the frames are shown without
        return None


def _segmenter(model: Path) -> Segmenter | None:
    try:
        return load_segmenter(model)
    except ModelFileError:  # most models have none
        return None


def _picture(
    frame: Frame,
    predictions: Predictions,
    place: int,
    where: str,
    saliency: Saliency | None,
    segmenter: Segmenter | None,
) -> Markup:
    recorded, predicted = float(predictions.recorded[place]), float(predictions.predicted[place])
    parts = [draw_steering(frame, recorded, predicted)]
    if saliency is not None:
        parts.append(overlay(frame, saliency(frame)))
    if segmenter is not None:
        parts.append(overlay_classes(frame, segmenter(frame)))
    off_deg = MAX_STEERING_DEG * abs(predicted - recorded)
    caption = (
        f"{off_deg:.1f}\N{DEGREE SIGN} off: recorded {steering_text(recorded)}, predicted {steering_text(predicted)} "
        f"\N{MIDDLE DOT} {where}"
    )
    return picture(to_jpeg(side_by_side(*parts)), caption)
