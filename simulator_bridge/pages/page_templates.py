"""The Jinja templates of all pages: `report.html` and `live.html` extend `base.html`, a live page extends `live.html`.

What a template shows is escaped unless it is `Markup`; a name that it does not get is an error.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).with_name("templates")


@cache
def template_environment() -> jinja2.Environment:
    """What loads the templates of this folder, and makes further ones that extend them."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
