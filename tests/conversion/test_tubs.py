from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import find_recordings, load_only_recording, load_recording, load_recordings, read_frame
from simulator_bridge.recording.excluding import exclude_rows
from tests.support.made_recording import make_recording
from tests.support.other_programs.made_tub import START_MS, make_tub_v1, make_tub_v2
from train.checkup import main as checkup

ANGLES = (-0.5, 0.0, 0.25, 1.0, -1.0, 0.125)


def test_tub_v2_is_read_with_its_times_and_frames_of_its_own_size(tmp_path: Path) -> None:
    recording = load_only_recording(make_tub_v2(tmp_path / "tub", ANGLES))
    assert recording.steering_angle.tolist() == list(ANGLES)
    assert recording.throttle.tolist() == [0.5] * 6
    assert np.isnan(recording.speed_mph).all()
    assert recording.time_s.tolist() == [(START_MS + 50 * i) / 1000 for i in range(6)]
    assert recording.line.tolist() == [1, 2, 3, 4, 5, 6]
    assert read_frame(recording.images["center"][5]).shape == (160, 320, 3)
    assert any("160x120" in note for note in recording.notes)


def test_deleted_records_of_a_tub_v2_are_left_out_and_counted(tmp_path: Path) -> None:
    recording = load_only_recording(make_tub_v2(tmp_path / "tub", ANGLES, deleted=(0, 4)))
    assert recording.steering_angle.tolist() == [0.0, 0.25, 1.0, 0.125]
    [(reason, drop)] = recording.dropped.items()
    assert (reason, drop.count, drop.first_line) == ("deleted in the tub", 2, 1)


def test_a_new_session_is_a_new_episode(tmp_path: Path) -> None:
    tub = make_tub_v2(tmp_path / "tub", ANGLES)
    catalog = tub / "catalog_1.catalog"
    catalog.write_text(catalog.read_text().replace('"_index"', '"_session_id": "20-10-11_1", "_index"'))
    assert load_only_recording(tub).episode.tolist() == [0, 0, 0, 0, 1, 1]


def test_tub_v1_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    angles = [i / 20 for i in range(12)]
    tub = make_tub_v1(tmp_path / "tub", angles, first=5, timestamp="2019-04-05 23:44:09.319603")
    recording = load_only_recording(tub)
    assert recording.steering_angle.tolist() == np.array(angles, np.float32).tolist()
    assert recording.line.tolist() == list(range(6, 18))
    assert recording.time_s[0] == pytest.approx(1554507849.319603, abs=1e-6)


@pytest.mark.parametrize("content", ["[1, 2]", '{"lines": {"meta.json": [[2, 3]]}}'], ids=["donkeycar's", "ours"])
def test_records_of_a_tub_v1_are_left_out_by_either_exclude_json(content: str, tmp_path: Path) -> None:
    tub = make_tub_v1(tmp_path / "tub", ANGLES)
    (tub / "exclude.json").write_text(content)
    assert load_only_recording(tub).line.tolist() == [1, 4, 5, 6]


def test_records_of_the_donkey_simulator_have_its_speed_and_clock(tmp_path: Path) -> None:
    tub = make_tub_v1(tmp_path / "log", ANGLES[:1], speed=8.9408, time=3.5)
    recording = load_only_recording(tub)
    assert recording.speed_mph.tolist() == [20.0]
    assert recording.time_s.tolist() == [3.5]


def test_a_tub_is_read_by_the_file_that_stands_for_it(tmp_path: Path) -> None:
    v1, v2 = make_tub_v1(tmp_path / "v1", ANGLES), make_tub_v2(tmp_path / "v2", ANGLES)
    for log in (v1 / "meta.json", v1 / "record_3.json", v2 / "manifest.json"):
        assert len(load_recording(log)) == 6
    (v1 / "meta.json").unlink()
    assert load_recording(load_recording(v1).log).line.tolist() == [1, 2, 3, 4, 5, 6]


