"""Sections of the data report about all recordings together: balancing, frames, augmentation, cameras."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulator_bridge.pages.blocks import Column, facts, gallery, note, picture, table
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.figures import histogram
from simulator_bridge.recording import CAMERAS
from simulator_bridge.recording.images.steering_overlay import LABEL_RGB, draw_steering
from train.data.labels import SIDE_CAMERA_OFFSET_M, sample_steering, side_correction_of
from train.data.rows import Rows
from train.reports.epoch_samples import ChangedSample, Epoch
from train.reports.names import names_of, place_of
from train.reports.pictures import frame_or_rest, in_words, jpeg, side_by_side
from train.train_config import TrainConfig

STEERING_BIN = 0.04  # with the defaults the middle bin holds exactly the straight rows
N_SHEET = 20  # frames of the contact sheet
N_TRIPLES = 3
SPEED_BINS = 32

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def steering_edges() -> FloatArray:
    """Edges of the steering bins: one bin lies around zero, the outer ones around -1 and 1."""
    n = round(1 / STEERING_BIN)
    return np.asarray((np.arange(-n, n + 2) - 0.5) * STEERING_BIN, np.float64)


def steering_section(config: TrainConfig, rows: Rows, epoch: Epoch) -> Section:
    """Steering as recorded, after balancing, and as an epoch teaches it."""
    steering, edges = rows.steering_angle.astype(np.float64), steering_edges()
    kept = steering[epoch.rows_used]
    straight = float((np.abs(steering) < config.near_zero).mean())
    limit = f"{100 * config.near_zero_share:.0f} %"
    left_out = len(steering) - len(kept)
    conclusion = f"{100 * straight:.1f} % of the rows are straight (steering below {config.near_zero:g}). " + (
        f"Balancing leaves out {left_out:,} of them by lot in every epoch, so that straight rows are at most {limit}."
        if left_out
        else f"That is not more than {limit}, so balancing leaves nothing out."
    )
    shares = {
        "rows as recorded": _shares(steering, edges),
        "labels of an epoch": _shares(epoch.labels.astype(np.float64), edges),
    }
    return Section(
        "Steering and balancing",
        note(conclusion),
        histogram(
            "Rows by steering, before and after balancing: "
            + (f"straight rows are at most {limit}" if left_out else "nothing is left out, both are the same"),
            edges,
            {"as recorded": _counts(steering, edges), "after balancing": _counts(kept, edges)},
            x_label="steering, normalised (\N{MINUS SIGN}1 left, 1 right)",
            y_label="rows",
        ),
        histogram(
            f"What the network is taught: {len(epoch.labels):,} labels of one epoch, cameras and augmentation included",
            edges,
            shares,
            x_label="steering, normalised (\N{MINUS SIGN}1 left, 1 right)",
            y_label="share, %",
        ),
        table(
            [
                Column("set", numeric=False),
                Column("count", digits=0),
                Column("straight, %", digits=1, hint=f"steering below {config.near_zero:g}"),
                Column("left, %", digits=1),
                Column("right, %", digits=1),
                Column("mean steering", digits=3, hint="+ is right; a lap of a circuit leans to one side"),
                Column("standard deviation", digits=3),
            ],
            [
                _spread("rows as recorded", steering, config),
                _spread("rows after balancing", kept, config),
                _spread("labels of an epoch", epoch.labels.astype(np.float64), config),
            ],
        ),
        intro="A network that mostly sees straight road learns to go straight on. These are the rows of all recordings "
        "together, as a training with its default settings would use them.",
    )


def _spread(name: str, steering: FloatArray, config: TrainConfig) -> list[object]:
    straight = np.abs(steering) < config.near_zero
    left, right = (steering < 0) & ~straight, (steering > 0) & ~straight
    shares = [100 * float(part.mean()) for part in (straight, left, right)]
    return [name, len(steering), *shares, round(float(steering.mean()), 3) + 0.0, float(steering.std())]


def _counts(values: FloatArray, edges: FloatArray) -> IntArray:
    counts: IntArray = np.histogram(values, edges)[0]
    return counts


def _shares(values: FloatArray, edges: FloatArray) -> FloatArray:
    shares: FloatArray = 100 * _counts(values, edges) / max(1, len(values))
    return shares


def speed_section(rows: Rows) -> Section:
    """How fast it was driven, recording by recording while there are few."""
    known = {
        name: speed[np.isfinite(speed)].astype(np.float64)
        for name, speed in _by_recording(rows).items()
        if np.isfinite(speed).any()
    }
    if not known:
        return Section("Speed", note("No recording tells its speed. Steering can be learned without."))
    top = max(1.0, max(float(speed.max()) for speed in known.values()))
    edges = np.linspace(0, np.ceil(top), SPEED_BINS + 1)
    shown = known if len(known) <= 6 else {"all recordings": np.concatenate(list(known.values()))}
    return Section(
        "Speed",
        histogram(
            "Rows by speed: a car at rest teaches nothing, a narrow range teaches one speed only",
            edges,
            {name: _counts(speed, edges) for name, speed in shown.items()},
            x_label="speed, mph",
            y_label="rows",
        ),
    )


def _by_recording(rows: Rows) -> dict[str, npt.NDArray[np.float32]]:
    return {
        name: recording.speed_mph for name, recording in zip(names_of(rows.recordings), rows.recordings, strict=True)
    }


def contact_sheet(rows: Rows) -> Section:
    """Frames from the hardest left to the hardest right."""
    names = names_of(rows.recordings)
    chosen = _over_the_range(rows.steering_angle.astype(np.float64))
    pictures = []
    for row in chosen.tolist():
        frame, damage = frame_or_rest(rows.image_path("center", row))
        steering = float(rows.steering_angle[row])
        caption = f"{in_words(steering)} \N{MIDDLE DOT} {place_of(rows, names, row)}"
        pictures.append(picture(jpeg(draw_steering(frame, steering)), f"{caption}{f': {damage}' if damage else ''}"))
    return Section(
        "Frames over the range of steering",
        gallery(pictures, 160),
        intro="From the hardest left to the hardest right, evenly over the range, the recorded steering in blue. "
        "Each should fit what the road does; a recording whose labels point the wrong way is one to leave out.",
    )


def _over_the_range(steering: FloatArray) -> IntArray:
    """Rows at even steps from the least to the greatest steering, each once; which of the nearest: by lot, seeded."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(steering))  # ties, such as exact zeros, are broken by lot
    rows: dict[int, None] = {}
    for target in np.linspace(steering.min(), steering.max(), N_SHEET):
        rows.setdefault(int(order[np.argmin(np.abs(steering[order] - target))]))
    return np.array(sorted(rows, key=lambda row: float(steering[row])), np.int64)


