from __future__ import annotations

import csv
import datetime
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest

from drive import video as command
from simulator_bridge.film.drive_data import DriveData, Route
from simulator_bridge.film.h264 import H264Writer, VideoError
from simulator_bridge.film.live_drive import LiveDrive
from simulator_bridge.film.paint import WARNING, Picture
from simulator_bridge.film.picture import CAMERA_PX, SIZE_PX, FilmPicture, clock
from simulator_bridge.film.plan_view import ROAD
from simulator_bridge.film.recording_data import CUT_S, cut_out, film_data, with_predictions
from simulator_bridge.film.routes import dead_reckon, find_route
from simulator_bridge.placement.placement import Placement
from simulator_bridge.placement.placement_file import digest_of, save_placement
from simulator_bridge.placement.placing import build_tracks
from simulator_bridge.recording import load_recording
from simulator_bridge.recording.images.steering_overlay import PREDICTED_RGB, RECORDED_RGB
from simulator_bridge.recording.log.log_format import SIDECAR_NAME
from simulator_bridge.track import build_track
from simulator_bridge.udacity_car import MPS_PER_MPH, WHEELBASE_M
from tests.support.drivable_model import drivable_model
from tests.support.made_recording import START, draw_frame, make_recording
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

SMALL = (64, 48)
FRAME = draw_frame(0.1)
WHEEL = (slice(60, 250), slice(896, 1080))  # rows, columns of the picture
MAP = (slice(266, 460), slice(896, 1264))
TRACE = (slice(546, 704), slice(64, 1246))


def flat(value: int) -> Picture:
    return np.full((SMALL[1], SMALL[0], 3), value, np.uint8)


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        return [float(frame.time or 0) for frame in file.decode(stream)]


def made_data(n: int = 40, *, predicted: bool = False, **changes: object) -> DriveData:
    """A drive along a quarter of a circle at 10 Hz."""
    angle = np.linspace(0, math.pi / 2, n)
    xy = 50 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    route = Route(xy, angle + math.pi / 2, np.zeros(n, np.int32), "made")
    known = np.full(n, 0.5)
    steering = np.sin(np.arange(n) / 5)
    data = DriveData(
        "made", np.arange(n) / 10, np.zeros(n, np.int32), steering, -steering if predicted else None,
        known, 0 * known, 40 * known, route,
    )  # fmt: skip
    return replace(data, **changes)  # type: ignore[arg-type]


def count(picture: Picture, box: tuple[slice, slice], color: tuple[int, int, int]) -> int:
    return int((picture[box] == color).all(axis=2).sum())


def test_pictures_are_shown_when_they_should_be(tmp_path: Path) -> None:
    path, times = tmp_path / "film.mp4", [0.0, 0.1, 0.15, 0.9, 1.0]
    with H264Writer(path, SMALL) as writer:
        for time_s in times:
            writer.add(flat(int(200 * time_s)), time_s)
    assert times_of(path) == pytest.approx(times, abs=0.001)
    assert not list(tmp_path.glob(".*"))


def test_pictures_at_the_same_time_follow_one_another(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with H264Writer(path, SMALL) as writer:
        for _ in range(3):
            writer.add(flat(90), 0.5)
    assert len(times_of(path)) == 3


def test_an_error_leaves_the_old_film(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"the old one")

    def film_and_fail() -> None:
        with H264Writer(path, SMALL) as writer:
            writer.add(flat(9), 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film_and_fail()
    assert [file.name for file in tmp_path.iterdir()] == ["film.mp4"]
    assert path.read_bytes() == b"the old one"


def test_a_film_without_pictures_is_none(tmp_path: Path) -> None:
    with H264Writer(tmp_path / "film.mp4", SMALL):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["film.avi", "nowhere/film.mp4"])
def test_where_no_film_can_be_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=Path(name).name):
        H264Writer(tmp_path / name, SMALL)


