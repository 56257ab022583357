"""`clone.py --predict steering,segmentation`, and what shows it: films and the training report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from drive import video
from models.model_file import load_model_file
from models.segmentation import load_segmenter
from simulator_bridge.messages import FRAME_SHAPE
from tests.support.drivable_model import drivable_model
from tests.support.made_recording import make_recording
from train import clone


def test_it_is_trained_reported_and_filmed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording, model = make_recording(tmp_path / "rec", n=80, cameras=("center",)), tmp_path / "model.h5"
    page, film, cache = tmp_path / "training.html", tmp_path / "film.mp4", tmp_path / "cache"
    arguments = ["--predict", "steering,segmentation", "--report", page, "--feature-cache", cache, "--quiet"]
    assert clone.main([str(each) for each in (recording, "--output", model, *arguments)]) == 0
    file = load_model_file(model)
    assert "segmentation" not in json.dumps(file.metadata["outputs"])  # it is none of the answers
    assert load_segmenter(model)(np.zeros(FRAME_SHAPE, np.uint8)).shape == FRAME_SHAPE[:2]
    assert "Then what it sees" in page.read_text()

    assert video.main([str(recording), str(film), "--model", str(model), "--segmentation", "--seconds", "0.5"]) == 0
    assert film.stat().st_size > 0
    assert "pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--arch", "pilotnet"], "--predict segmentation goes with a network that was taught to tell road from land"),
        (["--regime", "head"], "--predict segmentation goes with"),
    ],
)
def test_other_networks_have_none(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = make_recording(tmp_path / "rec", n=10, cameras=("center",))
    model = tmp_path / "model.h5"
    with pytest.raises(SystemExit) as end:
        clone.main([str(recording), "--output", str(model), "--predict", "steering,segmentation", *options])
    assert end.value.code == 2
    assert said in capsys.readouterr().err
    assert not model.exists()


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--segmentation"], 2, "name the model with --model"),
        (["--segmentation", "--saliency", "--model", "MODEL"], 2, "do not go together"),
        (["--segmentation", "--model", "MODEL"], 1, "has no segmentation; train it with --predict"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    flags: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording, film = make_recording(tmp_path / "rec", n=10, cameras=("center",)), tmp_path / "film.mp4"
    arguments = [str(drivable_model()) if flag == "MODEL" else flag for flag in flags]
    if code == 2:
        with pytest.raises(SystemExit) as end:
            video.main([str(recording), str(film), *arguments])
        assert end.value.code == code
    else:
        assert video.main([str(recording), str(film), *arguments]) == code
    assert said in capsys.readouterr().err
    assert not film.exists()