def augmentation_section(config: TrainConfig, rows: Rows, epoch: Epoch) -> Section:
    """Samples before and after, with their labels."""
    names, per_m = names_of(rows.recordings), side_correction_of(config) / SIDE_CAMERA_OFFSET_M
    return Section(
        "Augmentation",
        gallery([_pair(example, place_of(rows, names, example.row)) for example in epoch.examples()], 480),
        facts(
            {
                "mirrored": "half of the samples" if config.flip else "none",
                "car moved": f"up to {config.shift_m:g} m to either side",
                "label for that": f"{per_m:.3f} of steering for each metre, back towards the road",
                "brightness": f"changed by up to {100 * config.brightness:.0f} %",
                "shadow": f"on {100 * config.shadow:.0f} % of the samples",
            }
        ),
        intro="Left: as recorded, its steering in blue. Right: as the network gets it, the label that goes with it in "
        "green. A car moved to the right must steer back to the left; a mirrored one to the other side; light changes "
        "no label. These are samples of the first epoch, drawn and changed by the training's own code, here on whole "
        "frames (training changes the part of the frame that the network sees).",
    )


def _pair(example: ChangedSample, place: str) -> Markup:
    before = draw_steering(example.before, example.label_before)
    after = draw_steering(example.after, example.label_before, example.label_after, predicted_rgb=LABEL_RGB)
    caption = (
        f"{example.changes.capitalize()}: steering {in_words(example.label_before)} \N{RIGHTWARDS ARROW} "
        f"{in_words(example.label_after)} \N{MIDDLE DOT} {example.camera} camera, {place}"
    )
    return picture(jpeg(side_by_side(before, after)), caption)


def cameras_section(config: TrainConfig, rows: Rows) -> Section:
    """Three cameras at one moment and the label of each."""
    three = np.flatnonzero(rows.has_camera("left") & rows.has_camera("right"))
    if len(three) == 0:
        return Section(
            "Side cameras",
            note(
                "No recording has side cameras: every sample shows the road from where the driver held the car. Record "
                "recoveries, or with three cameras, or the car will not know how to come back to its line."
            ),
        )
    names, correction = names_of(rows.recordings), side_correction_of(config)
    chosen = _left_straight_right(three, rows.steering_angle[three].astype(np.float64))
    return Section(
        "Side cameras",
        *(gallery(_triple(config, rows, row, place_of(rows, names, row)), 320) for row in chosen.tolist()),
        intro=f"A side camera sees the road as the center camera would if the car stood {SIDE_CAMERA_OFFSET_M:g} m "
        f"further to that side. Its label is the recorded steering (blue) plus {correction:g} for the left "
        f"camera, minus {correction:g} for the right one (green): it steers back to the line. If a left "
        "picture shows the car further right than the center one, the cameras are swapped.",
    )


def _triple(config: TrainConfig, rows: Rows, row: int, place: str) -> list[Markup]:
    steering = float(rows.steering_angle[row])
    pictures = []
    for camera in ("left", "center", "right"):
        frame, damage = frame_or_rest(rows.image_path(camera, row))
        index = np.array([CAMERAS.index(camera)], np.int8)
        label = float(sample_steering(np.array([steering], np.float32), index, side_correction_of(config))[0])
        caption = f"{camera} camera: label {in_words(label)}"
        if camera == "left":
            caption += f" \N{MIDDLE DOT} recorded {in_words(steering)}, {place}"
        drawn = draw_steering(frame, steering, label, predicted_rgb=LABEL_RGB)
        pictures.append(picture(jpeg(drawn), caption + (f": {damage}" if damage else "")))
    return pictures


def _left_straight_right(rows: IntArray, steering: FloatArray) -> IntArray:
    """Three of the rows: clearly left, straight, clearly right; fewer where they coincide."""
    chosen: dict[int, None] = {}
    for target in (*np.quantile(steering, [0.05, 0.95]).tolist(), 0.0):
        chosen.setdefault(int(rows[np.argmin(np.abs(steering - target))]))
    return np.array(sorted(chosen, key=lambda row: float(steering[np.searchsorted(rows, row)])), np.int64)
