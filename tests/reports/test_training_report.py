"""The training report: what it concludes follows from the numbers, and the page of a real training opens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from models.policy import Action
from simulator_bridge.messages import Frame
from simulator_bridge.pages.document import Section
from simulator_bridge.placement.placement import Placement
from simulator_bridge.placement.placement_file import digest_of, save_placement
from simulator_bridge.placement.placing import build_tracks
from simulator_bridge.recording import load_recording
from tests.support.browser import open_page, overflow_px, requested_urls, set_media, set_phone
from tests.support.made_recording import make_recording
from tests.support.made_training_result import RESULT
from tests.support.paths import ROOT
from train.data.image_store import FrameReader
from train.data.rows import Rows, gather_rows
from train.reports.predictions import MAX_ROWS, Predictions, predict_rows
from train.reports.training_curves import curves_section
from train.reports.training_errors import timeline_section
from train.reports.training_frames import _worst
from train.reports.training_road import measure_stretches, road_section
from train.reports.training_scatter import scatter_section
from train.training_result import TrainingResult
from train.validation.metrics import Score

CLONE = ROOT / "train" / "clone.py"
DEADLINE_S = 240  # a loaded machine; nothing waits for it to pass


def with_losses(*losses: float) -> TrainingResult:
    history = [
        {"epoch": n, "loss": 2 * loss, "val_loss": loss, "val_r1s": 0.5, "learning_rate": 1e-3}
        for n, loss in enumerate(losses, start=1)
    ]
    return replace(RESULT, history=history, epochs_done=len(losses), best_epoch=int(np.argmin(losses)) + 1)


def test_a_head_that_was_solved_has_no_curves() -> None:
    section = curves_section(replace(with_losses(0.02), regime="ridge"))
    assert "solved at once" in section.intro
    assert "by epoch" not in text_of(section)
    assert "0.02000 on the validation rows" in text_of(section)


def predictions(recorded: Any, predicted: Any, block: Any = None) -> Predictions:
    n = len(recorded)
    return Predictions(
        np.arange(n),
        np.asarray(recorded, np.float64),
        np.asarray(predicted, np.float64),
        np.zeros(n, np.int32) if block is None else np.asarray(block, np.int32),
        np.arange(n) / 10,
    )


def text_of(section: Section) -> str:
    """What a reader reads, without the markup."""
    return re.sub(r"<[^>]*>", " ", " ".join(map(str, section.blocks)))


def test_errors_along_the_road_are_those_of_the_placed_rows(tmp_path: Path) -> None:
    make_recording(tmp_path, n=40)
    recording = load_recording(tmp_path, "listed")
    rows = gather_rows([load_recording(tmp_path)], ["steering_angle"])
    made = predictions(np.zeros(40), np.where(np.arange(40) < 20, 0.04, -0.2))
    assert "place.py" in text_of(road_section(rows, made))
    s_m = np.where(np.arange(40) < 20, 110.0, 160.0) + 0.1 * np.arange(40)
    s_m[-3:] = np.nan
    place = Placement(
        "lake", 1137.7, np.zeros(40, bool), s_m, 0 * s_m, 0 * s_m, np.ones(40), recording.line, recording.episode
    )
    assert save_placement(recording, place, digest_of(recording, build_tracks()))
    first, second = measure_stretches(rows, made)
    assert (first.from_m, first.n_rows, second.from_m, second.n_rows) == (100.0, 20, 150.0, 17)
    assert (first.mae_deg, first.bias_deg) == pytest.approx((1.0, 1.0))
    assert (second.mae_deg, second.bias_deg) == pytest.approx((5.0, -5.0))
    text = text_of(road_section(rows, made))
    assert text.index("150") < text.index("100"), "the worst comes first"
    assert second.place in text


@pytest.mark.parametrize(
    ("losses", "said", "tone"),
    [
        ((0.05, 0.04, 0.03), "still falling", "warning"),
        ((0.05, 0.02, 0.03, 0.04), "overfits the training rows", "warning"),
        ((0.05, 0.0201, 0.02, 0.0201), "levelled off", "good"),
        ((0.05, 0.04), "show no trend", "plain"),
    ],
)
def test_the_curves_say_whether_more_epochs_would_help_in_the_colour_of_it(
    losses: tuple[float, ...], said: str, tone: str
) -> None:
    section = curves_section(with_losses(*losses))
    assert said in text_of(section)
    assert f'class="note {tone}"' in str(section.blocks[0])


def test_epochs_without_an_r1s_are_no_chart_but_the_reason() -> None:
    sparse = replace(with_losses(0.05, 0.04), model=Score(0.01, 0.05, float("nan"), "too sparse: below 5 rows/s"))
    for epoch in sparse.history:
        epoch["val_r1s"] = float("nan")  # type: ignore[index]
    assert "No r1s by epoch: too sparse: below 5 rows/s." in text_of(curves_section(sparse))
    assert "r1s by epoch: 1 is" in " ".join(map(str, curves_section(with_losses(0.05, 0.04)).blocks))


def test_one_epoch_is_enough_for_a_page_and_no_trend() -> None:
    text = text_of(curves_section(with_losses(0.05)))
    assert "Best epoch 1 of 1" in text
    assert "no trend" in text
    assert "levelled off" not in text


def test_errors_by_steering_name_slope_and_bias() -> None:
    recorded = np.linspace(-0.4, 0.4, 81)
    section = text_of(scatter_section(predictions(recorded, 0.5 * recorded + 0.04)))
    assert "steers 50 % as far" in section
    assert "1.00\N{DEGREE SIGN} too far to the right" in section
    assert "oversteers" in text_of(scatter_section(predictions(recorded, 1.5 * recorded)))


def test_a_constant_label_has_no_slope_and_breaks_nothing() -> None:
    section = text_of(scatter_section(predictions([0.0] * 5, [0.1] * 5)))
    assert "one steering only" in section
    assert "nan" not in section


def test_worst_frames_are_a_second_apart_unless_in_other_blocks() -> None:
    error = np.zeros(60)
    error[[10, 11, 12, 25, 40]] = [0.5, 0.9, 0.7, 0.6, 0.8]
    block = np.repeat([0, 1], 30)
    seen = predictions(np.zeros(60), error, block)
    assert _worst(seen)[:3] == [11, 40, 25]
    assert not {10, 12} & set(_worst(seen))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("lake"), 100, cameras=("center",))


@pytest.fixture
def rows(recording: Path) -> Rows:
    return gather_rows([load_recording(recording)], ("steering_angle",))


def brightness(frame: Frame) -> Action:
    return Action(steering_angle=float(frame.mean()))


def test_predictions_skip_broken_images_and_know_their_blocks(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, 30)
    rows = gather_rows([load_recording(folder)], ("steering_angle",))
    sorted((folder / "IMG").glob("center_*"))[6].write_bytes(b"")
    validation_set = np.array([5, 6, 7, 20, 21, 22])
    done: list[int] = []
    seen = predict_rows(brightness, rows, validation_set, FrameReader(), done.append)

    assert seen.row.tolist() == [5, 7, 20, 21, 22]
    assert seen.predicted.tolist() == [1.0] * 5  # clipped
    np.testing.assert_allclose(seen.recorded, rows.steering_angle[seen.row])
    assert done == [6]
    assert len(set(seen.block[2:].tolist())) == 1
    assert seen.block[1] != seen.block[2]
    assert seen.time_s[-1] - seen.time_s[2] == pytest.approx(0.2, abs=0.01)
    assert seen.time_s[2] - seen.time_s[1] == pytest.approx(2.0)


def test_the_timeline_has_a_chart_for_each_recording(tmp_path: Path) -> None:
    folders = [make_recording(tmp_path / name, 20, seed=n) for n, name in enumerate(("one", "two"))]
    rows = gather_rows([load_recording(folder) for folder in folders], ("steering_angle",))
    seen = predict_rows(brightness, rows, np.arange(5, 35), FrameReader())
    section = timeline_section(rows, seen)
    charts = [json.loads(data) for data in re.findall(r"json\">(.*?)</script>", " ".join(map(str, section.blocks)))]

    assert [chart["title"].split(":")[0] for chart in charts] == ["one", "two"]
    assert [len(line["y"]) for line in charts[0]["lines"]] == [15, 15]
    assert charts[1]["xs"][0][0] == 0  # each recording begins at 0 s


def test_of_very_many_rows_a_spread_is_predicted(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.reports.predictions.MAX_ROWS", 15)
    seen = predict_rows(brightness, rows, np.arange(100), FrameReader())
    assert len(seen) == 15
    assert (seen.row[0], seen.row[-1]) == (0, 99)
    assert len(set(seen.block.tolist())) == 1
    assert MAX_ROWS > 1000


@pytest.fixture(scope="module")
def page(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    command = [sys.executable, str(CLONE), str(recording), "--output", str(folder / "model.h5"), "--epochs", "2"]
    command += ["--arch", "pilotnet"]
    command += ["--batch-size", "32", "--guard-s", "0.5", "--epoch-samples", "1", "--report", str(folder / "page.html")]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE_S, check=False, cwd=os.environ.get("TMPDIR", "/tmp")
    )
    assert ended.returncode == 0, ended.stderr
    assert "page.html" in ended.stderr
    return folder / "page.html"


def test_the_page_is_there_while_the_training_goes_on_and_keeps_up(recording: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command = [sys.executable, str(CLONE), str(recording), "--output", str(tmp_path / "model.h5"), "--epochs", "500"]
    command += ["--arch", "pilotnet", "--batch-size", "32", "--guard-s", "0.5", "--epoch-samples", "1"]
    command += ["--patience", "500"]
    with subprocess.Popen([*command, "--report", str(page)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = next(line for line in process.stderr if line.startswith("epoch   2/500"))
        process.kill()
        process.stderr.read()
    assert said
    html = page.read_text()
    assert "Under way, epoch " in html
    assert "of 500 is done" in html
    assert '<meta http-equiv="refresh" content="5">' in html
    assert "Loss by epoch" in html


def test_page_holds_every_part(page: Path) -> None:
    html = page.read_text()
    assert 'http-equiv="refresh"' not in html
    for expected in (
        "always zero",
        "ridge",
        "Loss by epoch",
        "validation rows",
        "what moves the model",
        "conv1",
        "Conv2D",
    ):
        assert expected in html, expected
    for setting in ("near_zero_share", "guard_s", "epoch_samples"):
        assert f">{setting}<" in html
    assert html.index(">epochs<") < html.index(">alpha<")  # what was changed stands first
    assert len(html) < 3e6


def test_page_opens_in_a_browser_and_a_line_can_be_toggled(page: Path, browser: Chrome) -> None:
    open_page(browser, page)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".plot canvas")) >= 4
    button = browser.find_element(By.XPATH, "//button[contains(., 'predicted')]")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    widths = browser.execute_script("return [...document.images].map(image => image.naturalWidth);")
    assert len(widths) >= 4
    assert min(widths) > 600  # frame and saliency side by side
    assert requested_urls(browser) == []


@pytest.mark.parametrize("dark", [False, True])
def test_page_fits_a_phone(page: Path, browser: Chrome, dark: bool) -> None:
    set_phone(browser)
    set_media(browser, dark=dark)
    open_page(browser, page)
    assert overflow_px(browser) == 0
