"""Building blocks of a page, each a piece of HTML: bars, pictures, facts. Charts are in `figures`.

Every text that is passed in is escaped, unless it is `Markup` already.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from markupsafe import Markup, escape

from simulator_bridge.pages.figures import Numbers

Tone = Literal["warning", "plain", "good"]

NOTHING = "\N{EN DASH}"  # a cell without a value
N_COLOURS = 8  # of the palette in base.css
GALLERY_WIDTHS_PX = (80, 120, 160, 240, 320, 480)  # the classes that base.css has
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def color_key(names: Sequence[str], colors: Sequence[str] = (), intro: str = "") -> Markup:
    """What colours mean, as a line of text that may wrap.

    Args:
        names: (N,) what they stand for.
        colors: (N,) as SVG has them; the theme's in their order, where there are none.
        intro: A text before them.
    """
    swatch = Markup('<span class="key"><svg class="swatch{}"><rect width="100%" height="100%"{}/></svg>{}</span>')
    keys = [
        swatch.format("", Markup(' fill="{}"').format(colors[i]), name)
        if colors
        else swatch.format(f" c{i % N_COLOURS}", "", name)
        for i, name in enumerate(names)
    ]
    before = Markup("<span>{}</span>").format(intro) if intro else ""
    return Markup('<p class="keys">{}{}</p>').format(before, Markup("").join(keys))


def bars(
    title: str, labels: Sequence[str], series: Mapping[str, Numbers], *, unit: str = "", digits: int = 3
) -> Markup:
    """Horizontal bars, one a label and series.

    Args:
        title: Caption.
        labels: (N,) what is compared.
        series: Name -> (N,) values >= 0; NaN has no bar.
        unit: Of the values.
        digits: Significant digits of the values beside the bars.

    Raises:
        ValueError: If a series does not have one value a label, or has a negative one.
    """
    for name, values in series.items():
        if len(values) != len(labels):
            raise ValueError(f"bars {title!r}: {name!r} has {len(values)} values for {len(labels)} labels")
        if any(value < 0 for value in values):
            raise ValueError(f"bars {title!r}: {name!r} has negative values")
    longest = max((value for values in series.values() for value in values if math.isfinite(value)), default=0.0)
    rows = Markup("\n").join(
        Markup("<tr>{}<td>{}</td><td>{}</td></tr>").format(
            Markup('<th scope="rowgroup" rowspan="{}">{}</th>').format(len(series), label) if i == 0 else "",
            _bar(values[n], longest, i % N_COLOURS),
            f"{values[n]:.{digits}g} {unit}".rstrip() if math.isfinite(values[n]) else NOTHING,
        )
        for n, label in enumerate(labels)
        for i, values in enumerate(series.values())
    )
    return Markup('<figure class="bars">\n<figcaption>{}</figcaption>\n{}<table>\n{}\n</table>\n</figure>').format(
        title, color_key(list(series)) + Markup("\n") if len(series) > 1 else "", rows
    )


def picture(image: bytes, caption: str = "", alt: str = "") -> Markup:
    """A picture inside the page.

    Args:
        image: A JPEG or PNG file.
        caption: Shown under it.
        alt: A description for screen readers; the caption where it is empty.

    Raises:
        ValueError: If it is neither JPEG nor PNG.
    """
    kind = next((kind for magic, kind in _MAGIC.items() if image.startswith(magic)), None)
    if kind is None:
        raise ValueError(f"expected a JPEG or PNG file, got bytes that begin with {image[:8]!r}")
    return Markup('<figure class="picture"><img src="data:{};base64,{}" alt="{}">{}</figure>').format(
        kind, base64.b64encode(image).decode(), alt or caption, _caption(caption)
    )


def gallery(pictures: Sequence[Markup], min_width_px: int = 160) -> Markup:
    """Pictures side by side, as many in a row as fit.

    Args:
        pictures: What `picture` or `drawing` makes.
        min_width_px: None is narrower; rounded up to one of `GALLERY_WIDTHS_PX`.
    """
    width_px = next((width for width in GALLERY_WIDTHS_PX if width >= min_width_px), GALLERY_WIDTHS_PX[-1])
    return Markup('<div class="gallery w{}">\n{}\n</div>').format(width_px, Markup("\n").join(pictures))


def drawing(svg: Markup, caption: str = "", alt: str = "") -> Markup:
    """A drawing inside the page.

    Args:
        svg: An `svg` element with a `viewBox`; as wide as the page, or as its `width` if that is less. No style
            attributes: the policy of the page ignores them. Colours follow the theme through the classes `c0` to `c7`
            (fill), `s0` to `s7` (stroke), `ink`, `faint` and `grid`.
        caption: Shown under it.
        alt: A description for screen readers; the caption where it is empty.
    """
    return Markup('<figure class="drawing"><div role="img" aria-label="{}">{}</div>{}</figure>').format(
        alt or caption, svg, _caption(caption)
    )


def facts(mapping: Mapping[str, object]) -> Markup:
    """Names and their values."""
    return Markup('<dl class="facts">\n{}\n</dl>').format(
        Markup("\n").join(
            Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, NOTHING if value is None else value)
            for name, value in mapping.items()
        )
    )


def note(text: str, tone: Tone = "warning") -> Markup:
    """A remark.

    Args:
        text: Plain.
        tone: `warning`: should not be missed; `plain`: a fact; `good`: all is clear.
    """
    return Markup('<p class="note {}">{}</p>').format(tone, text)


def code(text: str) -> Markup:
    """Text as a machine wrote it or should get it; a line that is too long is broken, but not within a flag."""
    parts = [
        Markup('<span class="flag">{}</span>').format(part) if part.startswith("--") else escape(part)
        for part in re.split(r"(?<!\S)(--[\w-]+)", text)
    ]
    return Markup('<pre tabindex="0"><code>{}</code></pre>').format(Markup("").join(parts))


def toggle(label: str, group: str) -> Markup:
    """A button, for a cell of a table, that shows and hides the lines of `group` in every chart of the page."""
    return Markup('<button type="button" class="toggle" data-group="{}" aria-pressed="true">{}</button>').format(
        group, label
    )


def _caption(text: str) -> Markup:
    return Markup("<figcaption>{}</figcaption>").format(text) if text else Markup("")


def _bar(value: float, longest: float, colour: int) -> Markup:
    share = value / longest if longest > 0 and math.isfinite(value) else 0.0
    return Markup('<svg class="bar c{}" aria-hidden="true"><rect width="{}%" height="100%"/></svg>').format(
        colour, f"{100 * share:.2f}"
    )
