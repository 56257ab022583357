from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.output_file import PartialFile, check_output, check_output_folder, replacing, write_json
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