def test_the_film_runs_as_the_drive_did_and_gaps_are_cut(tmp_path: Path) -> None:
    make_recording(tmp_path, n=11, rate_hz=10)
    make_recording(tmp_path, n=5, rate_hz=2, start=START + datetime.timedelta(minutes=3))
    data = film_data(load_recording(tmp_path), "two")
    assert data.time_s[:11] == pytest.approx(np.arange(11) / 10)
    assert data.time_s[11:] == pytest.approx(1 + CUT_S + np.arange(5) / 2)
    assert data.episode.tolist() == [0] * 11 + [1] * 5
    later = cut_out(with_predictions(data, -data.recorded), slice(11, 14))
    assert later.time_s == pytest.approx([0, 0.5, 1])
    assert later.predicted == pytest.approx(-data.recorded[11:14])
    assert later.route is not None
    assert len(later.route.xy) == 3


def test_images_without_time_stamps_are_taken_for_10_a_second(tmp_path: Path) -> None:
    make_recording(tmp_path, n=4)
    log = tmp_path / "driving_log.csv"
    text = log.read_text()
    for number, image in enumerate(sorted((tmp_path / "IMG").glob("center_*"))):
        image.rename(image.with_name(f"c{number}.jpg"))
        text = text.replace(image.name, f"c{number}.jpg")
    log.write_text(text)
    assert film_data(load_recording(tmp_path), "").time_s == pytest.approx([0, 0.1, 0.2, 0.3])


def test_dead_reckoning_drives_a_circle_and_starts_anew_after_a_gap(tmp_path: Path) -> None:
    make_recording(tmp_path, n=150, steering=lambda row: -0.4, cameras=("center",))
    make_recording(tmp_path, n=3, cameras=("center",), start=START + datetime.timedelta(hours=1))
    route = dead_reckon(load_recording(tmp_path, check="listed"))
    around = route.xy[:150]
    middle = (around.min(axis=0) + around.max(axis=0)) / 2
    radius = np.linalg.norm(around - middle, axis=1)
    assert radius == pytest.approx(WHEELBASE_M / math.tan(0.4 * math.radians(25)), rel=0.05)
    assert route.heading[100] > route.heading[0], "steering left turns counter-clockwise"
    assert route.xy[150] == pytest.approx([0, 0])
    assert route.part[150] != route.part[0]
    assert "reckoned" in route.source


def test_dead_reckoning_closes_a_real_lap(driving_data: Path) -> None:
    recording = load_recording(driving_data / "recordings" / "udacity_lake_ccw", check="listed")
    route = dead_reckon(recording)
    assert math.degrees(route.heading[-1] - route.heading[0]) == pytest.approx(360, abs=15)
    driven_m = float((recording.speed_mph * MPS_PER_MPH).mean()) * float(np.ptp(recording.time_s))
    assert np.linalg.norm(route.xy[-1]) < 0.1 * driven_m


def write_sidecar(folder: Path, track: str) -> None:
    names = sorted(path.name for path in (folder / "IMG").glob("center_*"))
    with open(folder / SIDECAR_NAME, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "x", "y", "heading", "track"])
        rows.writerows([name, 5 * i, 7, 0.1, track] for i, name in enumerate(names[:-1]))  # the last row is missing


@pytest.mark.parametrize("track", ["lake", "gone.csv"])
def test_poses_come_from_the_simulator_where_it_wrote_them(track: str, tmp_path: Path) -> None:
    make_recording(tmp_path, n=4, cameras=("center",))
    write_sidecar(tmp_path, track)
    route = find_route(load_recording(tmp_path))
    assert route is not None
    assert route.xy[:3].tolist() == [[0, 7], [5, 7], [10, 7]]
    assert np.isnan(route.xy[3]).all()
    assert (route.road is None) == (track != "lake")
    assert "simulator" in route.source


def test_a_damaged_sidecar_is_no_worse_than_none(tmp_path: Path) -> None:
    make_recording(tmp_path, n=3, cameras=("center",))
    (tmp_path / SIDECAR_NAME).write_text("image,x\ncenter,2\n")
    route = find_route(load_recording(tmp_path))
    assert route is not None
    assert "reckoned" in route.source


