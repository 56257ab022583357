"""The rows of a training: weights, copies, the guard over recordings, rows of a car that stands, the unit of logs."""

from __future__ import annotations

import datetime
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.errors import UsageError, UserError
from simulator_bridge.messages import encode_frame
from simulator_bridge.recording import CAMERAS, load_recordings, read_frame
from simulator_bridge.recording.folder_scan import scan_folders
from simulator_bridge.recording.weighted_path import split_weight
from tests.support.made_recording import START, make_recording
from train.data.batches import draw_pass
from train.data.drives import same_drives
from train.data.image_store import FrameReader
from train.data.rows import list_samples
from train.data.side_correction import with_side_correction
from train.data.splits import Split
from train.data.training_rows import load_rows
from train.reports.recording_check import check_recordings
from train.train_config import TrainConfig
from train.validation.r1s import SecondMeans
from train.validation.validation_set import ValidationSet

LOG = "driving_log.csv"
GUARD_S = 2.0


def config(*recordings: Path, **settings: object) -> TrainConfig:
    return TrainConfig(recordings=recordings, guard_s=GUARD_S, **settings)  # type: ignore[arg-type]


def halves(folder: Path, second: Path) -> None:
    """The second half of a recording's log goes to `second`."""
    lines = (folder / LOG).read_text().splitlines(keepends=True)
    (folder / LOG).write_text("".join(lines[: len(lines) // 2]))
    second.write_text("".join(lines[len(lines) // 2 :]))


def nearest_s(data: object) -> float:
    rows, split = data.rows, data.split  # type: ignore[attr-defined]
    return float(np.abs(rows.time_s[split.train][:, None] - rows.time_s[split.validation][None]).min())


@pytest.mark.parametrize("split", ["blocks", "episodes"])
def test_the_guard_holds_over_logs_of_one_folder(split: str, tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=240, cameras=("center",))
    halves(folder, folder / "second.csv")
    data = load_rows(config(folder, split=split))
    assert nearest_s(data) >= GUARD_S - 1e-6
    assert data.split.n_guard > 0


def test_the_guard_holds_between_what_is_trained_and_what_is_validated_on(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "all", n=120, cameras=("center",))
    (tmp_path / "second").mkdir()
    halves(folder, tmp_path / "second" / LOG)
    shutil.copytree(folder / "IMG", tmp_path / "second/IMG")
    data = load_rows(config(folder, validate_on=(tmp_path / "second",)))
    assert len(data.split.validation) == 60
    assert nearest_s(data) >= GUARD_S - 1e-6


def test_a_copy_of_a_validation_row_is_not_trained_on_whatever_its_name_and_label(tmp_path: Path) -> None:
    one = make_recording(tmp_path / "one", n=60, cameras=("center",))
    other = make_recording(
        tmp_path / "other", n=60, start=START + datetime.timedelta(hours=2), cameras=("center",), seed=1
    )
    for source, copy in zip(sorted((one / "IMG").iterdir())[:7], sorted((other / "IMG").iterdir())[:7], strict=True):
        shutil.copy(source, copy)
    data = load_rows(config(other, validate_on=(one,)))
    assert len(data.split.validation) == 60
    assert len(data.split.train) == 53
    assert data.dropped["also a validation row (a copy)"] == 7


def saved_anew(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    for path in (target / "IMG").iterdir():
        path.write_bytes(encode_frame(read_frame(path), quality=60))
    return target


def test_recordings_are_of_one_drive_if_the_car_steered_alike_at_the_same_time(tmp_path: Path) -> None:
    make_recording(tmp_path / "a", n=40, cameras=("center",))
    saved_anew(tmp_path / "a", tmp_path / "b")
    make_recording(tmp_path / "c", n=40, cameras=("center",), seed=1)  # began at the same made-up time
    make_recording(tmp_path / "d", n=40, cameras=("center",), start=START + datetime.timedelta(seconds=5), seed=2)
    make_recording(tmp_path / "e", n=40, cameras=("center",), start=START + datetime.timedelta(days=1), seed=3)
    a, b, c, d, e = (load_recordings([tmp_path / name])[0] for name in "abcde")
    assert same_drives([a, b, c], GUARD_S).tolist() == [[False, True, False], [True, False, False], [False] * 3]
    assert same_drives([a, d, e], GUARD_S)[0].tolist() == [False, True, False]  # d begins 1.1 s after the end of a


def test_rows_of_a_standing_car_are_not_trained_on_and_counted(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=100, cameras=("center",))
    lines = (folder / LOG).read_text().splitlines()
    standing = [line.rsplit(",", 3)[0] + ",0,0,0.1" for line in lines[:30]]
    (folder / LOG).write_text("\n".join([*standing, *lines[30:]]))
    data = load_rows(config(folder))
    assert data.split.validation.tolist() == list(range(40, 60))
    assert data.split.train.tolist() == list(range(79, 100))
    assert data.dropped == {"standing still": 21}  # but for those in the gap before the validation rows

    (folder / LOG).write_text("\n".join(line.rsplit(",", 3)[0] + ",0,0,0" for line in lines))
    with pytest.raises(UserError, match="nothing to learn: the car stands in all"):
        load_rows(config(folder))


def test_starting_off_and_an_unknown_speed_are_trained_on(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=60, cameras=("center",))
    lines = (folder / LOG).read_text().splitlines()
    starting = [line.rsplit(",", 3)[0] + ",1,0,0" for line in lines]
    (folder / LOG).write_text("\n".join(starting))
    assert not load_rows(config(folder)).dropped
    (folder / LOG).write_text(
        "center,steering\n" + "\n".join(f"{line.split(',')[0]},0.{i}" for i, line in enumerate(lines))
    )
    assert not load_rows(config(folder)).dropped


def test_a_weight_behind_a_recording_counts_its_rows_more_often(tmp_path: Path) -> None:
    make_recording(tmp_path / "a", n=60, cameras=("center",))
    make_recording(tmp_path / "b", n=60, cameras=("center",), seed=1)
    data = load_rows(config(Path(f"{tmp_path / 'a'}=2.5"), tmp_path / "b"))
    assert data.rows.weight is not None
    weight_of = {int(number): data.rows.weight[data.rows.recording == number].tolist() for number in (0, 1)}
    assert weight_of == {0: [2.5] * 60, 1: [1.0] * 60}
    assert load_rows(config(tmp_path / "a", tmp_path / "b")).rows.weight is None
    row, steering = np.arange(120), data.rows.steering_angle
    drawn = draw_pass(row, steering, 0.0, 1.0, np.random.default_rng(0), data.rows.weight)
    counts = np.bincount(drawn, minlength=120)
    assert set(counts[:60].tolist()) == {2, 3}
    assert set(counts[60:].tolist()) == {1}


def test_an_existing_path_wins_over_a_weight(tmp_path: Path) -> None:
    make_recording(tmp_path / "lap=2", n=60, cameras=("center",))
    assert split_weight(tmp_path / "lap=2") == (tmp_path / "lap=2", 1.0)
    assert split_weight(tmp_path / "lap=2=3") == (tmp_path / "lap=2", 3.0)
    assert load_rows(config(tmp_path / "lap=2")).rows.weight is None
    for weight in ("0", "-1", "1e9", "nan"):
        with pytest.raises(UsageError, match="expected a weight above 0"):
            split_weight(tmp_path / f"lap={weight}")
    with pytest.raises(UserError, match="lap=two: no such file or folder"):
        load_rows(config(tmp_path / "lap=two"))


def test_the_unit_of_the_command_line_reaches_the_labels(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=60, steering=lambda i: (i % 11 - 5) / 10, cameras=("center",))
    expected = load_rows(config(folder)).rows.steering_angle
    lines = [line.split(",") for line in (folder / LOG).read_text().splitlines()]
    (folder / LOG).write_text("".join(f"{cells[0]},{-25 * float(cells[3])}\n" for cells in lines))
    read = load_rows(config(folder, steering_unit="degrees", steering_sign="left")).rows.steering_angle
    np.testing.assert_allclose(read, expected, atol=1e-6)


def without_center(folder: Path, rows: range) -> Path:
    for path in sorted((folder / "IMG").glob("center_*"))[rows.start : rows.stop]:
        path.unlink()
    return folder


def test_rows_with_side_images_only_are_trained_on_and_counted_as_by_the_checkup(tmp_path: Path) -> None:
    folder = without_center(make_recording(tmp_path / "lap", n=240), range(10))
    data = load_rows(config(folder))
    [checked] = check_recordings(scan_folders([folder]), "header")
    assert len(data.rows) == checked.usable_rows == 240
    assert not data.dropped
    assert set(range(10)) <= set(data.split.train.tolist())
    [note] = data.notes
    assert checked.recording is not None
    assert note.endswith(checked.recording.notes[-1])
    assert "10 rows have no center image" in note
    samples = list_samples(data.rows, data.split, CAMERAS)
    trained = samples.row[samples.n_validation :] < 10
    assert Counter(samples.camera[samples.n_validation :][trained].tolist()) == {1: 10, 2: 10}


def test_no_row_is_validated_on_without_its_center_image(tmp_path: Path) -> None:
    folder = make_recording(tmp_path / "lap", n=240)
    first = int(load_rows(config(folder)).split.validation[0])
    data = load_rows(config(without_center(folder, range(first, first + 3))))
    assert data.dropped == {"no center image, where rows are validated on": 3}
    assert first not in np.concatenate([data.split.validation, data.split.train])
    assert data.rows.has_camera("center")[data.split.validation].all()


def test_nothing_but_side_images_cannot_be_validated_on(tmp_path: Path) -> None:
    folder = without_center(make_recording(tmp_path / "lap", n=240), range(240))
    with pytest.raises(UserError, match=r"validation rows has a center image.*--validate-on"):
        load_rows(config(folder))
    whole = make_recording(tmp_path / "whole", n=60, start=START + datetime.timedelta(hours=1), seed=1)
    assert len(load_rows(config(folder, validate_on=(whole,))).split.train) == 240


def test_the_center_camera_alone_has_no_use_for_rows_of_side_images(tmp_path: Path) -> None:
    folder = without_center(make_recording(tmp_path / "lap", n=240), range(10))
    data = load_rows(config(folder, cameras="center"))
    assert len(data.rows) == 230
    assert data.dropped == {"center: missing image": 10}


def test_baselines_and_side_correction_are_of_rows_with_all_they_need(tmp_path: Path) -> None:
    folder = without_center(make_recording(tmp_path / "lap", n=240), range(10))
    data, reader = load_rows(config(folder)), FrameReader()
    corrected = with_side_correction(config(folder), data.rows, data.split.train).side_correction
    whole = with_side_correction(config(folder), data.rows, data.split.train[data.split.train >= 10]).side_correction
    assert corrected == whole
    validated = data.split.validation
    means = SecondMeans.from_rows(data.rows).of(validated)
    scored = ValidationSet(np.arange(len(validated)), validated, data.rows.labels[validated], means)
    assert "ridge" in scored.score_baselines(data.rows, data.split, reader)
    only_sides = Split(np.arange(10), validated, 0)
    assert list(scored.score_baselines(data.rows, only_sides, reader)) == ["always zero"]
    assert not reader.bad
