from __future__ import annotations

import datetime
import itertools
import json
import os
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from simulator_bridge.conversion.lerobot_writer import KEY_PICTURES
from simulator_bridge.conversion.target import Format, write_recordings
from simulator_bridge.conversion.udacity_writer import exact
from simulator_bridge.convert import main
from simulator_bridge.messages import decode_as_sent, encode_frame
from simulator_bridge.recording import CAMERAS, Recording, load_recordings, read_frame
from tests.support.made_recording import START, make_recording
from tests.support.other_programs.frame_cache import frame_cache as frame_cache
from tests.support.other_programs.made_tub import make_tub_v1, make_tub_v2

NUMBERS = ("steering_angle", "throttle", "brake", "speed_mph", "time_s", "episode")
MIN_PSNR_DB = 35.0


def with_gaps(folder: Path, cameras: tuple[str, ...] = CAMERAS) -> Path:
    """Three stretches, of which the second is another rate's."""
    for seconds, n, rate_hz in ((0.0, 12, 15.0), (9.5, 7, 10.0), (400.123, 9, 15.0)):
        start = START + datetime.timedelta(seconds=seconds)
        make_recording(folder, n, start=start, rate_hz=rate_hz, cameras=cameras, seed=n)
    return folder


def load(path: Path) -> Recording:
    [recording] = load_recordings([path], check="decode")
    return recording


def convert(source: Path, target: Path, to: Format) -> Recording:
    write_recordings(load_recordings([source]), target, to)
    return load(target)


def assert_same(first: Recording, second: Recording) -> None:
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)
    assert set(first.images) == set(second.images)


def worst_psnr_db(first: Recording, second: Recording) -> float:
    errors = [
        np.mean((read_frame(one).astype(float) - read_frame(other)) ** 2)
        for camera in first.images
        for one, other in zip(first.images[camera], second.images[camera], strict=True)
    ]
    return float(10 * np.log10(255**2 / max(errors))) if max(errors) else np.inf


@pytest.mark.parametrize("to", ["udacity", "donkey"])
def test_labels_times_and_images_come_back_as_they_were(to: Format, tmp_path: Path) -> None:
    source = load(with_gaps(tmp_path / "source"))
    there = convert(tmp_path / "source", tmp_path / "there", to)
    back = convert(tmp_path / "there", tmp_path / "back", "udacity")
    assert_same(source, there)
    assert_same(source, back)
    assert source.n_episodes == 3
    for camera in CAMERAS:
        for one, other in zip(source.images[camera], back.images[camera], strict=True):
            assert one.read_bytes() == other.read_bytes()
            assert one.name == other.name


def test_labels_and_times_come_back_from_lerobot_and_frames_nearly(tmp_path: Path, frame_cache: Path) -> None:
    source = load(with_gaps(tmp_path / "source"))
    there = convert(tmp_path / "source", tmp_path / "there", "lerobot")
    assert_same(source, there)
    back = convert(tmp_path / "there", tmp_path / "back", "udacity")
    assert_same(source, back)
    assert worst_psnr_db(source, back) >= MIN_PSNR_DB
    assert any(str(frame_cache) in note for note in there.notes)


@pytest.mark.parametrize("to", ["udacity", "donkey", "lerobot"])
def test_what_a_source_does_not_have_is_not_made_up(to: Format, tmp_path: Path) -> None:
    source = make_tub_v1(tmp_path / "source", [0.1, -0.2, 0.3])
    there = convert(source, tmp_path / "there", to)
    assert_same(load(source), there)
    assert all(np.isnan(numbers).all() for numbers in (there.brake, there.speed_mph, there.time_s))


@pytest.mark.parametrize("to", ["udacity", "donkey", "lerobot"])
def test_rows_without_a_side_image_are_kept(to: Format, tmp_path: Path) -> None:
    source = make_recording(tmp_path / "source", n=6)
    for name in itertools.islice(sorted(os.listdir(source / "IMG")), 12, 14):
        (source / "IMG" / name).unlink()
    there = convert(source, tmp_path / "there", to)
    cameras = set(CAMERAS) if to != "lerobot" else {"center", "left"}
    assert set(there.images) == cameras
    for camera in cameras:
        np.testing.assert_array_equal(there.has_image(camera), load(source).has_image(camera))


