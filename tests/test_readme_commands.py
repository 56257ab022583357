"""The commands that the documents tell a reader to type: their scripts, flags and targets exist."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.source_tree import SCRIPTS, help_of

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "train").glob("*.md"))]
COMMAND = re.compile(r"(?<![\w/.-])python3? +(?P<program>[\w./-]+\.py|-m +[\w.]+)(?P<arguments>[^`\n&;|]*)")
TARGET = re.compile(r"(?:^ {4,}|^|`)make +(?P<target>[a-z][a-z-]*)", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """A command of a document: `where` is for people, `program` a script's path or `-m` and a module."""

    where: str
    program: str
    flags: tuple[str, ...]


def commands_in(document: str, text: str) -> list[Command]:
    """Every `python ...` of a text, in a block or between back-ticks; a line that ends in a backslash goes on."""
    joined = re.sub(r"\\\n\s*", " ", text)
    found = []
    for match in COMMAND.finditer(joined):
        arguments = match["arguments"].partition(" #")[0].strip()
        flags = [word.partition("=")[0].rstrip(",.:)") for word in _words(arguments) if word.startswith("--")]
        found.append(Command(f"{document}: {match[0].strip()}", " ".join(match["program"].split()), tuple(flags)))
    return found


def _words(arguments: str) -> list[str]:
    try:
        return shlex.split(arguments)
    except ValueError:  # an apostrophe of the sentence around it
        return arguments.split()


COMMANDS = [each for path in DOCUMENTS for each in commands_in(path.name, path.read_text(encoding="utf-8"))]


def test_the_readme_names_commands() -> None:
    assert {"train/clone.py", "drive/server.py"} <= {command.program for command in COMMANDS}


@pytest.mark.parametrize("program", sorted({command.program for command in COMMANDS}))
def test_every_command_of_the_documents_is_accepted(program: str) -> None:
    if program.startswith("-m "):
        module = program.removeprefix("-m ")
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file() or "." not in module, module
        return
    if program not in SCRIPTS:
        assert (ROOT / program).is_file(), f"no such script: {program}"
        return
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", help_of(program)))
    wrong = [command.where for command in COMMANDS if command.program == program and set(command.flags) - known]
    assert wrong == [], f"{program} has no such flag"


def test_every_make_target_of_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {
        (path.name, match["target"])
        for path in DOCUMENTS
        for match in TARGET.finditer(path.read_text(encoding="utf-8"))
    }
    assert named, "no document names a target"
    assert {target for _, target in named} <= targets


def test_a_command_is_read_with_its_flags_and_without_what_follows_it() -> None:
    text = """
    python train/clone.py recordings/ --arch A \\
        --weights A=FILE   # and --not-this
    python drive/laps.py m.h5 --laps=3 && python drive/video.py R film.mp4 --saliency
    for i in 1 2; do python simulator_bridge/simulate.py --track random:$i; done
It is `python drive/doctor.py model.h5 --port 1` that says why, and --this is prose. `python -m tests.support.x A`.
"""
    assert [(command.program, command.flags) for command in commands_in("made", text)] == [
        ("train/clone.py", ("--arch", "--weights")),
        ("drive/laps.py", ("--laps",)),
        ("drive/video.py", ("--saliency",)),
        ("simulator_bridge/simulate.py", ("--track",)),
        ("drive/doctor.py", ("--port",)),
        ("-m tests.support.x", ()),
    ]


def test_documents_link_only_to_files_that_exist() -> None:
    missing = [
        f"{path.name}: {target}"
        for path in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not _exists(path, target)
    ]
    assert missing == []


def _exists(document: Path, target: str) -> bool:
    return (document.parent / target).exists()
