"""Floors also hold for what is started as a process, where no import shows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support.paths import ROOT
from tests.support.source_tree import FLOORS, SOURCES

# Who may start a process at all. Everybody else starts a script of ours through the first.
STARTERS = {
    "simulator_bridge/cli/child_process.py": "the one that all others use",
    "drive/cockpit/overlay_maps.py": "frames go through its pipes as bytes",
    "simulator_bridge/cli/python_check.py": "starts none: it names the Python that is a wrong one",
    "drive/foreign_server.py": "somebody else's server, by its command line",
}
STARTING = {
    "subprocess": {"Popen", "run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"},
    "os": {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"}
    | {f"{kind}{way}" for kind in ("exec", "spawn") for way in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")},
    "runpy": {"run_path", "run_module"},
    "asyncio": {"create_subprocess_exec", "create_subprocess_shell"},
    "pty": {"spawn"},
}


def scripts_of_higher_floors(path: str, source: str) -> list[str]:
    """Each file of the project that `source` names in a string, and that lies on a higher floor than `path`."""
    return [
        f"{path}:{node.lineno} names {node.value}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".py")
        if (ROOT / node.value).is_file() and _floor(node.value) < _floor(path)
    ]


def process_starts(path: str, source: str) -> list[str]:
    """Each place in `source` that starts a process by Python's own means."""
    return [f"{path}:{line} uses {name}" for line, name in _uses(ast.parse(source)) if path not in STARTERS]


def _floor(path: str) -> int:
    """From the top; what is outside of the floors lies above them all."""
    folder = path.split("/")[0]
    return FLOORS.index(folder) if folder in FLOORS else -1


def _uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in STARTING.get(node.value.id, ()):
                yield node.lineno, f"{node.value.id}.{node.attr}"
            if (node.value.id, node.attr) == ("sys", "executable"):
                yield node.lineno, "sys.executable"
        elif isinstance(node, ast.ImportFrom) and node.module in STARTING:
            names = {alias.name for alias in node.names} & STARTING[node.module]
            yield from ((node.lineno, f"{node.module}.{name}") for name in names)
        elif isinstance(node, ast.Call) and _is_program_by_name(node):
            yield node.lineno, "a program of ours by its module's name"


def _is_program_by_name(call: ast.Call) -> bool:
    """`start([python, "-m", "drive.laps"])`."""
    words = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "-m" in words and any(word.split(".")[0] in FLOORS for word in words)


def test_scripts_are_started_only_by_their_own_or_a_higher_floor() -> None:
    sources = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in SOURCES}
    named = sum(source.count('script("') for source in sources.values())
    assert named > 3, "no script is named by script(...) any more"
    assert [each for path, source in sources.items() for each in scripts_of_higher_floors(path, source)] == []


def test_processes_are_started_in_one_place() -> None:
    sources = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in SOURCES}
    assert [each for path, source in sources.items() for each in process_starts(path, source)] == []
    unused = [path for path in STARTERS if not list(_uses(ast.parse(sources[path])))]
    assert unused == [], "starts no process any more: take it off the list"


def test_a_script_of_a_higher_floor_is_noticed_however_it_is_named() -> None:
    named = 'LAPS = script("drive/laps.py")'
    listed = 'start(["drive/laps.py", "--laps", "1"])'
    for source in (named, listed):
        assert scripts_of_higher_floors("simulator_bridge/cli/made_up.py", source) == [
            "simulator_bridge/cli/made_up.py:1 names drive/laps.py"
        ]
        assert scripts_of_higher_floors("drive/made_up.py", source) == []
        assert scripts_of_higher_floors("train/made_up.py", source) == []
    assert len(scripts_of_higher_floors("train/made_up.py", 'script("tests/fuzz_server.py")')) == 1
    assert scripts_of_higher_floors("models/made_up.py", 'raise E("train one with train/clone.py")') == []


def test_a_process_started_past_child_process_is_noticed() -> None:
    sources = [
        "import subprocess\nsubprocess.run(command)",
        "from subprocess import Popen\n",
        "import os\nos.execv(python, words)",
        "import runpy\nrunpy.run_path('x')",
        "import sys\nwords = [sys.executable, 'x']",
        "start([python, '-m', 'drive.laps'])",
    ]
    assert [len(process_starts("train/made_up.py", source)) for source in sources] == [1] * len(sources)
    assert process_starts("simulator_bridge/cli/child_process.py", sources[0]) == []