@pytest.mark.parametrize("to", ["udacity", "donkey"])
def test_microseconds_equal_times_and_episodes_without_a_gap_are_kept(to: Format, tmp_path: Path) -> None:
    tub = make_tub_v2(tmp_path / "tub", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    for i, catalog in enumerate(sorted(tub.glob("*.catalog"))):
        records = [json.loads(line) for line in catalog.read_text().split("\n") if line.strip()]
        for record in records:
            record.update({"timestamp": "2020-01-01 12:00:00.123456", "_session_id": f"20-01-01_{i}"})
        catalog.write_text("".join(json.dumps(record) + "\n" for record in records))
    there = convert(tub, tmp_path / "there", to)
    assert there.episode.tolist() == [0, 0, 0, 0, 1, 1]
    assert_same(load(tub), there)


def test_a_video_has_the_rate_of_the_datasets_clock_to_its_last_frame(tmp_path: Path) -> None:
    convert(make_recording(tmp_path / "source", n=9, rate_hz=7), tmp_path / "dataset", "lerobot")
    info = json.loads((tmp_path / "dataset" / "meta" / "info.json").read_text())
    [video] = (tmp_path / "dataset" / "videos" / "observation.images.front").glob("*/*.mp4")
    with av.open(str(video)) as file:
        stream = file.streams.video[0]
        assert info["fps"] == stream.average_rate == 7
        assert stream.frames == 9
        assert [picture.time for picture in file.decode(stream)] == pytest.approx([i / 7 for i in range(9)], abs=1e-4)


@pytest.mark.parametrize("size", [(160, 120), (161, 121)], ids=str)
def test_frames_of_any_size_become_a_video(size: tuple[int, int], tmp_path: Path) -> None:
    tub = make_tub_v2(tmp_path / "tub", [0.0, 0.1, 0.2])
    for image in (tub / "images").iterdir():
        frame = cv2.resize(decode_as_sent(image.read_bytes()), size)
        image.write_bytes(encode_frame(frame.astype(np.uint8)))
    there = convert(tub, tmp_path / "there", "lerobot")
    assert len(there) == 3
    info = json.loads((tmp_path / "there" / "meta" / "info.json").read_text())
    assert info["features"]["observation.images.front"]["shape"] == [120, 160, 3]


def test_several_recordings_become_folders_or_one_dataset(tmp_path: Path) -> None:
    for i, name in enumerate(("a", "b")):
        make_recording(tmp_path / "source" / name, n=4 + i, seed=i, start=START + datetime.timedelta(hours=i))
    write_recordings(load_recordings([tmp_path / "source"]), tmp_path / "tubs", "donkey")
    assert [len(load(tmp_path / "tubs" / name)) for name in ("a", "b")] == [4, 5]
    dataset = convert(tmp_path / "source", tmp_path / "dataset", "lerobot")
    assert dataset.episode.tolist() == [0] * 4 + [1] * 5


def test_unpacked_frames_are_used_again_and_made_anew_for_another_dataset(tmp_path: Path, frame_cache: Path) -> None:
    source = make_recording(tmp_path / "source", n=KEY_PICTURES + 2, cameras=("center",))
    convert(source, tmp_path / "dataset", "lerobot")
    [cache] = frame_cache.iterdir()
    first = sorted(cache.rglob("*.jpg"))
    assert len(first) == KEY_PICTURES + 2
    before = first[0].stat().st_mtime_ns
    load(tmp_path / "dataset")
    assert first[0].stat().st_mtime_ns == before
    os.utime(tmp_path / "dataset" / "meta" / "info.json", ns=(1, 1))
    load(tmp_path / "dataset")
    [other] = frame_cache.iterdir()
    assert other != cache


@pytest.mark.parametrize("number", [0.1234567, -0.05000001, 9.834567e-4, 1e-7, 30.19028, 0.0, -1.0])
def test_the_shortest_text_is_read_as_the_same_number(number: float) -> None:
    assert np.float32(exact(number)) == np.float32(number)


def test_a_target_that_exists_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_recording(tmp_path / "source", n=2)
    (tmp_path / "target").mkdir()
    assert main([str(tmp_path / "source"), str(tmp_path / "target"), "--to", "donkey"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main([str(tmp_path / "source"), str(tmp_path / "source" / "tub"), "--to", "donkey"]) == 1
    assert "name a folder outside" in capsys.readouterr().err
    assert list((tmp_path / "target").iterdir()) == []


@pytest.mark.parametrize("to", ["udacity", "donkey", "lerobot"])
def test_nothing_is_left_of_a_conversion_that_fails(to: Format, tmp_path: Path) -> None:
    recordings = load_recordings([make_recording(tmp_path / "source", n=4)])
    recordings[0].images["right"][3].write_bytes(b"")
    with pytest.raises(ValueError, match="empty image"):
        write_recordings(recordings, tmp_path / "target", to)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_the_command_says_what_it_wrote_and_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_tub_v2(tmp_path / "tub", [0.0, 0.1, 0.2], deleted=(1,))
    assert main([str(source), str(tmp_path / "out"), "--to", "udacity", "--json", "-", "--quiet"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["recordings"][0]["left_out"] == {"deleted in the tub": 1}
    assert main([str(source), str(tmp_path / "other"), "--to", "udacity"]) == 0
    output = capsys.readouterr()
    assert "2 rows, 1 episode, center" in output.out
    assert "1 x deleted in the tub" in output.out


def test_a_command_line_without_a_format_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path), str(tmp_path / "out")])
    assert ended.value.code == 2
    assert "--to udacity, --to donkey or --to lerobot" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["lake_recover", "jungle"])
def test_real_frames_come_back_from_a_video_at_35_db(name: str, driving_data: Path, tmp_path: Path) -> None:
    [whole] = load_recordings([driving_data / "recordings" / name])
    source = whole.take(np.arange(len(whole)) % 20 == 0, {})
    write_recordings([source], tmp_path / "dataset", "lerobot")
    back = load(tmp_path / "dataset")
    assert worst_psnr_db(source, back) >= MIN_PSNR_DB
    for column in ("steering_angle", "throttle", "brake", "speed_mph", "time_s"):
        np.testing.assert_array_equal(getattr(source, column), getattr(back, column))
