"""One HTML file that needs nothing else: styles, scripts, data and pictures are inside it.

Scripts and styles are allowed by their hashes in a content-security policy, and nothing is: no network, no inline
handler, no style attribute. Text is escaped; what is already HTML has the type `Markup` (see `blocks`).
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from simulator_bridge.errors import UserError

STATIC = Path(__file__).with_name("static")
STYLES = ("uPlot.min.css", "base.css")
SCRIPTS = ("uPlot.iife.min.js", "charts.js", "tables.js")
LICENCES = {"uPlot.iife.min.js": "uPlot.LICENSE"}  # travels with the code, as its licence asks

_PAGE = Markup("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
{styles}
</head>
<body>
<header>
<h1>{title}</h1>
{summary}
</header>
{contents}
<main>
{sections}
</main>
<noscript><p class="note">The charts of this page need JavaScript.</p></noscript>
{scripts}
</body>
</html>
""")


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


def document(title: str, sections: Sequence[Section], *, summary: str = "") -> str:
    """Make a page.

    Args:
        title: Heading and window title.
        sections: The parts, in reading order; a table of contents is added from three on.
        summary: What a reader in a hurry should know; plain text.

    Returns:
        The HTML of one file.
    """
    names = _anchors([section.title for section in sections])
    styles = [static_text(name) for name in STYLES]
    scripts = [static_text(name) for name in SCRIPTS]
    return str(
        _PAGE.format(
            policy=content_security_policy(scripts, styles),
            title=title,
            styles=Markup("\n").join(_inline("style", text) for text in styles),
            summary=Markup('<p class="summary">{}</p>').format(summary) if summary else "",
            contents=_contents(names, sections) if len(sections) > 2 else "",
            sections=Markup("\n").join(_section(name, part) for name, part in zip(names, sections, strict=True)),
            scripts=Markup("\n").join(_inline("script", text) for text in scripts),
        )
    )


def write_document(path: Path, html: str) -> None:
    """Write a page; a reader sees the old file or the whole new one.

    Raises:
        UserError: If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(html, encoding="utf-8", newline="\n")
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UserError(f"{path}: the page cannot be written: {error.strerror}") from error


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


def _inline(tag: str, text: str) -> Markup:
    if f"</{tag}" in text:
        raise ValueError(f"a bundled {tag} contains </{tag}, which would end it early")
    return Markup(f"<{tag}>{text}</{tag}>")


def _section(name: str, section: Section) -> Markup:
    return Markup('<section id="{}">\n<h2>{}</h2>\n{}{}\n</section>').format(
        name,
        section.title,
        Markup("<p>{}</p>\n").format(section.intro) if section.intro else "",
        Markup("\n").join(section.blocks),
    )


def _contents(names: Sequence[str], sections: Sequence[Section]) -> Markup:
    links = (
        Markup('<li><a href="#{}">{}</a></li>').format(name, section.title)
        for name, section in zip(names, sections, strict=True)
    )
    return Markup('<nav aria-label="Contents">\n<ul>\n{}\n</ul>\n</nav>').format(Markup("\n").join(links))


def _anchors(titles: Sequence[str]) -> list[str]:
    """A name for the address bar for each title, no two alike."""
    names: list[str] = []
    for number, title in enumerate(titles, start=1):
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        names.append(f"{name}-{number}" if name in names else name)
    return names
