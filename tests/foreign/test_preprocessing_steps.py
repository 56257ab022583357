"""`--preprocessing`: steps and presets do to a frame what the drive.py of others does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.preprocessing.image_steps import PreparedImage
from models.preprocessing.steps import PRESETS, parse_preprocessing
from models.runtimes.runtime import Array
from simulator_bridge.errors import UsageError, UserError
from simulator_bridge.messages import Frame
from tests.support.made_model import made_frames


def frame() -> Frame:
    return np.asarray(made_frames(1)[0])


def prepared(text: str, shape: tuple[int, ...] = (66, 200, 3), dtype: str = "float32") -> Array:
    image = PreparedImage(parse_preprocessing(text), shape, dtype)(frame())
    assert image.dtype == dtype
    return np.asarray(image[0])


def test_naokishibuya_crops_resizes_and_changes_to_yuv() -> None:
    expected = cv2.cvtColor(cv2.resize(frame()[60:-25], (200, 66)), cv2.COLOR_RGB2YUV)
    np.testing.assert_array_equal(prepared("naokishibuya"), expected)


def test_the_udemy_course_blurs_and_divides_too() -> None:
    image = cv2.cvtColor(frame()[60:135], cv2.COLOR_RGB2YUV)
    image = cv2.resize(cv2.GaussianBlur(image, (3, 3), 0), (200, 66)) / 255
    np.testing.assert_allclose(prepared("udemy"), image, rtol=1e-6)


def test_plain_steps() -> None:
    np.testing.assert_array_equal(prepared("resize"), cv2.resize(frame(), (200, 66)))
    np.testing.assert_array_equal(prepared("bgr", (160, 320, 3)), frame()[..., ::-1])
    np.testing.assert_array_equal(prepared("raw", (160, 320, 3), "uint8"), frame())
    grey = cv2.cvtColor(frame(), cv2.COLOR_RGB2GRAY)[..., np.newaxis]
    np.testing.assert_array_equal(prepared("grey", (160, 320, 1)), grey)
    np.testing.assert_allclose(
        prepared("crop=60:135, columns=10:-10, size=66x200, scale=127.5, offset=-1"),
        cv2.resize(frame()[60:135, 10:-10], (200, 66)) / 127.5 - 1,
        atol=1e-5,
    )


def test_images_with_their_channels_first_are_turned() -> None:
    np.testing.assert_array_equal(prepared("raw", (3, 160, 320)), frame().transpose(2, 0, 1))


def test_without_a_size_the_image_gets_that_of_the_model_before_it_is_scaled() -> None:
    np.testing.assert_allclose(
        prepared("crop=60:135,scale=255", (64, 64, 3)), cv2.resize(frame()[60:135], (64, 64)) / 255, rtol=1e-6
    )


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_reads_as_it_is_written(name: str) -> None:
    assert parse_preprocessing(name.upper()).steps == parse_preprocessing(PRESETS[name]).steps


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nvidea", "got 'nvidea'"),
        ("naokishibuy", "did you mean naokishibuya"),
        ("crop=60", "ROWS as 60:135"),
        ("color=purple", "one of rgb, bgr"),
        ("size=0x200", "HEIGHTxWIDTH as 66x200"),
        ("size=66", "HEIGHTxWIDTH"),
        ("scale=0", "the number to divide by"),
        ("blur=4", "an odd size"),
        ("", "expected --preprocessing"),
        ("crop=" + "9" * 100_000, "ROWS"),
    ],
)
def test_what_is_no_step_is_a_usage_error(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_preprocessing(text)


@pytest.mark.parametrize(
    ("text", "shape", "dtype", "message"),
    [
        (
            "size=64x64",
            (66, 200, 3),
            "float32",
            "makes images of 64x64, 3 channels, the model takes 66x200, 3 channels",
        ),
        ("raw", (66, 200, 1), "float32", "say color=grey"),
        ("crop=200:210", (66, 200, 3), "float32", "leaves nothing of the frame"),
        ("scale=255", (66, 200, 3), "uint8", "takes whole numbers"),
    ],
)
def test_steps_that_do_not_fit_the_model_are_refused(
    text: str, shape: tuple[int, ...], dtype: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        PreparedImage(parse_preprocessing(text), shape, dtype)
