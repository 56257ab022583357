"""What cannot be learned is said, before a training and after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.recording import Recording, load_recording
from tests.support.made_recording import make_recording
from train.data.learnability import find_flaws
from train.validation.metrics import Score
from train.validation.verdict import verdict_on

WINDING = (0.3 * np.sin(np.arange(60) / 5)).astype(np.float32)


def recorded(folder: Path, steering: object = None, rate_hz: float = 10, speed: str = "15") -> Recording:
    make_recording(folder, 60, WINDING if steering is None else steering, rate_hz=rate_hz, cameras=("center",))  # type: ignore[arg-type]
    log = folder / "driving_log.csv"
    throttle = "0" if float(speed) == 0 else "0.3"
    rows = [line.rsplit(",", 3)[0] for line in log.read_text().splitlines()]
    log.write_text("\n".join(f"{row},{throttle},0,{speed}" for row in rows))
    return load_recording(folder)


@pytest.mark.parametrize(
    ("how", "words", "is_fatal"),
    [
        ({}, None, False),
        ({"steering": [0.0] * 60}, "the steering is always 0: nothing to learn", True),
        ({"steering": [0.25] * 60}, "the steering is always 0.25: nothing to learn", True),
        ({"steering": np.abs(WINDING)}, "no bend to the left: 0 of 60 rows", False),
        ({"steering": -np.abs(WINDING)}, "no bend to the right: 0 of 60 rows", False),
        ({"rate_hz": 2}, "2.0 rows/s, fewer than 5", False),
        ({"rate_hz": 0.5}, "0.5 rows/s, fewer than 5", False),
        ({"speed": "0"}, "the car stands in all 60 rows: nothing to learn", True),
    ],
)
def test_flaws(how: dict[str, object], words: str | None, is_fatal: bool, tmp_path: Path) -> None:
    flaws = find_flaws(recorded(tmp_path, **how))  # type: ignore[arg-type]
    if words is None:
        assert flaws == []
    else:
        [flaw] = flaws
        assert words in flaw.words
        assert flaw.is_fatal == is_fatal


def score(mse: float) -> Score:
    return Score(mse, 0.1, 0.5)


@pytest.mark.parametrize(
    ("model", "trained_on", "verdict"),
    [
        (0.001, WINDING, "learned to steer, better than all"),
        (0.02, WINDING, "less than ridge"),
        (0.08, WINDING, "nothing learned"),
        (0.001, np.full(60, 0.25, np.float32), "nothing to learn: the steering of all 60 rows is 0.25"),
    ],
)
def test_the_verdict_on_a_training(model: float, trained_on: np.ndarray, verdict: str) -> None:
    baselines = {"always zero": score(0.045), "ridge": score(0.01)}
    assert verdict in verdict_on(score(model), baselines, trained_on, WINDING)


def test_a_model_must_beat_the_mean_of_a_driver_who_always_steers_to_one_side() -> None:
    bent = WINDING + np.float32(0.5)
    assert "nothing learned" in verdict_on(score(0.05), {"always zero": score(0.3)}, bent, bent)
