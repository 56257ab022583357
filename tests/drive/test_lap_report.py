"""The page of driven laps, from a real drive, opened in a real browser."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from markupsafe import Markup

from drive.evaluation.drive_conditions import drive_conditions
from drive.evaluation.drive_trace import DriveTrace
from drive.evaluation.lap_config import LapJob, LapsConfig
from drive.evaluation.lap_report import build_lap_report
from drive.evaluation.lap_runs import LapResult
from drive.evaluation.track_map import COLORS, draw_map
from drive.laps import main
from simulator_bridge.cli.typed_command import typed_command, without_home
from simulator_bridge.simulator.judge.drive_report import Rollout
from simulator_bridge.track import Track, build_track
from tests.support.browser import open_page, overflow_px, requested_urls, set_phone
from tests.support.driving.small_track import write_oval
from tests.support.made_drive import made_drive

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

DRIVEN_AT = datetime(2026, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
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
    results = [LapResult(JOB, None, "the drive server ended: <killed>")]
    html = build_lap_report(LapsConfig(expert=True), results, "python drive/laps.py --expert", DRIVEN_AT)
    assert re.search(r"<td>failed</td>.*<td>the drive server ended: &lt;killed&gt;</td>", html)
    assert "0 of 1 drives without an intervention" in html
    assert "python drive/laps.py --expert" in Markup(html).striptags()
    assert "2026-02-03 04:05 +0100" in html


def test_the_page_shows_map_strips_and_traces(page: Path, browser: Chrome) -> None:
    open_page(browser, page)
    assert "0 of 2 drives without an intervention" in browser.find_element("tag name", "body").text
    for section in browser.find_elements("css selector", "section")[2:]:
        assert "put back" in section.text
        assert len(section.find_elements("css selector", "svg title")) >= 3, "the start and two interventions"
        pictures = section.find_elements("css selector", "img")
        assert len(pictures) >= 8
        assert {shot.get_property("naturalWidth") for shot in pictures} == {320}
        assert len(section.find_elements("css selector", "canvas")) == 3
    assert not requested_urls(browser)


def test_the_page_says_how_each_drive_was_made(track: Track) -> None:
    trace = DriveTrace(rollout_at(track, [0.0, 0.1, 0.2]), ())
    jobs = [LapJob("lake", reverse=True, latency_ms=40.0, seed=seed) for seed in (0, 1)]
    results = [LapResult(job, made_drive(direction="reverse", seed=job.seed), None, trace) for job in jobs]
    command = "python drive/laps.py --expert --track lake --reverse --latency 40"
    html = build_lap_report(LapsConfig(expert=True, reverse=True, latencies_ms=(40.0,)), results, command, DRIVEN_AT)
    _, made, *drives = html.split("<section")[1:]
    assert command in Markup(made).striptags()
    assert "2026-02-03 04:05 +0100" in made
    for seed, drive in enumerate(drives):
        shown = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", drive))
        assert {
            "track": "lake", "direction": "reverse", "weather": "clear", "set speed": "20 mph, less in bends",
            "delay of the steering": "40 ms", "seed": str(seed),
        }.items() <= shown.items()  # fmt: skip
        assert drive.index("<dl") < drive.index('class="chart"'), "beside the traces"


def test_conditions_are_those_of_the_drive() -> None:
    config = LapsConfig(expert=True, weather="random", speed_mph=30.0, scale=1.5)
    job = LapJob("jungle", reverse=True, latency_ms=80.0, seed=7)
    report = made_drive(direction="reverse", weather="random")
    conditions = drive_conditions(config, job, report)
    assert conditions["direction"] == "reverse"
    assert conditions["weather"] == "random, by seed 7"
    assert conditions["delay of the steering"] == "80 ms"
    assert conditions["scale of the track"] == "1.5"
    replay = drive_conditions(config, LapJob("rec", False, 0.0, 0, is_replay=True), report)
    assert replay["recording"] == "rec"
    assert "weather" not in replay


def test_the_command_is_shown_as_typed_and_a_home_folder_stays_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    argv = ["/home/anna/my models/m.h5", "--track", "lake,random:7", "--replay", "a b"]
    assert typed_command("drive/laps.py", argv) == (
        "python drive/laps.py ~/'my models/m.h5' --track lake,random:7 --replay 'a b'"
    )
    monkeypatch.setattr("sys.argv", ["/home/anna/cloneway/drive/laps.py", "m.h5"])
    assert typed_command("drive/laps.py", None) == "python drive/laps.py m.h5"
    assert without_home("replay of /home/anna/rec, seed 1") == "replay of ~/rec, seed 1"


def test_the_page_fits_a_phone(page: Path, browser: Chrome) -> None:
    set_phone(browser)
    open_page(browser, page)
    assert overflow_px(browser) == 0


def test_a_folder_that_is_not_there_is_known_before_anything_is_driven(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--expert", "--report", "no/such/folder/laps.html"]) == 1
    assert "the folder no/such/folder does not exist" in capsys.readouterr().err
