"""Rows are marked on the data report: what the page shows, and that its file and its command leave out just those."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from simulator_bridge.recording import load_recording
from tests.support.browser import open_page, overflow_px, set_phone
from tests.support.made_recording import make_recording
from tests.support.other_programs.made_tub import make_tub_v1
from tests.support.paths import ROOT
from train.checkup import main
from train.reports.data_issues import find_issues
from train.reports.frame_statistics import measure_frames

PATIENT_S = 60.0
N_ROWS = 60


def write_report(folder: Path) -> Path:
    page = folder.parent / "report.html"
    assert main([str(folder), "--report", str(page)]) == 0
    return page


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A recording with three frozen pictures, line 5 left out before; and its page."""
    folder = make_recording(tmp_path_factory.mktemp("data") / "the lap", N_ROWS)
    images = sorted((folder / "IMG").glob("center_*"))
    for copy in images[13:16]:
        shutil.copy(images[12], copy)
    (folder / "exclude.json").write_text(
        '{"lines": {"driving_log.csv": [5], "other.csv": [[1, 2]]}, "images": ["a.jpg"]}'
    )
    return folder, write_report(folder)


def marked(browser: Chrome) -> list[str]:
    return [item.text.removesuffix(" Keep") for item in browser.find_elements(By.CSS_SELECTOR, ".marked li")]


def offered(browser: Chrome) -> tuple[str, str]:
    """The command and the file."""
    command, file = browser.find_elements(By.CSS_SELECTOR, ".marked code")
    return command.text, file.text


def strip(browser: Chrome) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, ".strip .mark")


def name_lines(browser: Chrome, first: str, last: str) -> None:
    for end, value in (("first", first), ("last", last)):
        entry = browser.find_element(By.CSS_SELECTOR, f"input.{end}")
        entry.clear()
        entry.send_keys(value)
    browser.find_element(By.CSS_SELECTOR, ".named").click()


def test_parts_of_the_strip_are_marked_and_kept(made: tuple[Path, Path], browser: Chrome) -> None:
    open_page(browser, made[1])
    assert len(strip(browser)) == 40
    assert browser.find_elements(By.CSS_SELECTOR, ".marked *") == []
    for number in (10, 11, 20):
        strip(browser)[number].click()
    lines = [part.get_attribute("title") for part in strip(browser)]
    assert lines[10] == "lines 16 to 17"
    assert marked(browser) == ["lines 16-18", "line 31"]
    assert [part.get_attribute("aria-pressed") for part in strip(browser)[9:13]] == ["false", "true", "true", "false"]
    strip(browser)[11].click()
    assert marked(browser) == ["lines 16-17", "line 31"]
    browser.find_element(By.CSS_SELECTOR, ".marked li button").click()
    assert marked(browser) == ["line 31"]
    assert "1 of 59 rows are marked" in browser.find_element(By.CSS_SELECTOR, ".marked").text


def test_named_lines_are_marked_and_wrong_ones_are_refused(made: tuple[Path, Path], browser: Chrome) -> None:
    open_page(browser, made[1])
    name_lines(browser, "40", "30")
    assert "expected lines from 1 to 60" in str(
        browser.find_element(By.CSS_SELECTOR, "input.first").get_attribute("validationMessage")
    )
    assert marked(browser) == []
    name_lines(browser, "50", "99")
    assert marked(browser) == ["lines 50-60"]
    name_lines(browser, "30", "")
    assert marked(browser) == ["line 30", "lines 50-60"]


def test_what_a_chart_shows_is_marked_and_shaded(made: tuple[Path, Path], browser: Chrome) -> None:
    open_page(browser, made[1])
    zoomed = browser.find_element(By.CSS_SELECTOR, ".zoomed")
    assert not zoomed.is_enabled()
    chart = "document.querySelector('.marker').closest('section').querySelector('figure.chart').chart"
    browser.execute_script(f"{chart}.plot.setScale('x', {{ min: 1.95, max: 3.05 }});")
    WebDriverWait(browser, PATIENT_S).until(lambda _: zoomed.is_enabled())
    assert zoomed.text == "Mark what the chart shows: lines 21-31"
    zoomed.click()
    assert marked(browser) == ["lines 21-31"]
    assert browser.execute_script(f"return {chart}.bands;") == [[2, 3]]
    browser.execute_script(f"{chart}.plot.setScale('x', {{ min: 0, max: 5.9 }});")
    WebDriverWait(browser, PATIENT_S).until(lambda _: not zoomed.is_enabled())


