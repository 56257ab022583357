"""A model whose place refuses it is not lost."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models.saving import CannotWriteError
from tests.support.paths import ROOT
from train.outputs import safe_saving
from train.outputs.safe_saving import PAUSE_S, TRY_AGAIN_S, TRY_ON_S, save_safely

FULL = "cannot be written: No space left on device"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A folder for the output, with an older model in it, and the only other one that there is."""
    output, home = tmp_path / "out" / "model.h5", tmp_path / "home"
    output.parent.mkdir()
    home.mkdir()
    output.write_bytes(b"older")
    monkeypatch.setattr(safe_saving, "_other_folders", lambda: [tmp_path / "missing", home])
    return output, home


def saving_to(*folders: Path) -> Callable[[Path], str]:
    """Saves in these folders only."""

    def save(place: Path) -> str:
        if place.parent not in folders:
            raise CannotWriteError(f"{place}: {FULL}")
        place.write_bytes(b"model")
        return "saved"

    return save


def pausing(*then: Callable[[], object]) -> tuple[Callable[[float], None], list[float]]:
    """A pause in which these things happen in turn, and the pauses that there were."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) <= len(then):
            then[len(pauses) - 1]()

    return pause, pauses


def no_pause(seconds: float) -> None:
    pytest.fail("there is nothing to wait for")


def no_room(*arguments: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_place_that_takes_the_model_is_all_that_is_needed(places: tuple[Path, Path]) -> None:
    output, home = places
    assert save_safely(output, saving_to(output.parent), keep_previous=True, pause=no_pause) == "saved"
    assert list(home.iterdir()) == []


def test_a_model_is_kept_elsewhere_at_once_and_moves_in_when_there_is_room(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    output, home = places
    monkeypatch.setattr(shutil, "copyfile", no_room)
    kept: list[Path] = []
    pause, pauses = pausing(lambda: kept.extend(home.iterdir()), monkeypatch.undo)

    with caplog.at_level(logging.WARNING):
        assert save_safely(output, saving_to(home), keep_previous=True, pause=pause) == "saved"
    assert output.read_bytes() == b"model"
    assert output.with_name("model.previous.h5").read_bytes() == b"older"
    assert f"{output}: {FULL}; the model is safe in {kept[0]}; make room" in caplog.text
    assert pauses == [PAUSE_S] * 2
    assert list(home.iterdir()) == []


def test_a_place_that_stays_full_ends_with_where_the_model_is_and_how_to_move_it(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    output, home = places
    monkeypatch.setattr(shutil, "copyfile", no_room)
    pause, pauses = pausing()

    with pytest.raises(CannotWriteError) as info:
        save_safely(output, saving_to(home), keep_previous=True, pause=pause)
    (kept,) = home.iterdir()
    assert kept.read_bytes() == b"model"
    assert output.read_bytes() == b"older"
    assert [path.name for path in output.parent.iterdir()] == ["model.h5"]
    assert str(info.value) == f"{output}: {FULL}; the model is in {kept}, once there is room: mv {kept} {output}"
    assert sum(pauses) == TRY_AGAIN_S


def test_on_windows_a_model_is_moved_by_the_command_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_saving, "WINDOWS", True)
    assert safe_saving._move(Path("my models/m.h5"), Path("model.h5")) == 'move "my models/m.h5" "model.h5"'


def test_ctrl_c_ends_the_waiting_and_not_the_model(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def ctrl_c() -> None:
        raise KeyboardInterrupt

    output, home = places
    monkeypatch.setattr(shutil, "copyfile", no_room)
    pause, pauses = pausing(ctrl_c)
    with pytest.raises(CannotWriteError, match="the model is in"):
        save_safely(output, saving_to(home), keep_previous=True, pause=pause)
    assert len(list(home.iterdir())) == len(pauses) == 1


def test_where_no_place_takes_it_it_is_tried_for_longer(places: tuple[Path, Path]) -> None:
    output, _ = places
    room: list[Path] = []
    pause, pauses = pausing(*[lambda: None] * 20, lambda: room.append(output.parent))
    assert save_safely(output, lambda place: saving_to(*room)(place), keep_previous=True, pause=pause) == "saved"
    assert len(pauses) == 21

    pause, pauses = pausing()
    with pytest.raises(CannotWriteError, match="nothing was saved"):
        save_safely(output, saving_to(), keep_previous=True, pause=pause)
    assert sum(pauses) == TRY_ON_S


def test_a_model_that_is_wrong_is_no_matter_of_the_disk(places: tuple[Path, Path]) -> None:
    def save(place: Path) -> None:
        raise ValueError("has the training diverged?")

    with pytest.raises(ValueError, match="diverged"):
        save_safely(places[0], save, keep_previous=True, pause=no_pause)


def test_a_disk_that_is_really_full_loses_no_model(tmp_path: Path) -> None:
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    disk, home = tmp_path / "disk", tmp_path / "home"
    disk.mkdir()
    home.mkdir()
    mount = 'mount -t tmpfs -o size=3m tmpfs "$0"'
    if shutil.which("unshare") is None or subprocess.run([*own_mounts, mount, disk], capture_output=True).returncode:
        pytest.skip("may not mount a tiny file system here")
    program = f'{mount}; exec "$1" -m tests.support.processes.save_on_full_disk "$0" "$2"'
    run = subprocess.run(
        [*own_mounts, program, str(disk), sys.executable, str(home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert f"the model is safe in {home}/model-" in run.stderr
    assert "Traceback" not in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert json.loads(run.stdout) == {"disk": ["model.h5"], "files in home": [1, 0]}
