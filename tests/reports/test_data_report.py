"""The data report: issues are found, what is drawn is bounded, and the page opens in a browser."""

from __future__ import annotations

import datetime
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from simulator_bridge.messages import FRAME_SHAPE, Frame
from simulator_bridge.recording import load_recording, read_frame
from simulator_bridge.recording.row_runs import runs_of
from tests.support.browser import open_page, overflow_px, requested_urls, set_media, set_phone
from tests.support.made_recording import START, jpeg, make_recording
from train.checkup import main
from train.reports.damaged_images import find_damaged_images
from train.reports.data_issues import find_issues
from train.reports.data_recording import play_recording
from train.reports.frame_pictures import frame_and_damage, steering_text
from train.reports.frame_statistics import measure_frames
from train.reports.recording_names import recording_names
from train.reports.timeline import MAX_POINTS, downsample, summarise_episodes, time_axis_of


def center_images(folder: Path) -> list[Path]:
    return sorted((folder / "IMG").glob("center_*"))


def grey(level: int) -> Frame:
    return np.full(FRAME_SHAPE, level, np.uint8)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes of 40 and 20 rows: a jump, a frozen stretch, a black, a white, a grey and two broken images."""
    folder = tmp_path_factory.mktemp("data") / "lap"
    labels = [0.3 * np.sin(i / 4) for i in range(40)]
    labels[8] = 0.9
    make_recording(folder, 40, labels)
    make_recording(folder, 20, [0.0] * 20, start=START + datetime.timedelta(seconds=30), seed=1)
    images = center_images(folder)
    for copy in images[13:16]:
        shutil.copy(images[12], copy)
    for image, level in ((images[20], 4), (images[24], 252), (images[28], 128)):
        image.write_bytes(jpeg(grey(level)))
    images[50].write_bytes(images[50].read_bytes()[:4000])
    images[55].write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def page(troubled: Path) -> Path:
    path = troubled.parent / "report.html"
    assert main([str(troubled), "--report", str(path)]) == 0
    return path


def test_each_issue_names_its_rows(troubled: Path) -> None:
    recording = load_recording(troubled)
    found = {issue.kind: issue for issue in find_issues(recording, measure_frames(recording))}

    assert set(found) == {
        "label jumps", "frozen pictures", "dark pictures", "overexposed pictures", "flat pictures"
    }  # fmt: skip
    assert [example.rows for example in found["label jumps"].worst] == [(8, 9), (7, 8)]
    assert found["frozen pictures"].n_rows == 3
    assert [example.rows for example in found["frozen pictures"].worst] == [(12, 15)]
    assert [example.rows for example in found["dark pictures"].worst] == [(20,)]
    assert [example.rows for example in found["overexposed pictures"].worst] == [(24,)]
    assert [example.rows for example in found["flat pictures"].worst] == [(28,)]


def test_a_good_recording_has_no_issue(tmp_path: Path) -> None:
    recording = load_recording(make_recording(tmp_path, 30))
    assert find_issues(recording, measure_frames(recording)) == []


def test_a_picture_that_stands_still_with_the_car_is_not_frozen(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, 6)
    for copy in center_images(folder)[1:]:
        shutil.copy(center_images(folder)[0], copy)
    log = folder / "driving_log.csv"
    log.write_text(re.sub(r",[\d.]+$", ",0", log.read_text(), flags=re.MULTILINE))
    recording = load_recording(folder)
    assert recording.speed_mph.max() == 0
    assert find_issues(recording, measure_frames(recording)) == []


def test_a_jump_between_rows_far_apart_is_a_turned_wheel(tmp_path: Path) -> None:
    slow, quick = (
        load_recording(make_recording(tmp_path / str(rate), 6, [0, 0, 0.8, 0.8, 0.8, 0.8], rate_hz=rate))
        for rate in (2, 10)
    )
    assert [s.kind for s in find_issues(quick, measure_frames(quick))] == ["label jumps"]
    assert find_issues(slow, measure_frames(slow)) == []


def test_damaged_images_are_named_and_what_is_left_of_them_is_shown(troubled: Path) -> None:
    truncated, empty = find_damaged_images(load_recording(troubled), 6)

    assert (truncated.line, truncated.reason) == (51, "truncated image")
    assert (empty.line, empty.reason) == (56, "empty image")
    rest, reason = frame_and_damage(Path(truncated.path))
    assert reason == "truncated image"
    whole = read_frame(center_images(troubled)[51])
    assert np.abs(rest[:20].astype(int) - whole[:20]).mean() < 10  # the sky is the same, and it is there
    crossed, reason = frame_and_damage(Path(empty.path))
    assert reason == "empty image"
    assert crossed.std() > 0


def test_long_lines_keep_their_peaks_and_breaks_and_few_points() -> None:
    n = 100_000
    y = np.sin(np.arange(n) / 50)
    y[60_001] = 7.0
    x, thin = downsample(np.arange(n, dtype=float), y, (np.arange(n) // 25_000).astype(np.int32))

    assert len(x) <= MAX_POINTS + 3
    assert np.nanmax(thin) == 7
    assert x[np.nanargmax(thin)] == 60_001
    assert int(np.isnan(thin).sum()) == 3
    assert (np.diff(x) >= 0).all()


def test_short_lines_stay_as_they_are() -> None:
    y = np.array([1.0, 5.0, 2.0])
    x, thin = downsample(np.arange(3.0), y, np.zeros(3, np.int32))
    assert x.tolist() == [0, 1, 2]
    assert thin.tolist() == y.tolist()


def test_a_long_gap_is_shortened_a_short_one_is_not(tmp_path: Path) -> None:
    for name, pause_s in (("short", 4), ("long", 3600)):
        make_recording(tmp_path / name, 40)
        make_recording(tmp_path / name, 40, start=START + datetime.timedelta(seconds=4 + pause_s))
    short, long = (load_recording(tmp_path / name) for name in ("short", "long"))

    assert time_axis_of(short).x[-1] == pytest.approx(11.9, abs=0.01)
    assert time_axis_of(long).x[-1] == pytest.approx(3.9 + 1 + 3.9, abs=0.01)
    assert "shortened" in time_axis_of(long).label
    first, second = summarise_episodes(long, time_axis_of(long))
    assert (first.n_rows, first.gap_before_s) == (40, None)
    assert second.gap_before_s == pytest.approx(3600.1, abs=0.01)
    assert second.first_line == 41


def test_runs_and_names_and_words(tmp_path: Path) -> None:
    assert runs_of(np.array([True, True, False, True])) == [range(2), range(3, 4)]
    recordings = [load_recording(make_recording(tmp_path / name, 2)) for name in ("a/lap", "b/lap")]
    assert recording_names(recordings) == ["a/lap", "b/lap"]
    assert recording_names(recordings[:1]) == ["lap"]
    assert steering_text(0.5) == "+0.50 (12.5\N{DEGREE SIGN} right)"
    assert steering_text(-0.0001) == "+0.00 (straight)"


def test_page_tells_what_was_found_and_stays_small(page: Path) -> None:
    html = page.read_text()
    for expected in (
        "60 rows of 1 recording can be used for training, 0 are left out.",
        "2 rows have no center image that can be used",
        "Label jumps: 2 rows",
        "Frozen pictures: 3 rows",
        "truncated image",
        "2 episodes",
        "What the camera saw: every frame",
        "right camera: label",
        "mirrored",
    ):
        assert expected in html, expected
    assert len(html) < 3e6


def test_page_opens_in_a_browser_and_its_lines_can_be_toggled(page: Path, browser: Chrome) -> None:
    open_page(browser, page)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".plot canvas")) >= 4
    widths = "return [...document.querySelectorAll(arguments[0])].map(image => image.naturalWidth);"
    images = browser.execute_script(widths, ".picture img")
    assert len(images) > 30
    assert min(images) >= FRAME_SHAPE[1]
    assert set(browser.execute_script(widths, ".strip img")) == {FRAME_SHAPE[1] // 2}
    button = browser.find_element(By.XPATH, "//button[contains(., 'after balancing')]")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert requested_urls(browser) == []


def test_the_player_shows_the_frames_of_its_recording_and_marks_both_timelines(page: Path, browser: Chrome) -> None:
    open_page(browser, page)
    figure = browser.find_element(By.CSS_SELECTOR, ".player")
    browser.execute_script("arguments[0].player.show(8)", figure)
    caption = figure.find_element(By.CSS_SELECTOR, ".player-caption").text
    assert caption.startswith("line 9 \N{MIDDLE DOT} +0.90 (22.5\N{DEGREE SIGN} right) \N{MIDDLE DOT} ")
    assert caption.endswith(" mph")
    assert figure.find_element(By.TAG_NAME, "img").get_property("naturalWidth") == 240
    assert len(browser.find_elements(By.CSS_SELECTOR, ".player-mark")) == 2


def test_of_a_long_recording_the_player_has_frames_at_even_steps(tmp_path: Path) -> None:
    recording = load_recording(make_recording(tmp_path, 30))
    html = play_recording(recording, time_axis_of(recording), 4)
    assert "4 of 30 frames, evenly" in html
    assert re.findall(r'"line (\d+) ', html) == ["1", "11", "20", "30"]
    assert "every frame" in play_recording(recording, time_axis_of(recording), 400)


@pytest.mark.parametrize("dark", [False, True])
def test_page_fits_a_phone(page: Path, browser: Chrome, dark: bool) -> None:
    set_phone(browser)
    set_media(browser, dark=dark)
    open_page(browser, page)
    assert overflow_px(browser) == 0


def test_nothing_usable_is_a_page_that_says_so(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "lap", 4)
    shutil.rmtree(folder / "IMG")
    report = tmp_path / "report.html"
    assert main([str(folder), "--report", str(report)]) == 1
    assert "Nothing here can be used" in report.read_text()


def test_one_camera_no_speed_no_time(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "lap", 12, cameras=("center",))
    for number, image in enumerate(center_images(folder)):
        image.rename(folder / "IMG" / f"{number}.jpg")
    rows = "".join(f"{number}.jpg,{(number - 6) / 10}\n" for number in range(12))
    (folder / "driving_log.csv").write_text("center,steering\n" + rows)
    report = tmp_path / "report.html"
    assert main([str(folder), "--report", str(report)]) == 0
    html = report.read_text()
    for expected in ("No recording has a speed", "No recording has side cameras", "the recording has no time stamps"):
        assert expected in html


def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--report", str(tmp_path / "no" / "report.html")]) == 1
    assert "does not exist" in capsys.readouterr().err
