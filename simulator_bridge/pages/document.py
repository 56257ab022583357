"""One HTML file that needs nothing else: styles, scripts, data and pictures are inside it.

Scripts and styles are allowed by their hashes in a content-security policy, and nothing is: no network, no inline
handler, no style attribute. Text is escaped; what is already HTML has the type `Markup` (see `blocks`).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from simulator_bridge.cli.output_file import replacing
from simulator_bridge.pages.page_templates import template_environment

STATIC = Path(__file__).with_name("static")
STYLES = ("uPlot.min.css", "base.css")
SCRIPTS = ("uPlot.iife.min.js", "charts.js", "player.js", "tables.js")
LICENCES = {"uPlot.iife.min.js": "uPlot.LICENSE"}  # travels with the code, as its licence asks


class Section:
    """A part of a page with a heading of its own.

    Args:
        title: The heading.
        blocks: What `blocks` makes, in reading order.
        intro: A sentence or two under the heading.
    """

    def __init__(self, title: str, *blocks: Markup, intro: str = "") -> None:
        self.title = title
        self.blocks = blocks
        self.intro = intro


def document(
    title: str,
    sections: Sequence[Section],
    *,
    summary: str = "",
    refresh_s: int | None = None,
    more_scripts: Sequence[str] = (),
) -> str:
    """Make a page.

    Args:
        title: Heading and window title.
        sections: The parts, in reading order; a table of contents is added from three on.
        summary: The result in a sentence or two; plain text.
        refresh_s: How often a browser reads the page again, which is not final; None: never.
        more_scripts: Bundled scripts that this page needs beside those of all pages.

    Returns:
        The HTML of one file.
    """
    styles = [static_text(name) for name in STYLES]
    scripts = [static_text(name) for name in (*SCRIPTS, *more_scripts)]
    return (
        template_environment()
        .get_template("report.html")
        .render(
            title=title,
            summary=summary,
            refresh_s=refresh_s,
            sections=sections,
            anchors=_anchors([section.title for section in sections]),
            policy=content_security_policy(scripts, styles),
            styles=[_trusted("style", text) for text in styles],
            scripts=[_trusted("script", text) for text in scripts],
        )
    )


def write_document(path: Path, html: str) -> None:
    """Write a page; a reader sees the old file or the whole new one.

    Raises:
        UserError: If it cannot be written.
    """
    with replacing(path) as partial:
        # The hashes of the policy are of these very bytes; a file's name need not be valid text
        partial.write_text(html, encoding="utf-8", errors="backslashreplace", newline="\n")


def static_text(name: str) -> str:
    """A bundled style or script as it goes into a page, its licence before it."""
    text = (STATIC / name).read_text(encoding="utf-8")
    if name in LICENCES:
        text = f"/*!\n{(STATIC / LICENCES[name]).read_text(encoding='utf-8')}*/\n{text}"
    return text


def content_security_policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    """A policy that runs exactly these scripts, applies exactly these styles and loads nothing from anywhere."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"script-src {' '.join(map(_hash, scripts))}",
            f"style-src {' '.join(map(_hash, styles))}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _trusted(tag: str, text: str) -> Markup:
    """A bundled text that goes into an element as it is."""
    if f"</{tag}" in text:
        raise ValueError(f"a bundled {tag} contains </{tag}, which would end it early")
    return Markup(text)


def _anchors(titles: Sequence[str]) -> list[str]:
    """A name for the address bar for each title, no two alike."""
    names: list[str] = []
    for number, title in enumerate(titles, start=1):
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        names.append(f"{name}-{number}" if name in names else name)
    return names
