"""Answers that cannot drive are named before a car obeys them; the preprocessing is found out from a driver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drive.doctor import main as doctor
from models.calibration import calibrate
from models.policy import Action, Policy
from models.preprocessing.image_steps import PreparedImage
from models.preprocessing.steps import parse_preprocessing
from models.runtimes.runtime import Array, TensorSpec
from models.sanity import check_answers
from simulator_bridge.errors import UserError
from simulator_bridge.messages import Frame
from tests.support.made_model import made_frames
from tests.support.other_models.foreign_files import small_network, write_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def by_brightness(frame: Frame, scale: float) -> Action:
    return Action((float(frame[100:, :160].mean()) - float(frame[100:, 160:].mean())) / 128 * scale)


@pytest.mark.parametrize(
    ("policy", "said", "is_bad"),
    [
        (lambda frame: Action(0.3), "steers +0.300 whatever it sees", True),
        (lambda frame: Action(float("nan")), "non-finite answer", True),
        (lambda frame: Action(0.1 * frame[90, 100, 0] / 255, float("inf")), "non-finite answer", True),
        (lambda frame: Action(-200.0 - frame.mean()), "always steers at or beyond its stop", True),
        (lambda frame: by_brightness(frame, 40.0), "steers outside [-1, 1] on", False),
    ],
)
def test_answers_that_cannot_drive_are_named(policy: Policy, said: str, is_bad: bool) -> None:
    (finding,) = check_answers(policy)
    assert said in finding.text
    assert finding.is_bad == is_bad


def test_answers_that_can_drive_are_not() -> None:
    assert check_answers(lambda frame: by_brightness(frame, 1.0)) == []


def test_doctor_does_not_call_an_assumption_all_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small_network()
    model.layers[-1].set_weights([0.02 * weight for weight in model.layers[-1].get_weights()])  # inside [-1, 1]
    path = write_model(model, tmp_path, "h5")
    assert doctor([str(path), "--port", "0"]) == 0
    printed = capsys.readouterr().out
    assert "warn" in printed
    assert "colours are assumed to be RGB" in printed
    assert "all in order" not in printed
    assert doctor([str(path), "--port", "0", "--preprocessing", "raw"]) == 0
    assert f"all in order: python drive/server.py {path} --preprocessing raw" in capsys.readouterr().out


class Eye:
    """Steers by the mean of an image; knows one preprocessing."""

    kind: str = "a test"
    inputs = (TensorSpec("image", (66, 200, 3)),)
    outputs = (TensorSpec("angle", (1,)),)

    def run(self, values: list[Array]) -> list[Array]:
        return [np.array([[self.steer(values[0][0])]], np.float32)]

    @staticmethod
    def steer(image: Array) -> float:
        return float(np.tanh(3 * (image[30:36, :100, 1].mean() - image[30:36, 100:, 1].mean())))


def test_the_preprocessing_that_a_model_learned_with_is_found() -> None:
    right = PreparedImage(parse_preprocessing("crop=60:135,color=yuv,scale=255"), (66, 200, 3))
    frames = list(made_frames(40))
    steering = np.array([Eye.steer(right(frame)[0]) for frame in frames], np.float32)
    tried = calibrate(Eye(), False, frames, steering)  # type: ignore[arg-type]
    assert tried[0].preprocessing.name == "crop=60:135,color=yuv,scale=255"
    assert tried[0].correlation > 0.99
    assert tried[0].correlation > tried[-1].correlation + 0.1
    with pytest.raises(UserError, match="hardly steers"):
        calibrate(Eye(), False, frames, np.zeros(len(frames), np.float32))  # type: ignore[arg-type]
