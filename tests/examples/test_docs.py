"""What the documentation names is there: links, headings, scripts, flags, pictures."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def links_in(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    return [link for link in found if not link.startswith(("http://", "https://"))]


def headings_in(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands_in(page: Path) -> list[tuple[str, list[str]]]:
    """The scripts that a page calls, each with its flags, up to the end of the line or of the code."""
    text = page.read_text().replace("\\\n", " ")
    calls = re.findall(
        r"(?<!tests/)\b((?:train|drive|models|simulator_bridge|examples|docs)/\w+\.py)((?: [^`|#;\n]+)?)", text
    )
    return [(script, re.findall(r"(?<=\s)--[a-z][a-z-]*", rest)) for script, rest in calls]


@cache
def help_of(script: str) -> str:
    command = [sys.executable, str(ROOT / script), "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links_in(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in headings_in(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_their_flags_exist(page: Path) -> None:
    for script, flags in commands_in(page):
        assert (ROOT / script).is_file(), script
        if flags and page.name != "CHANGELOG.md":
            unknown = [flag for flag in flags if not re.search(rf"{flag}\b", help_of(script))]
            assert not unknown, f"{script} {unknown}"


def test_files_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`((?:train|drive|models|simulator_bridge|examples|docs)/[\w/]+\.\w+)`", text)
    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_front_door_is_small() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 170
    assert sum(picture.stat().st_size for picture in (ROOT / "docs/images").iterdir()) < 3_000_000
