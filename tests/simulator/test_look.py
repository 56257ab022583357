from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge import look
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from simulator_bridge.simulator.run.contact_sheet import CAPTION_PX, COLUMNS, LABEL_COLORS, color_labels
from simulator_bridge.simulator.scene.layers import Label
from simulator_bridge.track import build_track
from tests.support.made_recording import make_recording
from tests.support.paths import ROOT


def read(path: Path) -> npt.NDArray[np.uint8]:
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture[..., ::-1].astype(np.uint8)


def test_picture_has_a_strip_of_frames_one_of_classes_and_one_of_the_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = make_recording(tmp_path / "rec", n=12)
    out = tmp_path / "sheet.png"
    argv = ["--track", "random:3", "--beside", str(recording), "--labels", "--frames", "5", str(out)]
    assert look.main(argv) == 0
    assert capsys.readouterr().out.strip() == str(out)
    picture = read(out)
    strip = CAPTION_PX + 2 * FRAME_HEIGHT_PX  # five pictures in rows of four
    assert picture.shape == (3 * strip, COLUMNS * FRAME_WIDTH_PX, 3)
    classes = picture[strip + CAPTION_PX :][:FRAME_HEIGHT_PX, :FRAME_WIDTH_PX].reshape(-1, 3)
    known = set(LABEL_COLORS.values())
    assert {tuple(color) for color in np.unique(classes, axis=0).tolist()} <= known
    recorded = picture[2 * strip + CAPTION_PX :][:FRAME_HEIGHT_PX, :FRAME_WIDTH_PX]
    first = read(sorted((tmp_path / "rec").rglob("center*.jpg"))[0])
    assert np.abs(recorded.astype(int) - first).max() <= 1


def test_without_a_recording_there_is_one_strip(tmp_path: Path) -> None:
    assert look.main(["--track", "random:3", "--frames", "2", str(tmp_path / "sheet.jpg")]) == 0
    assert read(tmp_path / "sheet.jpg").shape == (CAPTION_PX + FRAME_HEIGHT_PX, COLUMNS * FRAME_WIDTH_PX, 3)


def test_every_class_has_a_colour_of_its_own() -> None:
    assert set(LABEL_COLORS) == set(Label)
    assert len(set(LABEL_COLORS.values())) == len(Label)
    ids = np.array([[int(Label.KERB), int(Label.SKY)]], np.uint8)
    assert [tuple(color) for color in color_labels(ids)[0].tolist()] == [
        LABEL_COLORS[Label.KERB],
        LABEL_COLORS[Label.SKY],
    ]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--beside", "nowhere", "out.png"], "nowhere"),
        (["nowhere/out.png"], "OUT nowhere/out.png: the folder nowhere does not exist"),
        (["--track", "moon.csv", "out.png"], "moon.csv: no such track file"),
    ],
    ids=["no recording", "no folder", "no track file"],
)
def test_what_is_missing_is_one_line(
    argv: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert look.main(argv) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "argv",
    [["out.gif"], ["--frames", "0", "out.png"], ["--seed", "-1", "out.png"], ["--track", "moon", "out.png"], []],
    ids=str,
)
def test_wrong_command_line_is_exit_code_2(argv: list[str]) -> None:
    command = [sys.executable, str(ROOT / "simulator_bridge" / "look.py"), *argv]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("usage:")


@pytest.mark.parametrize("spec", ["lake", "jungle"])
def test_the_numbers_of_a_track_drive_again(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "road.csv"
    assert look.main(["--track", spec, "--csv", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    track, again = build_track(spec), build_track(str(out))
    beyond_m = track.paint.paved_beyond_m
    assert again.length_m == pytest.approx(track.length_m, abs=6)
    assert again.width_left.mean() == pytest.approx(track.width_left.mean() + beyond_m, abs=0.01)
    assert again.features.overpass.sum() == track.features.overpass.sum()
    for index in range(0, len(track), 25):
        x, y = track.xy[index]
        location = again.locate(x, y, z=float(track.z[index]))
        assert abs(location.cte) < 0.1
        assert again.z[location.index] == pytest.approx(track.z[index], abs=0.4)


def test_without_a_picture_and_without_numbers_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        look.main(["--track", "lake"])
    assert ended.value.code == 2
    assert "expected OUT, the picture to write, or --csv FILE" in capsys.readouterr().err