def test_an_issue_is_marked_beside_its_picture(made: tuple[Path, Path], browser: Chrome) -> None:
    recording = load_recording(made[0])
    [frozen] = find_issues(recording, measure_frames(recording))
    assert [recording.line[row] for row in frozen.worst[0].to_leave_out] == [14, 16]
    open_page(browser, made[1])
    button = browser.find_element(By.XPATH, "//button[.='Leave out lines 14 to 16']")
    button.click()
    assert marked(browser) == ["lines 14-16"]
    assert button.get_attribute("aria-pressed") == "true"


def test_file_and_command_leave_out_what_was_marked(
    made: tuple[Path, Path], tmp_path: Path, browser: Chrome, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, page = made
    open_page(browser, page)
    name_lines(browser, "50", "60")
    name_lines(browser, "4", "6")
    command, file = offered(browser)

    (tmp_path / "downloads").mkdir()
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path / "downloads")}
    )
    browser.find_element(By.XPATH, "//button[.='Save exclude.json']").click()
    saved = tmp_path / "downloads" / "exclude.json"
    WebDriverWait(browser, PATIENT_S).until(lambda _: saved.is_file() and saved.read_text().endswith("}\n"))
    assert saved.read_text().strip() == file
    assert json.loads(file) == {
        "lines": {"driving_log.csv": [[4, 6], [50, 60]], "other.csv": [[1, 2]]}, "images": ["a.jpg"]
    }  # fmt: skip

    by_file = shutil.copytree(folder, tmp_path / "by file")
    shutil.copy(saved, by_file)
    assert load_recording(by_file).line.tolist() == [*range(1, 4), *range(7, 50)]

    program, script, path, *options = shlex.split(command)
    assert (program, script, path) == ("python", "train/checkup.py", str(folder / "driving_log.csv"))
    assert (ROOT / script).is_file()
    by_command = shutil.copytree(folder, tmp_path / "by command")
    assert main([str(by_command / "driving_log.csv"), *options]) == 0
    assert load_recording(by_command).line.tolist() == load_recording(by_file).line.tolist()
    assert str(folder / "exclude.json") in browser.find_element(By.CSS_SELECTOR, ".marked").text


def test_logs_of_one_folder_share_their_file(tmp_path: Path, browser: Chrome) -> None:
    folder = make_recording(tmp_path / "lap", 24, cameras=("center",))
    lines = (folder / "driving_log.csv").read_text().splitlines(keepends=True)
    (folder / "driving_log.csv").write_text("".join(lines[:12]))
    (folder / "second.csv").write_text("".join(lines[12:]))
    open_page(browser, write_report(folder))
    strips = browser.find_elements(By.CSS_SELECTOR, ".strip")
    for one in strips:
        one.find_elements(By.CSS_SELECTOR, ".mark")[2].click()
    files = [json.loads(code.text) for code in browser.find_elements(By.CSS_SELECTOR, ".marked code")[1::2]]
    assert files == [{"lines": {"driving_log.csv": [[3, 3]], "second.csv": [[3, 3]]}, "images": []}] * 2


def test_a_page_with_marks_fits_a_phone(made: tuple[Path, Path], browser: Chrome) -> None:
    set_phone(browser)
    open_page(browser, made[1])
    name_lines(browser, "10", "20")
    assert overflow_px(browser) == 0


def test_a_list_of_donkeycars_own_is_left_alone(tmp_path: Path) -> None:
    tub = make_tub_v1(tmp_path / "tub", [number / 10 for number in range(1, 9)], first=1)
    (tub / "exclude.json").write_text("[3]")
    assert 'class="marker"' not in write_report(tub).read_text()