def test_tubs_and_logs_below_a_folder_are_found_together(tmp_path: Path) -> None:
    make_tub_v1(tmp_path / "a" / "tub", ANGLES[:2], first=100)
    make_tub_v2(tmp_path / "b", ANGLES)
    make_recording(tmp_path / "c", n=3)
    assert find_recordings([tmp_path]) == [tmp_path / "a" / "tub", tmp_path / "b", tmp_path / "c"]
    assert [len(recording) for recording in load_recordings([tmp_path])] == [2, 6, 3]


def test_a_missing_image_is_not_taken_from_another_tub(tmp_path: Path) -> None:
    tub = make_tub_v2(tmp_path / "tub_1", ANGLES)
    make_tub_v2(tmp_path / "tub_2", ANGLES)
    for name in ("1_cam_image_array_.jpg", "2_cam_image_array_.jpg"):
        (tub / "images" / name).unlink()
    recording = load_recording(tub)
    assert recording.images["center"].folders == {str(tub / "images")}
    assert recording.dropped["center: missing image"].count == 2


def test_damaged_records_are_counted_by_reason(tmp_path: Path) -> None:
    tub = make_tub_v1(tmp_path / "tub", [0.1, "left", None, float("nan"), 0.2, 0.3])
    (tub / "record_4.json").write_text("{")
    (tub / "record_5.json").write_text(json.dumps({"user/angle": 0.1}))
    recording = load_only_recording(tub)
    assert recording.line.tolist() == [1]
    assert {reason: drop.count for reason, drop in recording.dropped.items()} == {
        "steering is not a number": 2,
        "no user/angle": 1,
        "no JSON record": 1,
        "no image under cam/image_array": 1,
    }


def test_a_tub_without_a_usable_record_says_what_came(tmp_path: Path) -> None:
    (tmp_path / "record_1.json").write_text(json.dumps({"user/angle": 0.1, "gyro": 3}))
    with pytest.raises(RecordingError, match=r"expected records with cam/image_array .* got 1 .* gyro, user/angle"):
        load_recordings([tmp_path])


@pytest.mark.parametrize(
    ("manifest", "message"),
    [("", "expected the manifest"), ('{"paths": ["catalog_9.catalog"]}', "lists this catalog, and it is missing")],
)
def test_a_broken_manifest_is_named(manifest: str, message: str, tmp_path: Path) -> None:
    tub = make_tub_v2(tmp_path / "tub", ANGLES)
    (tub / "manifest.json").write_text(manifest)
    with pytest.raises(RecordingError, match=message):
        load_recordings([tub])


def test_a_catalog_is_not_read_from_another_folder(tmp_path: Path) -> None:
    tub = make_tub_v2(tmp_path / "tub", ANGLES)
    (tmp_path / "catalog_0.catalog").write_text("{}\n")
    (tub / "manifest.json").write_text('{"paths": ["../catalog_0.catalog"]}')
    assert len(load_only_recording(tub)) == 4


def test_checkup_counts_a_tub_and_leaves_records_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tub = make_tub_v2(tmp_path / "tub", ANGLES)
    assert exclude_rows([tub], ["2-3"]) == [(tub / "exclude.json", 2)]
    assert checkup([str(tub), "--json", "-", "--quiet"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["usable_rows"], report["found"][0]["kind"]) == (4, "Donkey car tub v2")


def test_real_tubs_are_read_whole(driving_data: Path) -> None:
    v1, v2 = load_recordings([driving_data / "recordings" / "donkey"])
    assert (len(v1), v1.n_episodes, len(v2), v2.n_episodes) == (60, 1, 1000, 1)
    assert v1.dropped == v2.dropped == {}
    assert 5 < len(v1) / (v1.time_s[-1] - v1.time_s[0]) < 60


def test_records_may_be_numbered_with_zeros(tmp_path: Path) -> None:
    tub = make_tub_v1(tmp_path / "tub", ANGLES[:2])
    (tub / "record_1.json").rename(tub / "record_000001.json")
    assert load_only_recording(tub).line.tolist() == [1, 2]
