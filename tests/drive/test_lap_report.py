"""The page of driven laps, from a real drive, opened in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drive.evaluation.lap_config import LapJob, LapsConfig
from drive.evaluation.lap_report import build_lap_report
from drive.evaluation.lap_runs import LapResult
from drive.evaluation.track_map import COLORS, draw_map
from drive.laps import main
from simulator_bridge.simulator.judge.drive_report import Rollout
from simulator_bridge.track import Track, build_track
from tests.support.browser import open_page, overflow_px, requested_urls, set_phone
from tests.support.driving.small_track import write_oval

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

JOB = LapJob("lake", reverse=False, latency_ms=0.0, seed=0)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two drives of the car that never steers."""
    folder = tmp_path_factory.mktemp("laps")
    oval = write_oval(folder / "oval.csv")
    flags = ["--policy", "zero", "--track", str(oval), "--seeds", "2", "--laps", "1", "--max-interventions", "2"]
    assert main([*flags, "--report", str(folder / "laps.html")]) == 1
    return folder / "laps.html"


@pytest.fixture(scope="module")
def track() -> Track:
    return build_track("lake")


def rollout_at(track: Track, cte: list[float], intervention_at: int | None = None) -> Rollout:
    """A drive along the first metres of a track, one step a metre."""
    n = len(cte)
    places = [track.pose_at(float(s_m), float(offset)) for s_m, offset in enumerate(cte)]
    x, y, _, heading = (np.array(column) for column in zip(*places, strict=True))
    step, still = np.arange(n, dtype=np.float64), np.zeros(n)
    return Rollout(
        time_s=0.05 * step,
        x=x,
        y=y,
        heading=heading,
        speed_mph=still,
        s_m=step,
        cte=np.array(cte),
        heading_error=still,
        steering_angle=still,
        throttle=still,
        wheels_out=np.zeros(n, np.int64),
        collided=np.zeros(n, np.bool_),
        intervention=step == (-1 if intervention_at is None else intervention_at),
    )


def lines(svg: str) -> list[tuple[int, str]]:
    """Number of points and colour of each stretch of the driven line."""
    paths = re.findall(r'<path d="(M[^"h]*)" fill="none" stroke="([^"]+)"', svg)
    return [(path.count("L") + 1, color) for path, color in paths]


def test_the_line_is_coloured_by_its_distance_from_the_driving_line(track: Track) -> None:
    stretches = lines(draw_map(track, rollout_at(track, [0.0, 0.1, -0.7, 3.0, 3.0])))
    assert [color for _, color in stretches] == [COLORS[0], COLORS[2], COLORS[4]]
    assert sum(n - 1 for n, _ in stretches) == 4, "the stretches touch"


def test_the_line_is_broken_where_the_car_was_put_back(track: Track) -> None:
    svg = draw_map(track, rollout_at(track, [0.0] * 6, intervention_at=2))
    assert lines(svg) == [(3, COLORS[0]), (3, COLORS[0])]
    assert svg.count("<title>intervention 1 at 0.1 s</title>") == 1


@pytest.mark.parametrize("spec", ["lake", "jungle", "random:3"])
def test_all_that_is_drawn_lies_inside_the_picture(spec: str) -> None:
    track = build_track(spec)
    svg = draw_map(track, rollout_at(track, [0.0] * 50))
    width, height = map(float, re.findall(r'viewBox="0 0 (\S+) (\S+)"', svg)[0])
    points = np.array([list(map(float, pair)) for pair in re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)(?=[LZ\" ])", svg)])
    assert len(points) > 1000
    outline = points[:-1]  # the last ones are the arrow's own
    assert (outline[:, 0] <= width).all()
    assert (outline[:, 1] <= height).all()


def test_a_drive_that_failed_is_a_row_with_its_reason() -> None:
    html = build_lap_report(LapsConfig(expert=True), [LapResult(JOB, None, "the drive server ended: <killed>")])
    assert "failed: the drive server ended: &lt;killed&gt;" in html
    assert "0 of 1 drives without an intervention" in html


def test_the_page_shows_map_strips_and_traces(page: Path, browser: Chrome) -> None:
    open_page(browser, page)
    assert "0 of 2 drives without an intervention" in browser.find_element("tag name", "body").text
    for section in browser.find_elements("css selector", "section")[1:]:
        assert "put back" in section.text
        assert len(section.find_elements("css selector", "svg title")) >= 3, "the start and two interventions"
        pictures = section.find_elements("css selector", "img")
        assert len(pictures) >= 8
        assert {shot.get_property("naturalWidth") for shot in pictures} == {320}
        assert len(section.find_elements("css selector", "canvas")) == 3
    assert not requested_urls(browser)


def test_the_page_fits_a_phone(page: Path, browser: Chrome) -> None:
    set_phone(browser)
    open_page(browser, page)
    assert overflow_px(browser) == 0


def test_a_folder_that_is_not_there_is_known_before_anything_is_driven(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--expert", "--report", "no/such/folder/laps.html"]) == 1
    assert "the folder no/such/folder does not exist" in capsys.readouterr().err
