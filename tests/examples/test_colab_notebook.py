"""The notebook for Colab: it is one, and each command in it exists. It was not run there."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from tests.support.paths import ROOT
from tests.support.source_tree import SCRIPTS, help_of
from tests.test_documents import calls_in

NOTEBOOK = ROOT / "examples" / "colab.ipynb"


def cells(kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in read()["cells"] if cell["cell_type"] == kind]


def read() -> Any:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def commands() -> str:
    """All lines that the notebook gives to a shell."""
    return "\n".join(line[1:] for cell in cells("code") for line in cell.splitlines() if line.startswith("!"))


def test_it_is_a_notebook_without_results() -> None:
    notebook = read()
    assert notebook["nbformat"] == 4
    assert {"metadata", "nbformat_minor"} <= set(notebook)
    for cell in notebook["cells"]:
        assert {"cell_type", "metadata", "source"} <= set(cell)
        assert all(isinstance(line, str) for line in cell["source"])
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_its_python_is_python() -> None:
    for cell in cells("code"):
        ast.parse("\n".join(line for line in cell.splitlines() if not line.startswith(("!", "%"))))


def test_it_records_trains_drives_and_shows_the_film_that_it_made() -> None:
    called = [script for script, _ in calls_in(commands())]
    steps = ["simulator_bridge/simulate.py", "train/clone.py", "drive/laps.py"]
    assert sorted(steps, key=called.index) == steps
    (film,) = re.findall(r"--video (\S+)", commands())
    (small,) = re.findall(rf"ffmpeg .*-i {re.escape(film)} .* (\S+)$", commands(), flags=re.MULTILINE)
    assert f'Video("{small}"' in cells("code")[-1]
    recorded = re.findall(r"--record (\S+)/(?:forward|reverse)\b", commands())
    assert set(re.findall(r"train/clone\.py (\S+)", commands())) == set(recorded)
    (made,) = re.findall(r"--output (\S+)", commands())
    assert f"drive/laps.py {made} " in commands()


def test_every_command_of_it_is_accepted() -> None:
    calls = calls_in(commands())
    assert len(calls) >= 5
    for script, flags in calls:
        assert script in SCRIPTS
        known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", help_of(script)))
        assert not set(flags) - known, script
    for path in re.findall(r"--constraint (\S+)", commands()):
        assert (ROOT / path).is_file()
