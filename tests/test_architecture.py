"""The shape of the house: four floors, rooms without circles, quick entry scripts, names that say one thing."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.source_tree import PROGRAMS, SCRIPTS, SOURCES, module_name, syntax_tree

MAX_FILES_OF_A_FOLDER = 24
MAX_LINES_OF_A_FILE = 400
MAX_LINES_OF_A_FUNCTION = 60
FACES = {"simulator_bridge.recording", "simulator_bridge.track"}  # packages that give others' names out
ALL_PYTHON = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "examples").rglob("*.py"))]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_imports_go_only_downwards_and_in_no_circle() -> None:
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


def test_no_file_has_the_name_of_a_library() -> None:
    # `python train/clone.py` puts train/ first on sys.path: a file named as a library would win over it
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    ours = {re.match(r"[\w.-]+", line).group().lower().replace("_", "-") for line in required}  # type: ignore[union-attr]
    libraries = {
        package
        for package, distributions in importlib.metadata.packages_distributions().items()
        if ours & {name.lower().replace("_", "-") for name in distributions}
    }
    assert {"keras", "numpy", "cv2", "PIL", "socketio"} <= libraries, "the installed libraries were not found"
    names = {path.stem for path in SOURCES} - {"__init__"}
    assert not names & (libraries | set(sys.stdlib_module_names))


def test_no_two_files_have_one_name() -> None:
    counts = Counter(path.stem for path in ALL_PYTHON if path.stem != "__init__")
    assert [name for name, count in counts.items() if count > 1] == []


def test_no_folder_has_the_name_of_a_script() -> None:
    # a package drive/laps/ would shadow drive/laps.py, and the type checker would pass over the script without a word
    scripts = {path.stem for path in PROGRAMS}
    folders = {part for path in SOURCES for part in path.relative_to(ROOT).parts[:-1]}
    assert not folders & scripts


def test_no_folder_has_too_many_files() -> None:
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in ALL_PYTHON if path.name != "__init__.py")
    assert {folder: count for folder, count in counts.items() if count > MAX_FILES_OF_A_FOLDER} == {}


def test_no_file_is_too_long() -> None:
    lengths = {module_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES_OF_A_FILE} == {}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{module_name(path)}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, FUNCTIONS)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES_OF_A_FUNCTION} == {}


def test_only_the_two_faces_give_out_names_of_other_modules() -> None:
    # what is imported and not used is found by ruff, what is imported from a module that imported it, by mypy
    doors = set()
    for path in SOURCES:
        nodes = list(ast.walk(syntax_tree(path)))
        has_list = any(isinstance(node, ast.Name) and node.id == "__all__" for node in nodes)
        renames = any(
            alias.asname is not None and alias.asname == alias.name.rpartition(".")[2]
            for node in nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        )
        has_content = path.name == "__init__.py" and len(syntax_tree(path).body) > 1
        if has_list or renames or has_content:
            doors.add(module_name(path))
    assert doors == FACES


def test_the_commit_hooks_run_what_make_check_runs() -> None:
    checks = re.search(r"^check: setup (.*?)\s*##", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    hooks = re.findall(r"entry: make ([\w-]+)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert checks is not None
    assert hooks == checks[1].split()


def test_the_files_that_make_mutants_reads_exist() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    named = [*settings["only_mutate"], *settings["pytest_add_cli_args_test_selection"]]
    assert [path for path in named if not (ROOT / path).is_file()] == []
