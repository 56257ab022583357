"""What cannot be learned is said, before a training and after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.recording import Recording, load_recording
from tests.support.made_recording import make_recording
from train.data.learnability import find_flaws, why_nothing_to_learn
from train.validation.metrics import Score
from train.validation.verdict import verdict_of

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


@pytest.mark.parametrize(
    ("trained_on", "validated_on", "words"),
    [
        (np.full(60, 0.25), WINDING, "the steering of all 60 rows to train on is 0.25"),
        (WINDING, np.zeros(20), "the steering of all 20 validation rows is 0"),
        (WINDING, WINDING, ""),
    ],
)
def test_a_training_on_rows_that_teach_nothing_ends_with_that_verdict(
    trained_on: np.ndarray, validated_on: np.ndarray, words: str
) -> None:
    reason = why_nothing_to_learn(trained_on.astype(np.float32), validated_on.astype(np.float32))
    assert reason == words
    verdict = verdict_of(Score(0.001, 0.1, 0.5), {"always zero": Score(0.3, 0.1, 0.0)}, reason)
    assert verdict.is_good == (not words)
    assert words in verdict.text