def test_the_route_of_a_placed_recording_is_on_its_track(tmp_path: Path) -> None:
    make_recording(tmp_path, n=20)
    recording, lake = load_recording(tmp_path, "listed"), build_track("lake", reverse=True)
    n = len(recording)
    s_m = np.where(np.arange(n) < 15, 300.0 + np.arange(n), np.nan)
    placement = Placement(
        "lake", lake.length_m, np.ones(n, bool), s_m, np.where(s_m > 310, np.nan, 1.5), 0 * s_m, np.ones(n),
        recording.line, recording.episode,
    )  # fmt: skip
    assert save_placement(recording, placement, digest_of(recording, build_tracks()))
    route = find_route(load_recording(tmp_path))
    assert route is not None
    assert route.xy[4] == pytest.approx(lake.pose_at(304.0, 1.5)[:2], abs=0.01)
    assert route.xy[14] == pytest.approx(lake.pose_at(314.0)[:2], abs=0.01), "on the centre line, for want of better"
    assert np.isnan(route.xy[15:]).all()
    assert route.road is not None
    assert "lake" in route.source


def test_without_speed_and_sidecar_there_is_no_map(tmp_path: Path) -> None:
    make_recording(tmp_path, n=3, cameras=("center",))
    log = tmp_path / "driving_log.csv"
    lines = log.read_text().splitlines()
    log.write_text("center,steering\n" + "".join(",".join(line.split(",")[:4:3]) + "\n" for line in lines))
    data = film_data(load_recording(tmp_path), "")
    assert data.route is None
    picture = FilmPicture(data)(FRAME, 1)
    assert count(picture, MAP, RECORDED_RGB) == 0


def test_the_picture_shows_the_camera_with_the_gauge_on_it() -> None:
    picture = FilmPicture(made_data())(FRAME, 3)
    assert picture.shape == (SIZE_PX[1], SIZE_PX[0], 3)
    enlarged = cv2.resize(FRAME, CAMERA_PX, interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(picture[60:260, 16:880], enlarged[:200])
    assert not np.array_equal(picture[260:492, 16:880], enlarged[200:])


@pytest.mark.parametrize("side", [-1, 1])
def test_the_wheel_turns_to_the_side_that_is_steered_to(side: int) -> None:
    picture = FilmPicture(made_data(recorded=np.full(40, 0.5 * side)))(FRAME, 0)
    columns = np.flatnonzero((picture[WHEEL] == RECORDED_RGB).all(axis=2).any(axis=0)) + 896
    assert len(columns)
    assert np.sign(columns.mean() - 988) == side


def test_what_was_predicted_has_its_own_line_and_mark() -> None:
    without, with_model = FilmPicture(made_data()), FilmPicture(made_data(predicted=True))
    for box in (WHEEL, TRACE):
        assert count(without(FRAME, 20), box, PREDICTED_RGB) == 0
        assert count(with_model(FRAME, 20), box, PREDICTED_RGB) > 30


def test_the_way_grows_on_the_map() -> None:
    picture = FilmPicture(made_data())
    driven = [count(picture(FRAME, row), MAP, RECORDED_RGB) for row in (0, 10, 20, 39)]
    assert driven == sorted(set(driven))


def test_the_trace_scrolls_and_stops_at_a_cut() -> None:
    steering = np.where(np.arange(40) < 20, 0.5, -0.5)
    data = made_data(recorded=steering)
    cut = replace(data, episode=np.repeat([0, 1], 20).astype(np.int32))
    whole, pieces = (count(FilmPicture(shown)(FRAME, 39), TRACE, RECORDED_RGB) for shown in (data, cut))
    assert whole > pieces + 50, "the flank from one side to the other is not drawn over a cut"
    first, later = FilmPicture(data)(FRAME, 5), FilmPicture(data)(FRAME, 39)
    assert count(later, TRACE, RECORDED_RGB) > count(first, TRACE, RECORDED_RGB)


def test_a_drive_under_way_has_room_for_every_row() -> None:
    edges = np.array([[0.0, 0], [90, 0], [90, 50], [0, 50]]), np.array([[10.0, 10], [80, 10], [80, 40], [10, 40]])
    drive = LiveDrive("live", edges, room=4)
    for row in range(10):
        is_cut = row in (0, 6)
        assert drive.add(row / 20, (float(row), 5.0, 0.0), -0.1 * row, 1 - row / 5, 3.0 * row, is_cut=is_cut) == row
    data = drive.data
    assert data.time_s[:10] == pytest.approx(np.arange(10) / 20)
    assert data.recorded[:10] == pytest.approx(-0.1 * np.arange(10))
    assert data.throttle[[0, 9]].tolist() == [1, 0]
    assert data.brake[9] == pytest.approx(0.8)
    assert data.episode[:10].tolist() == [1] * 6 + [2] * 4
    assert data.route is not None
    assert data.route.xy[:10, 0].tolist() == list(range(10))
    picture = FilmPicture(data, steering_range=0.6)
    shown, warned = picture(FRAME, 9, "2 wheels out"), picture(FRAME, 9, "2 wheels out", is_warning=True)
    assert count(shown, MAP, ROAD) > 1000
    assert count(shown, (slice(0, 56), slice(600, 900)), WARNING) == 0
    assert count(warned, (slice(0, 56), slice(600, 900)), WARNING) > 0


def test_missing_numbers_leave_their_places_empty() -> None:
    nothing = np.full(40, np.nan)
    data = made_data(throttle=nothing, brake=nothing, speed_mph=nothing)
    assert FilmPicture(data)(FRAME, 7).shape[2] == 3


@pytest.mark.parametrize(("time_s", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (83.25, "1:23.3"), (600, "10:00.0")])
def test_clock(time_s: float, text: str) -> None:
    assert clock(time_s) == text


def test_command_films_a_part_with_model_and_saliency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording, out = make_recording(tmp_path / "rec", n=30, cameras=("center",)), tmp_path / "film.mp4"
    flags = ["--model", str(drivable_model()), "--saliency", "--start", "1", "--seconds", "0.5"]
    assert command.main([str(recording), str(out), *flags]) == 0
    said = capsys.readouterr().out
    assert "5 pictures, 1.4 s" in said
    assert "from the recorded steering" in said
    assert times_of(out) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 1.4], abs=0.002)


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["rec", "film.avi"], 2, "expected OUT to end in .mp4"),
        (["rec", "film.mp4", "--saliency"], 2, "--model"),
        (["rec", "film.mp4", "--seconds", "0"], 2, "--seconds"),
        (["rec", "nowhere/film.mp4"], 1, "OUT nowhere/film.mp4: the folder nowhere does not exist"),
        (["none", "film.mp4"], 1, "none"),
        (["both", "film.mp4"], 1, "name one of them"),
        (["rec", "film.mp4", "--start", "60"], 1, "nothing is left from 60 s on"),
        (["rec", "film.mp4", "--model", "none.h5"], 1, "none.h5"),
    ],
)
def test_what_cannot_be_filmed_is_one_line(
    argv: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    make_recording(tmp_path / "rec", n=3, cameras=("center",))
    for name, steering in (("one", -0.3), ("two", 0.3)):
        make_recording(tmp_path / "both" / name, 3, [steering, 0.0, -steering], cameras=("center",))
    if code == 2:
        with pytest.raises(SystemExit) as end:
            command.main(argv)
        assert end.value.code == 2
    else:
        assert command.main(argv) == code
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("*.mp4"))


