from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models.architectures.preprocessing import build_preprocessing
from simulator_bridge.recording import load_recording
from tests.support.made_recording import draw_frame
from train.data.augment import COLUMNS, AugmentConfig, Augmenter, CropGeometry, draw
from train.data.image_store import FrameReader

HEIGHT_PX, WIDTH_PX = 40, 160
VIEW = CropGeometry(first_row_px=60, row_step_px=2, column_step_px=2)  # rows 60 .. 138 of the frame, at half size


def drawn(n: int = 1, **values: float) -> np.ndarray:
    neutral = {"flip": 0, "shift_m": 0, "brightness": 1, "shadow": 1}
    return np.tile([np.float32(values.get(name, neutral.get(name, 0))) for name in COLUMNS], (n, 1))


def augment(images: np.ndarray, what: np.ndarray, view: CropGeometry = VIEW) -> np.ndarray:
    return np.asarray(Augmenter(view, *images.shape[1:3])(tf.constant(images), tf.constant(what)))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, HEIGHT_PX, WIDTH_PX, 3), np.uint8)


def test_nothing_drawn_changes_nothing(images: np.ndarray) -> None:
    np.testing.assert_array_equal(augment(images, drawn(3)), images)


def test_flip_mirrors_and_twice_is_the_image_again(images: np.ndarray) -> None:
    flipped = augment(images, drawn(3, flip=1))

    np.testing.assert_array_equal(flipped, images[:, :, ::-1])
    np.testing.assert_array_equal(augment(flipped, drawn(3, flip=1)), images)


def test_each_image_of_a_batch_gets_its_own_change(images: np.ndarray) -> None:
    changed = augment(images, np.concatenate([drawn(), drawn(flip=1), drawn()]))

    np.testing.assert_array_equal(changed[[0, 2]], images[[0, 2]])
    np.testing.assert_array_equal(changed[1], images[1, :, ::-1])


@pytest.mark.parametrize("to_camera", ["left", "right"])
def test_shifting_the_car_shows_what_the_camera_standing_there_sees(to_camera: str) -> None:
    meters = {"left": -0.81, "right": 0.83}[to_camera]
    center, there = (draw_frame(0.0, 0.0, camera)[60:140:2, ::2] for camera in ("center", to_camera))
    shifted = augment(center[None], drawn(shift_m=meters))[0]

    inner = slice(30, -30)  # the border has no source pixels
    before = np.abs(center[:, inner].astype(float) - there[:, inner]).mean()
    after = np.abs(shifted[:, inner].astype(float) - there[:, inner]).mean()
    assert after < before / 2


def test_rows_above_the_horizon_do_not_move_with_the_car_but_are_mirrored() -> None:
    view = CropGeometry(first_row_px=40, row_step_px=2, column_step_px=2)  # ten rows of sky
    images = np.random.default_rng(1).integers(0, 256, (1, HEIGHT_PX, WIDTH_PX, 3), np.uint8)

    shifted = augment(images, drawn(shift_m=1), view)
    np.testing.assert_array_equal(shifted[:, :10], images[:, :10])
    assert (shifted[:, 11:] != images[:, 11:]).mean() > 0.9
    both = augment(images, drawn(shift_m=1, flip=1), view)
    np.testing.assert_array_equal(both, shifted[:, :, ::-1])


def test_brightness_scales_and_saturates(images: np.ndarray) -> None:
    brighter = augment(images, drawn(3, brightness=1.5))

    np.testing.assert_array_equal(brighter, np.minimum(images * np.float32(1.5) + 0.5, 255).astype(np.uint8))


def test_shadow_darkens_one_side_of_its_line_only(images: np.ndarray) -> None:
    left = augment(images, drawn(3, shadow=0.5, shadow_top=0.5, shadow_bottom=0.5, shadow_side=1))
    half = WIDTH_PX // 2

    np.testing.assert_array_equal(left[:, :, half:], images[:, :, half:])
    assert left[:, :, :half].mean() == pytest.approx(images[:, :, :half].mean() / 2, abs=0.5)
    right = augment(images, drawn(3, shadow=0.5, shadow_top=0.5, shadow_bottom=0.5, shadow_side=0))
    np.testing.assert_array_equal(right[:, :, :half], images[:, :, :half])


def test_draws_stay_within_the_settings_and_use_them() -> None:
    config = AugmentConfig(flip=True, shift_m=0.6, brightness=0.4, shadow=0.25)
    what = dict(zip(COLUMNS, draw(config, 4000, np.random.default_rng(0)).T, strict=True))

    assert what["flip"].mean() == pytest.approx(0.5, abs=0.04)  # 5 standard errors
    assert np.abs(what["shift_m"]).max() == pytest.approx(0.6, abs=0.01)
    assert what["brightness"].min() == pytest.approx(0.6, abs=0.01)
    assert what["brightness"].max() == pytest.approx(1.4, abs=0.01)
    assert (what["shadow"] < 1).mean() == pytest.approx(0.25, abs=0.035)


def test_everything_off_draws_no_change() -> None:
    config = AugmentConfig(flip=False, shift_m=0, brightness=0, shadow=0)
    what = draw(config, 50, np.random.default_rng(0))

    np.testing.assert_array_equal(what[:, :4], drawn(50)[:, :4])


def test_view_finds_what_the_model_crops_and_resizes() -> None:
    view = CropGeometry.measure(build_preprocessing((40, 160), (60, 20)))

    assert view.first_row_px == pytest.approx(60.5, abs=0.2)  # the first row is the mean of rows 60 and 61
    assert view.row_step_px == pytest.approx(2, abs=0.02)
    assert view.column_step_px == pytest.approx(2, abs=0.02)


def test_on_real_frames_the_shift_takes_side_cameras_to_the_center(driving_data: Path) -> None:
    recording = load_recording(driving_data / "recordings/udacity_lake_ccw")
    rows = range(50, 800, 50)
    sides = {
        camera: FrameReader(2)([recording.image_path(camera, row) for row in rows])[0][:, 60:140:2, ::2]
        for camera in ("center", "left", "right")
    }
    for camera, meters in (("left", 0.81), ("right", -0.83)):
        moved = augment(sides[camera], drawn(len(rows), shift_m=meters))
        before = np.abs(sides[camera].astype(float) - sides["center"]).mean()
        after = np.abs(moved.astype(float) - sides["center"]).mean()
        assert after < 0.75 * before
