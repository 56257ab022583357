"""The project's own Python files, for tests that read them rather than run them."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

FLOORS = ("train", "drive", "models", "simulator_bridge")  # from the top; imports and started scripts go downwards
SOURCES = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]
PROGRAMS = [path for path in SOURCES if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")]
SCRIPTS = [path.relative_to(ROOT).as_posix() for path in PROGRAMS]


def module_name(path: Path) -> str:
    """The dotted name of a file of the project: `train.clone`."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@functools.cache
def syntax_tree(path: Path) -> ast.Module:
    """Parsed once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@functools.cache
def help_of(script: str) -> str:
    """What a script prints for `--help`; asked once for all tests."""
    result = subprocess.run([sys.executable, str(ROOT / script), "--help"], capture_output=True, text=True, check=True)
    return result.stdout
