from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.loading import load_policy
from models.occlusion_saliency import Occlusion, load_saliency, overlay, seen_rows
from models.quiet_import import quietly
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_SHAPE, Frame
from tests.support.drivable_model import drivable_model
from tests.support.made_model import made_frames, made_model
from tests.support.made_recording import draw_frame
from tests.support.paths import ROOT

SQUARE = (slice(80, 100), slice(200, 240))  # rows, columns
MAP_SHAPE = FRAME_SHAPE[:2]


def noise(seed: int = 0) -> Frame:
    return np.random.default_rng(seed).integers(0, 256, FRAME_SHAPE, dtype=np.uint8)


def contrast_in_square(frame: Frame) -> float:
    return float(frame[SQUARE].std()) / 100


def test_only_the_pixels_that_steer_are_salient() -> None:
    saliency = Occlusion(contrast_in_square)(noise())
    within = np.zeros(MAP_SHAPE, bool)
    within[70:110, 175:265] = True  # a part reaches over the square's border
    assert saliency.max() == 1
    assert saliency[within].sum() > 0.95 * saliency.sum()
    assert saliency[SQUARE].mean() > 10 * saliency[~within].mean()


def test_what_is_flat_moves_nothing_even_where_the_model_looks() -> None:
    frame = np.full(FRAME_SHAPE, 90, np.uint8)
    frame[:, 215:218] = 255  # a line through the square
    saliency = Occlusion(contrast_in_square)(frame)
    near_line = saliency[:, 202:231].sum()  # as far as the blur spreads it
    assert near_line > 0.95 * saliency.sum() > 0


@pytest.mark.parametrize("steer", [lambda frame: 0.3, contrast_in_square], ids=["constant", "flat frame"])
def test_no_effect_is_all_zero(steer: Any) -> None:
    assert not Occlusion(steer)(np.full(FRAME_SHAPE, 90, np.uint8)).any()


def test_nothing_is_salient_outside_the_rows_that_are_seen() -> None:
    saliency = Occlusion(lambda frame: float(frame.std()), slice(56, 136))(noise())
    assert not saliency[:56].any()
    assert not saliency[136:].any()
    assert saliency[56:136].any()


def test_the_whole_frame_is_asked_about() -> None:
    saliency = Occlusion(lambda frame: float(frame.astype(np.int64).var()))(noise())
    blocks = saliency.reshape(16, 10, 32, 10).mean(axis=(1, 3))
    assert blocks.min() > 0.5 * blocks.max(), "every place counts about as much for a steering by contrast"


def test_of_a_model_file() -> None:
    saliency = load_saliency(drivable_model())
    frame = draw_frame(0.3)
    first = saliency(frame)
    assert first.shape == MAP_SHAPE
    assert first.dtype == np.float32
    assert first.min() == 0
    assert first.max() == 1
    assert not first[:56].any(), "cropped off inside the model"
    assert not first[136:].any()


def test_of_a_file_that_another_program_wrote(tmp_path: Path) -> None:
    path = tmp_path / "theirs.h5"
    model = made_model()
    with quietly():
        model.save(path)
    assert seen_rows(path) == slice(0, 160), "nobody says what it crops"
    saliency = load_saliency(path)(draw_frame(0.3))
    assert saliency.max() == 1
    assert not saliency[:25].any(), "it was asked about these rows, and they moved nothing"


def test_is_deterministic_and_leaves_the_frame_alone() -> None:
    saliency, again = load_saliency(drivable_model()), load_saliency(drivable_model())
    frame = draw_frame(-0.4)
    kept = frame.copy()
    kept.setflags(write=False)
    np.testing.assert_array_equal(saliency(frame), saliency(kept))
    np.testing.assert_array_equal(saliency(frame), again(frame))
    np.testing.assert_array_equal(frame, kept)


def test_threads_do_not_mix() -> None:
    saliency = load_saliency(drivable_model())
    frames = list(made_frames(4))
    alone = [saliency(frame) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        for expected, got in zip(alone, pool.map(saliency, frames), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_blurring_what_is_salient_moves_the_steering_more_than_blurring_the_rest() -> None:
    import cv2

    policy, saliency = load_policy(drivable_model()), load_saliency(drivable_model())
    salient: list[float] = []
    rest: list[float] = []
    for frame in made_frames(6):
        importance, plain = saliency(frame), policy(frame).steering_angle
        blurred = cv2.blur(frame, (21, 21))
        order = np.argsort(importance[56:136].ravel())
        n = order.size // 10
        for moved, chosen in ((salient, order[-n:]), (rest, order[:n])):
            mask = np.zeros(MAP_SHAPE, bool)
            mask[56:136].ravel()[chosen] = True
            moved.append(abs(policy(np.where(mask[..., np.newaxis], blurred, frame)).steering_angle - plain))
    assert np.mean(salient) > 3 * np.mean(rest)


@pytest.mark.parametrize("frame", [np.zeros((120, 160, 3), np.uint8), np.zeros(FRAME_SHAPE, np.float32), None])
def test_other_input_is_refused(frame: Any) -> None:
    with pytest.raises(ValueError, match=r"uint8 \(160, 320, 3\)"):
        load_saliency(drivable_model())(frame)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"none\.h5: no such file"):
        load_saliency(tmp_path / "none.h5")


def test_needs_no_tensorflow() -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from models.occlusion_saliency import load_saliency\n"
        "load_saliency(Path(sys.argv[1]))(np.zeros((160, 320, 3), np.uint8))\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules), 'imported'\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(drivable_model())], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_overlay_colours_what_is_salient_and_nothing_else() -> None:
    frame = draw_frame(0.2)
    saliency = np.zeros(MAP_SHAPE, np.float32)
    saliency[SQUARE] = 1
    shown = overlay(frame, saliency)
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown[:80], frame[:80])
    red, green, blue = shown[SQUARE].reshape(-1, 3).mean(axis=0)
    assert min(red, green) > 180
    assert blue < 90
