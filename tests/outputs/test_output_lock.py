"""Two trainings, or comparisons, to one output: the second is refused at once, and nothing is damaged."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator_bridge import file_lock
from simulator_bridge.file_lock import FileLock, NoLocksError
from train import clone, compare
from train.outputs import output_lock
from train.outputs.output_lock import lock_model


@pytest.fixture
def trained_to(tmp_path: Path) -> Iterator[Path]:
    """A model and a checkpoint to which a training is running."""
    output = tmp_path / "model.h5"
    output.write_bytes(b"model")
    output.with_name("model.h5.checkpoint").write_bytes(b"checkpoint")
    lock = FileLock(output.with_name(".model.h5.lock"))
    yield output
    assert output.read_bytes() == b"model"
    assert output.with_name("model.h5.checkpoint").read_bytes() == b"checkpoint"
    lock.release()


@pytest.mark.parametrize("spelling", ["model.h5", "sub/../model.h5", "folder/model.h5", "link.h5"])
@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_second_training_is_refused_at_once_in_one_line(
    trained_to: Path, spelling: str, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained_to.parent
    (folder / "sub").mkdir()
    (folder / "folder").symlink_to(".")
    (folder / "link.h5").symlink_to("model.h5")

    assert clone.main(["no recording is looked at", "--output", str(folder / spelling), *more]) == 1
    error = capsys.readouterr().err
    assert f"another training is writing to it (process {os.getpid()} on" in error
    assert "name another --output" in error
    assert len(error.splitlines()) == 1


def test_another_output_in_the_same_folder_is_free(trained_to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert clone.main(["nowhere", "--output", str(trained_to.with_name("other.h5"))]) == 1
    assert "another training" not in capsys.readouterr().err


def test_workers_other_than_the_chief_write_nothing_and_lock_nothing(
    trained_to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clone, "train_and_report", lambda config, key: 0)
    workers = ["--workers", "127.0.0.1:4001,127.0.0.1:4002", "--worker"]
    assert clone.main(["lake", "--output", str(trained_to), *workers, "1"]) == 0
    assert clone.main(["lake", "--output", str(trained_to), *workers, "0"]) == 1


def test_the_lock_is_held_until_the_training_ends_however_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, held = tmp_path / "model.h5", []

    def train(config: object, key: bytes) -> int:
        held.append([path.name for path in tmp_path.iterdir()])
        raise KeyboardInterrupt

    monkeypatch.setattr(clone, "train_and_report", train)
    for _ in range(2):
        assert clone.main(["lake", "--output", str(output)]) == 130
    assert held == [[".model.h5.lock"]] * 2
    assert list(tmp_path.iterdir()) == []


def test_what_killed_trainings_left_unfinished_is_cleared_away(tmp_path: Path) -> None:
    left = [".model.12-0123abcd.partial.h5", ".model.h5.12-0123abcd.partial.checkpoint"]
    left.append(".model.previous.12-0123abcd.partial.h5")
    others = [
        ".model.b.12-0123abcd.partial.h5",
        "model.h5.checkpoint",
        "model.partial.h5",
        ".other.12-0123abcd.partial.h5",
    ]
    for name in (*left, *others):
        (tmp_path / name).touch()
    with lock_model(tmp_path / "model.h5", tmp_path / "model.h5.checkpoint"):
        assert {path.name for path in tmp_path.iterdir()} == {*others, ".model.h5.lock"}


def test_where_there_are_no_locks_it_is_said_and_trained_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_locks(path: Path) -> None:
        raise NoLocksError

    monkeypatch.setattr(output_lock, "FileLock", no_locks)
    with caplog.at_level(logging.WARNING), lock_model(tmp_path / "model.h5", tmp_path / "model.h5.checkpoint"):
        pass
    assert "knows no locks" in caplog.text


def test_a_second_comparison_into_one_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = file_lock.FileLock(tmp_path / ".comparison.lock")
    assert compare.main(["no recording is looked at", "--output", str(tmp_path)]) == 1
    assert "another comparison is writing into it (process" in capsys.readouterr().err
    lock.release()
