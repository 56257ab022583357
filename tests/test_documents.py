"""What the documents name is there: links, headings, files, scripts with their flags, targets, pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.source_tree import SCRIPTS, help_of

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = "train|drive|models|simulator_bridge|examples|docs"
CALL = re.compile(rf"(?<!tests/)\b(?P<script>(?:{FOLDERS})/\w+\.py)(?P<arguments>(?: [^`|#;&\n]+)?)")
TARGET = re.compile(r"(?:^ {4,}|^|`)make +(?P<target>[a-z][a-z-]*)", re.MULTILINE)

Call = tuple[str, tuple[str, ...]]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def calls_in(text: str) -> list[Call]:
    """The scripts that a text calls, each with its flags, up to the end of the line or of the code."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [
        (call["script"], tuple(re.findall(r"(?<=\s)--[a-z][a-z-]*", call["arguments"])))
        for call in CALL.finditer(joined)
    ]


def links_in(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [link for link in found if not link.startswith(("http://", "https://", "mailto:"))]


def headings_in(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_in(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in headings_in(target), link


@pytest.mark.parametrize("page", [page for page in DOCUMENTS if page.name != "CHANGELOG.md"], ids=name_of)
def test_every_command_is_accepted(page: Path) -> None:
    for script, flags in calls_in(page.read_text(encoding="utf-8")):
        assert (ROOT / script).is_file(), script
        if flags and (script in SCRIPTS or script.startswith(("examples/", "docs/"))):
            known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", help_of(script)))
            assert not set(flags) - known, f"{script} has no such flag"


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {target for page in DOCUMENTS for target in TARGET.findall(page.read_text(encoding="utf-8"))}
    assert {"drive", "test", "check"} <= named
    assert named <= targets


def test_a_call_is_read_with_its_flags_and_without_what_follows_it() -> None:
    text = """
    python train/clone.py recordings/ --arch A \\
        --weights A=FILE   # and --not-this
    python drive/laps.py m.h5 --laps=3 && python drive/video.py R film.mp4 --saliency
| a row | `drive/latency.py model.h5 --cockpit` | and --this is prose |
"""
    assert calls_in(text) == [
        ("train/clone.py", ("--arch", "--weights")),
        ("drive/laps.py", ("--laps",)),
        ("drive/video.py", ("--saliency",)),
        ("drive/latency.py", ("--cockpit",)),
    ]


def test_the_readme_calls_scripts() -> None:
    called = {script for script, _ in calls_in((ROOT / "README.md").read_text(encoding="utf-8"))}
    assert {"train/clone.py", "drive/server.py", "drive/laps.py", "train/studio.py"} <= called


def test_files_that_contributing_names_exist() -> None:
    named = re.findall(rf"`((?:{FOLDERS})/[\w/]+\.\w+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_front_door_is_small() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 170
    assert sum(picture.stat().st_size for picture in (ROOT / "docs/images").iterdir()) < 3_000_000
