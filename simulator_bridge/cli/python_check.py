"""One line instead of a traceback where a script runs under a wrong Python, or without a package that it needs.

Every script imports this before anything else of the project, and so does the Makefile. Older Pythons than the
project's must understand this file, back to 3.6: no `from __future__`, no newer syntax.
"""

import os
import shutil
import sys
from types import TracebackType

OLDEST, NEWEST = (3, 11), (3, 13)  # as pyproject.toml says
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def python_problem(version: "tuple[int, ...]") -> str:
    """What is wrong with a Python of this version; empty if nothing is."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return ""
    return f"expected Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, got {'.'.join(map(str, version[:3]))} ({sys.executable})"


def suitable_python() -> str:
    """A Python of the right version that this computer has, by its name; the newest such name if it has none."""
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    return next((name for name in names if shutil.which(name)), names[0])


def what_to_run(root: str = ROOT, windows: bool = os.name == "nt") -> str:
    """The commands after which the scripts run, for a terminal."""
    venv = os.path.join(root, ".venv")
    script = os.path.join(venv, "Scripts", "activate") if windows else os.path.join(venv, "bin", "activate")
    activate = script if windows else f". {script}"
    if os.path.isfile(script) and os.path.realpath(sys.prefix) != os.path.realpath(venv):
        return activate
    if windows:
        constraints = os.path.join(root, "constraints.txt")
        return f"py -3.{NEWEST[1]} -m venv {venv} && {activate} && pip install -c {constraints} -e {root}"
    return f"make -C {root} setup PYTHON={suitable_python()} && {activate}"


def report_missing_package(
    kind: "type[BaseException]", error: BaseException, traceback: "TracebackType | None"
) -> None:
    """As `sys.excepthook`: a package that is not installed is named in one line; all else keeps its traceback."""
    package = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and package and not os.path.isdir(os.path.join(ROOT, package)):
        print_error(f"the package {package} is not installed for {sys.executable}; run first:  {what_to_run()}")
    else:
        sys.__excepthook__(kind, error, traceback)


def print_error(line: str) -> None:
    """Print it as scripts print theirs."""
    sys.stderr.write(f"error: {line}\n")


PROBLEM = python_problem(sys.version_info[:3])
if PROBLEM:
    print_error(f"{PROBLEM}; run first:  {what_to_run()}")
    sys.exit(1)
sys.excepthook = report_missing_package