def test_browsers_play_it(browser: Chrome, tmp_path: Path) -> None:
    recording, out = make_recording(tmp_path / "rec", n=25, cameras=("center",)), tmp_path / "film.mp4"
    assert command.main([str(recording), str(out), "--quiet"]) == 0
    page = tmp_path / "page.html"
    page.write_text('<link rel=icon href="data:,"><video src="film.mp4" muted width=640></video>')
    browser.get(page.as_uri())
    browser.set_script_timeout(60)
    played = browser.execute_async_script(
        """
        const done = arguments[arguments.length - 1], video = document.querySelector("video");
        video.onerror = () => done({error: video.error.message});
        video.onended = () => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
          const brush = canvas.getContext("2d");
          brush.drawImage(video, 0, 0);
          done({duration: video.duration, time: video.currentTime, size: [canvas.width, canvas.height]});
        };
        video.play().catch(error => done({error: String(error)}));
        """
    )
    assert played["duration"] == pytest.approx(3.4, abs=0.2)
    assert played["time"] == pytest.approx(played["duration"], abs=0.01)
    assert played["size"] == list(SIZE_PX)
    shown = cv2.imdecode(np.frombuffer(browser.get_screenshot_as_png(), np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert len(np.unique(shown[:330, :560].reshape(-1, 3), axis=0)) > 500, "a picture, not an empty box"


def test_script_runs_from_any_folder(tmp_path: Path) -> None:
    script = ROOT / "drive" / "video.py"
    result = subprocess.run(
        [sys.executable, script, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Film a recorded drive" in result.stdout
