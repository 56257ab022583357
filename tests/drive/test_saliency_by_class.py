from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from drive import saliency as command
from drive.visualization.saliency_by_class import EDGE_NAME, SURFACE_NAME, measure_by_class, regions
from drive.visualization.saliency_table import build_table
from simulator_bridge.errors import UserError
from simulator_bridge.messages import FRAME_SHAPE
from simulator_bridge.simulator.scene.layers import Label
from tests.support.drivable_model import drivable_model
from tests.support.made_recording import make_recording
from tests.support.paths import ROOT

SEEN = slice(56, 136)


def made_labels() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Sky over terrain, with a road 100 px wide in the middle and the hood below."""
    labels = np.full(FRAME_SHAPE[:2], Label.TERRAIN, np.uint8)
    labels[:50] = Label.SKY
    labels[50:, 110:210] = Label.ROAD
    labels[140:, 60:260] = Label.CAR
    return labels


def labelled_recording(folder: Path, n: int = 6) -> Path:
    make_recording(folder, n=n)
    (folder / "LABELS").mkdir()
    for image in folder.glob("IMG/center_*.jpg"):
        cv2.imwrite(str(folder / "LABELS" / f"{image.stem}.png"), made_labels())
    return folder


def test_the_edge_is_where_road_becomes_terrain_and_not_where_the_hood_begins() -> None:
    kinds = regions(made_labels())
    edge = kinds[EDGE_NAME]
    assert edge[80, 107:113].all()
    assert not edge[80, :106].any()
    assert not edge[80, 115:205].any(), "the road's middle"
    assert not edge[137:145, 150:170].any(), "hood on road"
    assert kinds[SURFACE_NAME].sum() == kinds["road"].sum() == 100 * 90


def test_shares_are_of_area_and_of_saliency() -> None:
    labels = made_labels()
    frame = np.zeros(FRAME_SHAPE, np.uint8)
    on_road = np.zeros(FRAME_SHAPE[:2], np.float32)
    on_road[60:80, 150:170] = 0.5
    half = on_road.copy()
    half[60:80, 20:40] = 0.5
    nothing = np.zeros_like(on_road)
    shares = measure_by_class([(frame, on_road, labels), (frame, half, labels), (frame, nothing, labels)], SEEN)
    assert shares["road"].saliency == pytest.approx(0.75)
    assert shares["terrain"].saliency == pytest.approx(0.25)
    assert shares["road"].seen == pytest.approx(100 / 320)
    assert shares["road"].times == pytest.approx(0.75 * 3.2)
    assert shares["sky"].frame == pytest.approx(50 / 160)
    assert shares["road"].detail == pytest.approx(100 / 320), "a flat frame has its detail nowhere"
    assert np.isnan(shares["sky"].times)
    assert sum(share.saliency for name, share in shares.items() if "," not in name) == pytest.approx(1)


def test_detail_is_the_share_that_needs_no_model() -> None:
    frame = np.full(FRAME_SHAPE, 100, np.uint8)
    frame[90:94, 10:90] = 255  # a line on the terrain
    saliency = np.ones(FRAME_SHAPE[:2], np.float32)
    assert measure_by_class([(frame, saliency, made_labels())], SEEN)["terrain"].detail > 0.99


def test_a_model_that_steers_always_the_same_has_no_shares() -> None:
    with pytest.raises(UserError, match="steers always the same"):
        measure_by_class(
            [(np.zeros(FRAME_SHAPE, np.uint8), np.zeros(FRAME_SHAPE[:2], np.float32), made_labels())], SEEN
        )


def test_table_fits_80_columns_and_leaves_out_what_is_not_seen() -> None:
    on_road = np.zeros(FRAME_SHAPE[:2], np.float32)
    on_road[60:80, 150:170] = 1
    table = build_table(measure_by_class([(np.zeros(FRAME_SHAPE, np.uint8), on_road, made_labels())], SEEN), 1)
    assert max(map(len, table.splitlines())) <= 80
    lines = table.splitlines()
    assert lines[0].startswith("1 frames")
    assert lines[5].split() == ["road", "17.6", "31.2", "31.2", "100.0", "3.20"]
    assert not [line for line in lines[:-4] if line.startswith(("sky", "water"))]


def test_command_prints_the_table_and_writes_picture_and_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = labelled_recording(tmp_path / "rec")
    sheet, numbers = tmp_path / "sheet.png", tmp_path / "numbers.json"
    flags = ["--frames", "4", "--sheet", str(sheet), "--json", str(numbers)]
    assert command.main([str(drivable_model()), str(recording), *flags]) == 0
    out = capsys.readouterr().out
    assert "4 frames" in out
    assert EDGE_NAME in out
    shares = json.loads(numbers.read_text())["shares"]
    assert shares["terrain"]["saliency"] + shares["road"]["saliency"] == pytest.approx(1)
    assert shares["sky"]["times"] is None
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape == (18 + 160, 4 * 320, 3)


def test_a_recording_without_classes_gives_the_picture_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording, sheet = make_recording(tmp_path / "rec", n=5), tmp_path / "sheet.png"
    assert command.main([str(drivable_model()), str(recording)]) == 1
    assert "--labels" in capsys.readouterr().err
    assert command.main([str(drivable_model()), str(recording), "--sheet", str(sheet), "--sheet-frames", "2"]) == 0
    assert sheet.is_file()
    assert "frame %" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"no picture"),
        lambda path: path.write_bytes(b""),
        lambda path: cv2.imwrite(str(path), np.full(FRAME_SHAPE[:2], 200, np.uint8)),
    ],
    ids=["missing", "damaged", "empty", "other values"],
)
def test_classes_that_cannot_be_read_are_named(
    spoil: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = labelled_recording(tmp_path / "rec", n=1)
    path = next((recording / "LABELS").iterdir())
    assert callable(spoil)
    spoil(path)
    assert command.main([str(drivable_model()), str(recording)]) == 1
    assert path.name in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--frames", "0"], ["--sheet", "sheet.gif"]], ids=["no frames", "other picture"])
def test_wrong_flags_end_with_2(flags: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(["model.h5", "rec", *flags])
    assert end.value.code == 2


def test_no_folder_for_a_result_is_said_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["none.h5", "none", "--json", "nowhere/numbers.json"]) == 1
    assert "--json nowhere/numbers.json: the folder nowhere does not exist" in capsys.readouterr().err


def test_script_runs_from_any_folder(tmp_path: Path) -> None:
    script = ROOT / "drive" / "saliency.py"
    result = subprocess.run(
        [sys.executable, script, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "what moves a model's steering" in result.stdout
