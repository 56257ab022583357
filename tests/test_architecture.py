"""The shape of the house: four floors, quick entry scripts, a fixed top level."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FLOORS = ("drive", "train", "models", "simulator_bridge")
SCRIPTS = [
    path.relative_to(ROOT).as_posix()
    for floor in FLOORS
    for path in sorted((ROOT / floor).rglob("*.py"))
    if 'if __name__ == "__main__":' in path.read_text()
]


def test_imports_go_only_downwards() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_works_from_any_directory_and_imports_nothing_heavy(script: str, tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", str(ROOT / script), "--help"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.startswith("usage:")
    imported = set(re.findall(r"\|\s+([a-z_0-9]+)(?:\.|$)", result.stderr, flags=re.MULTILINE))
    assert "argparse" in imported, "the import log was not read"
    assert not imported & {"tensorflow", "keras", "h5py", "cv2", "panda3d", "ai_edge_litert"}


def test_every_script_answers_a_wrong_flag_with_exit_code_2() -> None:
    for script in SCRIPTS:
        command = [sys.executable, str(ROOT / script), "--no-such-flag"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 2, script
        assert "Traceback" not in result.stderr


def test_no_file_shadows_a_module_that_the_scripts_import() -> None:
    # `python train/clone.py` would put train/ first on sys.path: a file named as a library would win over it
    libraries = {
        "keras",
        "tensorflow",
        "numpy",
        "socketio",
        "engineio",
        "flask",
        "eventlet",
        "h5py",
        "rich",
        "cv2",
        "PIL",
    }
    names = {path.stem for floor in FLOORS for path in (ROOT / floor).rglob("*.py")} - {"__init__"}
    assert not names & (libraries | set(sys.stdlib_module_names) - {"dataset"})
