"""Frames of one random road from poses that a car seldom has, with what they show: classes and geometry.

A world is a road of its own in a light, weather and texture of its own. Its cars stand anywhere on the road and a
little beside it, point anywhere within about 20 degrees of it, and carry their camera a little higher, lower, tilted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.cli.output_file import replacing
from simulator_bridge.simulator.scene.cameras import CameraShift, LabelFrame
from simulator_bridge.simulator.scene.layers import Label
from simulator_bridge.simulator.scene.look_changes import LookChange
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.simulator.truth.classes import REDUCTION
from simulator_bridge.simulator.truth.road_truth import RoadTruths
from simulator_bridge.track import Track, build_track

RENDERER = "tinydisplay"  # draws the same on every machine
USUAL_SHARE = 0.5  # of the poses that lie where drivers are; the others are spread over the road
USUAL_SPREAD_M, BESIDE_M = 1.2, 0.7  # standard deviation where drivers are; beyond the road's edge elsewhere
HEADING_SPREAD_DEG, LARGEST_HEADING_DEG = 7.0, 22.0
CAMERA_UP_M, CAMERA_PITCH_DEG, CAMERA_ROLL_DEG = 0.25, 1.3, 1.2  # largest; standard deviations
CLEAR_SHARE = 0.2

_CLASS_OF = np.zeros(len(Label), np.uint8)
for _number, _labels in enumerate(
    (
        (Label.ROAD, Label.LINE),
        (Label.KERB, Label.SHOULDER),
        (Label.TERRAIN, Label.WATER, Label.VEGETATION, Label.OBSTACLE),
        (Label.SKY,),
        (Label.CAR,),
    )
):
    _CLASS_OF[list(_labels)] = _number


def class_of(labels: LabelFrame) -> npt.NDArray[np.uint8]:
    """Indices into `CLASSES` of pixels, each a `Label`."""
    return np.asarray(_CLASS_OF[labels])


@dataclass(frozen=True)
class Picture:
    """What of a frame is kept: rows cut off above and below, then resized; classes at a fourth of that.

    Attributes:
        crop_px: Rows cut off at the top and at the bottom.
        height_px: Of the image.
        width_px: Of the image.
    """

    crop_px: tuple[int, int]
    height_px: int
    width_px: int

    def image(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """(160, 320, 3) -> (height_px, width_px, 3)."""
        rows = frame[self.crop_px[0] : len(frame) - self.crop_px[1]]
        return np.asarray(cv2.resize(rows, (self.width_px, self.height_px), interpolation=cv2.INTER_LINEAR), np.uint8)

    def classes(self, labels: LabelFrame) -> npt.NDArray[np.uint8]:
        """(160, 320) of `Label` -> (height_px / 4, width_px / 4), indices into `CLASSES`."""
        rows = labels[self.crop_px[0] : len(labels) - self.crop_px[1]]
        height, width = self.height_px // REDUCTION, self.width_px // REDUCTION
        row = ((np.arange(height) + 0.5) * len(rows) / height).astype(int)
        column = ((np.arange(width) + 0.5) * rows.shape[1] / width).astype(int)
        return class_of(rows[np.ix_(row, column)])


@dataclass(frozen=True, eq=False)
class RenderedTruth:
    """N frames and what they show.

    Attributes:
        images: (N, H, W, 3) uint8, RGB.
        classes: (N, H / 4, W / 4) uint8, indices into `CLASSES`.
        truths: (N, len(road_truth.NAMES)) float32.
    """

    images: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.uint8]
    truths: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, images=self.images, classes=self.classes, truths=self.truths)

    @classmethod
    def load(cls, path: Path) -> RenderedTruth:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["images"], arrays["classes"], arrays["truths"])


def render_truth(number: int, n_frames: int, picture: Picture, country: str = "random") -> RenderedTruth:
    """Render a world.

    Args:
        number: Of the world: its road is `COUNTRY:NUMBER`, and all chance follows from it.
        n_frames: Poses.
        picture: What of each frame is kept.
        country: Of its road, `mountain` for one that winds and climbs.

    Raises:
        SimulatorError: If nothing renders here.
    """
    rng = np.random.default_rng([number, 16])
    track = build_track(f"{country}:{number}", reverse=bool(rng.random() < 0.5))
    light, weather, texture = (int(rng.integers(n_levels)) for n_levels in (3, 3, 4))
    change = LookChange(light, weather, texture, number)
    in_weather = "clear" if rng.random() < CLEAR_SHARE else "random"
    truths_of = RoadTruths(track)
    images, classes, truths = [], [], []
    with Simulation(track, number, in_weather, backend=RENDERER, change=change) as simulation:
        for _ in range(n_frames):
            s_m, lateral_m, heading_rad = _draw_pose(track, rng)
            simulation.shift_cameras(_draw_mount(rng))
            simulation.reset(s_m, lateral_m, heading_rad)
            images.append(picture.image(simulation.render()["center"]))
            classes.append(picture.classes(simulation.render_labels()["center"]))
            truths.append(truths_of.at(s_m, lateral_m, heading_rad))
    return RenderedTruth(np.stack(images), np.stack(classes), np.stack(truths))


def _draw_pose(track: Track, rng: np.random.Generator) -> tuple[float, float, float]:
    s_m = float(rng.uniform(0, track.length_m))
    left_m, right_m = track.at(track.width_left, s_m) + BESIDE_M, track.at(track.width_right, s_m) + BESIDE_M
    is_usual = rng.random() < USUAL_SHARE
    lateral_m = rng.normal(0, USUAL_SPREAD_M) if is_usual else rng.uniform(-right_m, left_m)
    heading_deg = np.clip(rng.normal(0, HEADING_SPREAD_DEG), -LARGEST_HEADING_DEG, LARGEST_HEADING_DEG)
    return s_m, float(np.clip(lateral_m, -right_m, left_m)), math.radians(float(heading_deg))


def _draw_mount(rng: np.random.Generator) -> CameraShift:
    up_m = float(rng.uniform(-CAMERA_UP_M, CAMERA_UP_M))
    return CameraShift(
        up_m=up_m, pitch_deg=float(rng.normal(0, CAMERA_PITCH_DEG)), roll_deg=float(rng.normal(0, CAMERA_ROLL_DEG))
    )
