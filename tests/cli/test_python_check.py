"""A wrong Python or a missing package: one line that says what to do, for every script, and for make."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulator_bridge.cli.python_check import python_problem, what_to_run
from tests.support.paths import ROOT

FOLDERS = ("train", "drive", "models", "simulator_bridge", "examples", "docs")
SCRIPTS = [
    path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.py")) if "__main__" in path.read_text()
]
CHECK = ROOT / "simulator_bridge" / "cli" / "python_check.py"
AS_PYTHON_3_8 = "import sys, runpy; sys.version_info = (3, 8, 18); runpy.run_path({!r}, run_name='__main__')"


def run_python(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-E", "-S", *map(str, arguments)], capture_output=True, text=True)


def test_the_scripts_are_found() -> None:
    assert {"clone.py", "server.py", "table.py", "simulate.py", "gym_rollout.py"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_without_its_packages_says_what_to_do_in_one_line(script: Path) -> None:
    ended = run_python(script, "--help")  # -S: no package is found
    if ended.returncode == 0:  # its help needs none
        return
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: the package ")
    assert "activate" in line


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_understood_by_an_old_python_and_says_which_it_needs(script: Path) -> None:
    ast.parse(script.read_text(), feature_version=(3, 8))
    body = ast.parse(script.read_text()).body
    first = next(node for node in body if isinstance(node, ast.If))
    assert "import simulator_bridge.cli.python_check" in ast.unparse(first), "before anything else of the project"
    before = [node for node in body[: body.index(first)] if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [node for node in before if ast.unparse(node).split()[1].partition(".")[0] in FOLDERS]


def test_an_old_python_is_told_so_in_one_line() -> None:
    ast.parse(CHECK.read_text(), feature_version=(3, 6))
    ended = run_python("-c", AS_PYTHON_3_8.format(str(ROOT / "train" / "clone.py")))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "expected Python 3.11 to 3.13, got 3.8.18" in line
    assert "activate" in line


@pytest.mark.parametrize(
    ("version", "is_right"),
    [((3, 10, 13), False), ((3, 11, 0), True), ((3, 13, 9), True), ((3, 14, 0), False)],
    ids=str,
)
def test_the_versions_are_those_of_pyproject(version: tuple[int, ...], is_right: bool) -> None:
    assert (python_problem(version) == "") == is_right
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text()


def test_an_environment_that_is_there_is_activated_and_else_made(tmp_path: Path) -> None:
    assert what_to_run(str(tmp_path), windows=False).startswith(f"make -C {tmp_path} setup PYTHON=python3.")
    assert " -m venv " in what_to_run(str(tmp_path), windows=True)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    assert what_to_run(str(tmp_path), windows=False) == f". {tmp_path}/.venv/bin/activate"


def test_a_fault_of_our_own_keeps_its_traceback() -> None:
    fault = "import sys; sys.path[0] = {!r}; import simulator_bridge.cli.python_check; import simulator_bridge.nothing"
    assert "Traceback" in run_python("-c", fault.format(str(ROOT))).stderr


# What a Python does when make calls it: the check as the version that is wanted, `-m venv`, pip.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
*python_check) exec {real} -E -S -c "import sys; sys.version_info = {version}; $2" ;;
"-m venv "*) mkdir -p "$3/bin"; {make_venv} ;;
esac
"""
MAKES_ONE = 'cp "$0" "$3/bin/python"; printf "#!/bin/sh\\n" > "$3/bin/pip"; chmod +x "$3/bin/pip"'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "simulator_bridge/cli/python_check.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def fake_python(folder: Path, name: str, version: tuple[int, ...], make_venv: str = MAKES_ONE) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FAKE_PYTHON.format(real=sys.executable, version=version, make_venv=make_venv))
    path.chmod(0o755)
    return path


def make_setup(checkout: Path, python: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-C", checkout, "setup", f"PYTHON={python}"], capture_output=True, text=True)


def test_make_refuses_a_wrong_python_before_it_makes_anything(checkout: Path) -> None:
    ended = make_setup(checkout, fake_python(checkout, "old", (3, 9, 2)))
    assert ended.returncode != 0
    assert "expected Python 3.11 to 3.13, got 3.9.2" in ended.stderr
    assert "setup PYTHON=python3." in ended.stderr
    assert not (checkout / ".venv").exists()


def test_make_removes_an_environment_that_could_not_be_made(checkout: Path) -> None:
    ended = make_setup(checkout, fake_python(checkout, "broken", (3, 11, 2), "exit 1"))
    assert ended.returncode != 0
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("left", [(3, 9, 2), None], ids=["of a wrong Python", "without a pip"])
def test_make_replaces_what_a_failed_try_has_left(checkout: Path, left: tuple[int, ...] | None) -> None:
    if left is None:
        fake_python(checkout, ".venv/bin/python", (3, 11, 2))
    else:
        fake_python(checkout, ".venv/bin/python", left)
        fake_python(checkout, ".venv/bin/pip", left)
    ended = make_setup(checkout, fake_python(checkout, "right", (3, 12, 1)))
    assert ended.returncode == 0, ended.stderr
    assert "a minute or two" in ended.stdout, "what is silent for so long says so first"
    assert (checkout / ".venv" / ".installed").is_file()
    assert (checkout / ".venv" / "bin" / "python").read_text() == (checkout / "right").read_text()


def test_make_keeps_an_environment_that_works(checkout: Path) -> None:
    make_setup(checkout, fake_python(checkout, "right", (3, 12, 1)))
    (checkout / ".venv" / "mine").touch()
    (checkout / ".venv" / ".installed").unlink()
    assert make_setup(checkout, fake_python(checkout, "old", (3, 9, 2))).returncode == 0, "no Python is needed any more"
    assert (checkout / ".venv" / "mine").exists()
