"""The shares as a table in 80 columns, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from drive.visualization.saliency_by_class import ClassShare

NAME_WIDTH, WIDTH = 24, 11
LEAST = 0.0005  # of the area seen: a class that covers less is left out
HEADINGS = ("frame %", "seen %", "detail %", "saliency %", "times")
LEGEND = """\
frame %, seen %: of the frame's area, and of the rows that the model sees.
detail %: of what a blur changes there, without any model. saliency %: of what
moves this model's steering. times: saliency % / seen %; 1 is chance."""


def build_table(shares: Mapping[str, ClassShare], n_frames: int) -> str:
    """All kinds of pixels that the model sees, the largest share of saliency first within the classes."""
    kinds = list(shares.items())
    together, classes = kinds[:2], sorted(kinds[2:], key=lambda kind: -kind[1].saliency)
    lines = [f"{n_frames} frames".ljust(NAME_WIDTH) + "".join(heading.rjust(WIDTH) for heading in HEADINGS)]
    lines += [_line(name, share) for name, share in [*together, *classes] if share.seen >= LEAST]
    return "\n".join([*lines, "", LEGEND])


def shares_to_json(shares: Mapping[str, ClassShare]) -> dict[str, dict[str, Any]]:
    """The same numbers, as fractions; null where nothing is seen."""
    return {name: {**vars(share), "times": _finite(share.times)} for name, share in shares.items()}


def _line(name: str, share: ClassShare) -> str:
    percents = [f"{100 * value:.1f}".rjust(WIDTH) for value in (share.frame, share.seen, share.detail, share.saliency)]
    times = "-" if math.isnan(share.times) else f"{share.times:.2f}"
    return name.ljust(NAME_WIDTH) + "".join(percents) + times.rjust(WIDTH)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
