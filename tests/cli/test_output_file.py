from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.output_file import (
    PartialFile,
    check_output,
    check_output_folder,
    new_folder,
    previous_of,
    replacing,
    write_json,
)
from simulator_bridge.errors import ModelFileError, UserError


@dataclass
class Lap:
    time_s: float
    model: Path
    cte: object


def test_what_json_has_no_word_for_becomes_null_at_any_depth() -> None:
    lap = Lap(math.nan, Path("a/model.h5"), {"left": (1.5, math.inf), "right": np.array([[1.0, np.nan]])})
    assert to_json_value([lap, np.float32(2), np.int64(3), None, True]) == [
        {"time_s": None, "model": "a/model.h5", "cte": {"left": [1.5, None], "right": [[1.0, None]]}},
        2.0,
        3,
        None,
        True,
    ]


def test_json_is_written_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    write_json(tmp_path / "laps.json", {"score": math.nan})
    assert json.loads((tmp_path / "laps.json").read_text()) == {"score": None}
    assert [path.name for path in tmp_path.iterdir()] == ["laps.json"]


def test_a_dash_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    write_json(Path("-"), {"score": 1})
    assert json.loads(capsys.readouterr().out) == {"score": 1}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("bug")])
def test_what_was_there_survives_a_failure(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "model.h5"
    path.write_text("old")

    def write() -> None:
        with replacing(path) as partial:
            partial.write_text("new")
            raise error

    with pytest.raises((UserError, RuntimeError)) as info:
        write()
    assert isinstance(info.value, UserError) == isinstance(error, OSError)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["model.h5"]


def test_a_refusal_is_of_the_class_asked_for_and_names_the_place(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "model.h5"
    with (
        pytest.raises(ModelFileError, match=r"model.h5: cannot be written: No such file"),
        replacing(missing, ModelFileError) as partial,
    ):
        partial.write_text("new")


def test_the_content_is_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.h5"
    seen: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append(path.exists()))
    with replacing(path) as partial:
        partial.write_text("new")
    assert seen == [False]
    assert path.read_text() == "new"


def test_a_partial_file_becomes_the_file_by_commit_only(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("old")
    partial = PartialFile(path)
    partial.path.write_text("new")
    assert path.read_text() == "old"
    partial.commit()
    partial.discard()
    assert [each.name for each in tmp_path.iterdir()] == ["film.mp4"]
    assert path.read_text() == "new"


def test_two_writers_do_not_share_a_partial_file(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.json") as first, replacing(tmp_path / "a.json") as second:
        assert first != second
        assert first.suffix == second.suffix == ".json"
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "a.json").read_text() == "1"


def replace_keeping(path: Path, text: str) -> None:
    with replacing(path, keep_previous=True) as partial:
        partial.write_text(text)


def test_the_last_file_only_is_kept_as_the_previous_one(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    for number in range(4):
        replace_keeping(path, str(number))
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"model.h5": "3", "model.previous.h5": "2"}
    assert previous_of(path).read_text() == "2"


@pytest.mark.parametrize("has_links", [True, False])
def test_at_any_instant_a_whole_file_is_in_the_place_or_kept(
    has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, instants = tmp_path / "model.h5", []
    path.write_text("old")
    previous_of(path).write_text("older")
    link, replace = os.link, os.replace

    def look() -> None:
        instants.append((path.read_text() if path.exists() else None, previous_of(path).read_text()))

    def linked(source: Path, target: Path) -> None:
        if not has_links:
            raise PermissionError("no hard links here")
        link(source, target)
        look()

    def replaced(source: Path, target: Path) -> None:
        replace(source, target)
        look()

    monkeypatch.setattr(os, "link", linked)
    monkeypatch.setattr(os, "replace", replaced)
    replace_keeping(path, "new")
    with_links = [("old", "older"), ("old", "old"), ("new", "old")]
    assert instants == (with_links if has_links else [(None, "old"), ("new", "old")])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["model.h5", "model.previous.h5"]


def test_a_disk_that_refuses_the_new_file_leaves_the_old_one_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.h5"
    path.write_text("old")

    def full_disk(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(UserError, match="cannot be written: No space left on device"):
        replace_keeping(path, "new")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"model.h5": "old"}


def test_a_file_of_two_names_is_replaced_under_one(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_text("old")
    os.link(path, previous_of(path))
    replace_keeping(path, "new")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {
        "model.h5": "new",
        "model.previous.h5": "old",
    }


def test_a_link_stays_one_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "real.h5").write_text("old")
    (tmp_path / "model.h5").symlink_to("big/real.h5")
    replace_keeping(tmp_path / "model.h5", "new")
    assert (tmp_path / "model.h5").is_symlink()
    assert {each.name: each.read_text() for each in (tmp_path / "big").iterdir()} == {
        "real.h5": "new",
        "real.previous.h5": "old",
    }


def test_what_hdf5_says_of_a_full_disk_is_one_line(tmp_path: Path) -> None:
    words = (
        "Can't close file (file write failed: time = Sun\n, errno = 28, error message = 'No space left on device', buf"
    )
    assert str(PartialFile(tmp_path / "a.h5").refusal(OSError(words))).endswith("written: No space left on device")
    assert str(PartialFile(tmp_path / "a.h5").refusal(OSError("two\n lines"))).endswith("written: two lines")


@pytest.mark.parametrize("name", ["model.h5", "model.keras", "model.tflite", "driving_log.csv", "link.json"])
def test_a_result_never_takes_the_place_of_a_model_or_a_recording(tmp_path: Path, name: str) -> None:
    (tmp_path / "link.json").symlink_to("model.h5")
    with pytest.raises(UserError, match=rf"--json .*{name} is the name of a model or of a recording's log"):
        check_output("--json", tmp_path / name)
    check_output("--output", tmp_path / name, is_model=True)


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(UserError, match=r"--json /dev/null is a device or a pipe; name a file"):
        check_output("--json", Path("/dev/null"))


def test_a_place_that_cannot_be_written_is_refused_with_its_flag(tmp_path: Path) -> None:
    check_output("--json", None)
    check_output("--json", Path("-"))
    check_output("--json", tmp_path / "new.json")
    with pytest.raises(UserError, match=r"--json .* is a folder; name a file in it"):
        check_output("--json", tmp_path)
    with pytest.raises(UserError, match=r"--report .*: the folder .* does not exist"):
        check_output("--report", tmp_path / "no" / "a.html")


def test_a_folder_may_be_there_or_made_but_not_in_place_of_a_file(tmp_path: Path) -> None:
    check_output_folder("--record", None)
    check_output_folder("--record", tmp_path)
    check_output_folder("--record", tmp_path / "runs" / "lap1")
    assert not (tmp_path / "runs").exists(), "it is only checked"
    (tmp_path / "lap2").write_text("a file")
    for path in (tmp_path / "lap2", tmp_path / "lap2" / "below"):
        with pytest.raises(UserError, match=r"--record .*: .*lap2 is a file; name a folder"):
            check_output_folder("--record", path)


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with new_folder(tmp_path / "new") as partial:
        (partial / "file").write_text("whole")
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new" / "file").read_text() == "whole"
    with pytest.raises(UserError, match="exists already"), new_folder(tmp_path / "new"):
        pass
    with pytest.raises(UserError, match="the disk is full"):
        _write_half(tmp_path / "other")
    with pytest.raises(UserError, match="cannot be written"), new_folder(tmp_path / "new" / "file" / "below"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def _write_half(folder: Path) -> None:
    with new_folder(folder) as partial:
        (partial / "file").write_text("half")
        raise OSError(28, "the disk is full")
