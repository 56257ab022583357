"""Ctrl-C at any time says what is saved, or that nothing is."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.made_recording import make_recording
from train import clone


def replace_file(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(b"new")
    new.replace(path)


OLD_MODEL, OLD_CHECKPOINT = "model.h5", "model.h5.checkpoint"
CASES: list[tuple[str, list[str], list[str], list[str], str]] = [
    ("at first", [], [], [], r"nothing saved, there is no \S*model.h5; the same command starts again"),
    ("a model", [OLD_MODEL], [], [], r"nothing saved, \S*model.h5 is unchanged; the same command starts again"),
    ("an older training", [OLD_CHECKPOINT], [], [], r"nothing saved.*checkpoint, an older training, is unchanged"),
    ("an epoch", [OLD_MODEL], [OLD_CHECKPOINT], [], r"model.h5 is unchanged; .*all whole epochs, --resume goes on"),
    ("resumed", [OLD_CHECKPOINT], [], ["--resume"], r"there is no .*all whole epochs, --resume goes on"),
    ("saved", [OLD_MODEL], [OLD_MODEL], [], r"model.h5 is saved"),
]


@pytest.mark.parametrize(
    ("before", "written", "more", "words"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_ctrl_c_says_what_it_leaves(
    before: list[str],
    written: list[str],
    more: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in before:
        (tmp_path / name).write_bytes(b"old")

    def interrupted(config: object, key: bytes) -> int:
        for name in written:
            replace_file(tmp_path / name)
        raise KeyboardInterrupt

    monkeypatch.setattr(clone, "train_and_report", interrupted)
    assert clone.main(["lake", "--output", str(tmp_path / "model.h5"), *more]) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("stopped by Ctrl-C")
    assert re.search(words, line), line


@pytest.mark.parametrize("stops", ["by itself", "while it reads"])
def test_a_training_stopped_before_its_first_epoch_ended_says_so(
    stops: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(*arguments: object) -> None:
        if stops == "while it reads":
            raise KeyboardInterrupt

    step: Callable[..., None] = train
    monkeypatch.setattr(clone, "import_tensorflow", lambda: None)
    monkeypatch.setitem(sys.modules, "train.training", SimpleNamespace(train=step))
    recording = make_recording(tmp_path / "lake", 150)
    assert clone.main([str(recording), "--output", str(tmp_path / "model.h5")]) == 130
    assert "before the first epoch ended: nothing saved" in capsys.readouterr().err
