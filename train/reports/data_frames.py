"""Sections of the data report that show frames of all recordings: over the steering range, augmented, by camera."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulator_bridge.pages.blocks import facts, gallery, note, picture
from simulator_bridge.pages.document import Section
from simulator_bridge.recording import CAMERAS
from simulator_bridge.recording.images.steering_overlay import LABEL_RGB, draw_steering
from train.data.labels import SIDE_CAMERA_OFFSET_M, sample_steering, side_correction_of
from train.data.rows import Rows
from train.reports.epoch_samples import AugmentedSample, EpochPreview
from train.reports.frame_pictures import frame_and_damage, side_by_side, steering_text, to_jpeg
from train.reports.recording_names import recording_names, row_location
from train.train_config import TrainConfig

N_SHEET = 20  # frames of the contact sheet

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
NOT_OF_ROADNET = (
    "Of networks that are trained in steps, such as --arch pilotnet; RoadNet, the default, learns from the images as "
    "they are and from their mirror images, with the recorded steering for all three cameras."
)


def contact_sheet(rows: Rows) -> Section:
    """Frames from the hardest left to the hardest right."""
    names = recording_names(rows.recordings)
    center = np.flatnonzero(rows.has_camera("center"))
    chosen = center[_over_the_range(rows.steering_angle[center].astype(np.float64))] if len(center) else center
    pictures = []
    for row in chosen.tolist():
        frame, damage = frame_and_damage(rows.image_path("center", row))
        steering = float(rows.steering_angle[row])
        caption = f"{steering_text(steering)} \N{MIDDLE DOT} {row_location(rows, names, row)}"
        pictures.append(picture(to_jpeg(draw_steering(frame, steering)), f"{caption}{f': {damage}' if damage else ''}"))
    return Section(
        "Frames over the range of steering",
        gallery(pictures, 160) if pictures else note("No row has a center image."),
        intro="From the hardest left to the hardest right, evenly over the range, the recorded steering in blue. "
        "Each should fit what the road does; a recording whose labels point the wrong way is one to leave out.",
    )


def _over_the_range(steering: FloatArray) -> IntArray:
    """Rows at even steps from the least to the greatest steering, each once; ties are broken at random, seeded."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(steering))  # ties, such as exact zeros
    rows: dict[int, None] = {}
    for target in np.linspace(steering.min(), steering.max(), N_SHEET):
        rows.setdefault(int(order[np.argmin(np.abs(steering[order] - target))]))
    return np.array(sorted(rows, key=lambda row: float(steering[row])), np.int64)


def augmentation_section(config: TrainConfig, rows: Rows, epoch: EpochPreview) -> Section:
    """Samples before and after, with their labels."""
    names = recording_names(rows.recordings)
    per_m = side_correction_of(config) / SIDE_CAMERA_OFFSET_M
    return Section(
        "Augmentation",
        gallery([_pair(example, row_location(rows, names, example.row)) for example in epoch.examples()], 480),
        facts(
            {
                "mirrored": "half of the samples" if config.flip else "none",
                "car moved": f"up to {config.shift_m:g} m to either side",
                "label for that": f"{per_m:.3f} of steering for each metre, back towards the road",
                "brightness": f"changed by up to {100 * config.brightness:.0f} %",
                "shadow": f"on {100 * config.shadow:.0f} % of the samples",
            }
        ),
        intro=f"{NOT_OF_ROADNET} "
        "Left: as recorded, its steering in blue. Right: as the network sees it, its label in green. A car moved "
        "to the right must steer back to the left; a mirrored one to the other side; light changes no label. "
        "These are samples of the first epoch, drawn and changed by the training's own code, here on whole "
        "frames (training changes the part of the frame that the network sees).",
    )


def _pair(example: AugmentedSample, place: str) -> Markup:
    before = draw_steering(example.before, example.label_before)
    after = draw_steering(example.after, example.label_before, example.label_after, predicted_rgb=LABEL_RGB)
    caption = (
        f"{example.changes.capitalize()}: steering {steering_text(example.label_before)} \N{RIGHTWARDS ARROW} "
        f"{steering_text(example.label_after)} \N{MIDDLE DOT} {example.camera} camera, {place}"
    )
    return picture(to_jpeg(side_by_side(before, after)), caption)


def cameras_section(config: TrainConfig, rows: Rows) -> Section:
    """Three cameras at one moment and the label of each."""
    three = np.flatnonzero(np.logical_and.reduce([rows.has_camera(camera) for camera in CAMERAS]))
    if not (rows.has_camera("left") | rows.has_camera("right")).any():
        return Section(
            "Side cameras",
            note(
                "No recording has side cameras: every sample shows the road from the driver's own line. Record "
                "recoveries, or record with three cameras: else the model never learns to steer back to the line."
            ),
        )
    names, correction = recording_names(rows.recordings), side_correction_of(config)
    if len(three) == 0:
        return Section("Side cameras", note("No row has the images of all three cameras."))
    chosen = _left_straight_right(three, rows.steering_angle[three].astype(np.float64))
    return Section(
        "Side cameras",
        *(gallery(_triple(config, rows, row, row_location(rows, names, row)), 320) for row in chosen.tolist()),
        intro=f"{NOT_OF_ROADNET} "
        f"A side camera sees the road as the center camera would if the car stood {SIDE_CAMERA_OFFSET_M:g} m "
        f"further to that side. Its label is the recorded steering (blue) plus {correction:g} for the left "
        f"camera, minus {correction:g} for the right one (green): it steers back to the line. If a left "
        "picture shows the car further right than the center one, the cameras are swapped.",
    )


def _triple(config: TrainConfig, rows: Rows, row: int, place: str) -> list[Markup]:
    steering = float(rows.steering_angle[row])
    pictures = []
    for camera in ("left", "center", "right"):
        frame, damage = frame_and_damage(rows.image_path(camera, row))
        index = np.array([CAMERAS.index(camera)], np.int8)
        label = float(sample_steering(np.array([steering], np.float32), index, side_correction_of(config))[0])
        caption = f"{camera} camera: label {steering_text(label)}"
        if camera == "left":
            caption += f" \N{MIDDLE DOT} recorded {steering_text(steering)}, {place}"
        drawn = draw_steering(frame, steering, label, predicted_rgb=LABEL_RGB)
        pictures.append(picture(to_jpeg(drawn), caption + (f": {damage}" if damage else "")))
    return pictures


def _left_straight_right(rows: IntArray, steering: FloatArray) -> IntArray:
    """Three of the rows: clearly left, straight, clearly right; fewer where they coincide."""
    chosen: dict[int, None] = {}
    for target in (*np.quantile(steering, [0.05, 0.95]).tolist(), 0.0):
        chosen.setdefault(int(rows[np.argmin(np.abs(steering - target))]))
    return np.array(sorted(chosen, key=lambda row: float(steering[np.searchsorted(rows, row)])), np.int64)
