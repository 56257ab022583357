from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models.architectures.preprocessing import build_preprocessing
from simulator_bridge.messages import FRAME_SHAPE, Frame
from simulator_bridge.recording import load_recording, read_frame
from simulator_bridge.view.moved_frame import move_frame
from simulator_bridge.view.view_transform import CarMove, view_transform
from train.data.augment import CropGeometry
from train.data.moved_view import MovedView, pack

WHOLE_FRAME = CropGeometry(first_row_px=0, row_step_px=1, column_step_px=1)
MOVES = (
    CarMove(),
    CarMove(forward_m=1.2, left_m=0.6, yaw=0.1),
    CarMove(left_m=-0.9, yaw=-0.25, pitch=0.02, roll=-0.03, slope=0.04),
)


def smooth_noise(n: int) -> list[Frame]:
    """Frames whose neighbouring pixels differ by a few levels, as in photographs."""
    coarse = np.random.default_rng(0).integers(0, 256, (n, 10, 20, 3)).astype(np.float32)
    return list(tf.cast(tf.image.resize(coarse, FRAME_SHAPE[:2]), tf.uint8).numpy())


def moved_in_graph(images: np.ndarray, camera: str, geometry: CropGeometry = WHOLE_FRAME) -> np.ndarray:
    view = tf.function(MovedView(geometry, images.shape[1], images.shape[2], camera))
    transforms = pack([view_transform(camera, move, camera) for move in MOVES])
    return np.asarray(view(tf.constant(images), tf.constant(transforms)))


def assert_equal_pixels(one: np.ndarray, other: np.ndarray) -> None:
    levels = np.abs(one.astype(int) - other)
    assert levels.mean() < 0.2
    assert (levels <= 2).mean() > 0.998  # OpenCV 4 rounds places to 1/32 pixel


def test_a_car_that_did_not_move_sees_the_frame_itself() -> None:
    frames = smooth_noise(len(MOVES))

    moved = moved_in_graph(np.stack(frames), "center")

    assert np.abs(moved[0].astype(int) - frames[0]).max() <= 1


@pytest.mark.parametrize("camera", ["center", "left"])
def test_graph_and_replay_show_the_same_view(camera: str) -> None:
    frames = smooth_noise(len(MOVES))
    replay = [
        move_frame({camera: frame}, camera, move, camera).frame for frame, move in zip(frames, MOVES, strict=True)
    ]

    assert_equal_pixels(moved_in_graph(np.stack(frames), camera), np.stack(replay))


def test_graph_and_replay_show_the_same_view_of_real_frames(driving_data: Path) -> None:
    recording = load_recording(driving_data / "recordings/jungle")
    frames = [read_frame(recording.image_path("center", row)) for row in (50, 300, 700)]
    replay = [move_frame({"center": frame}, "center", move).frame for frame, move in zip(frames, MOVES, strict=True)]

    assert_equal_pixels(moved_in_graph(np.stack(frames), "center"), np.stack(replay))


def test_moving_a_preprocessed_image_is_preprocessing_a_moved_frame() -> None:
    preprocessing = build_preprocessing((66, 200), (56, 24))
    frames = smooth_noise(len(MOVES))
    replay = [move_frame({"center": f}, "center", move).frame for f, move in zip(frames, MOVES, strict=True)]
    wanted = np.asarray(preprocessing(np.stack(replay)))

    moved = moved_in_graph(np.asarray(preprocessing(np.stack(frames))), "center", CropGeometry.measure(preprocessing))

    inner = np.s_[:, 4:44, 40:160]  # the crop has no pixels above its first row and below its last
    assert np.abs(moved[inner].astype(int) - wanted[inner]).mean() < 1.5
    assert np.abs(moved[1:][inner].astype(int) - np.asarray(preprocessing(np.stack(frames)))[1:][inner]).mean() > 8
