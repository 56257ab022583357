"""Saliency by class as a table in 80 columns, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drive.visualization.saliency_by_class import ClassShare
from simulator_bridge.cli.json_values import to_json_value
from simulator_bridge.cli.text_table import TextColumn, text_table

LEAST = 0.0005  # of the area seen: a class that covers less is left out
COLUMNS = (
    TextColumn("class", numeric=False),
    TextColumn("frame %", 1),
    TextColumn("seen %", 1),
    TextColumn("detail %", 1),
    TextColumn("saliency %", 1),
    TextColumn("times", 2),
)
LEGEND = """\
frame %, seen %: of the frame's area, and of the rows that the model sees.
detail %: of what a blur changes there, without any model. saliency %: of what
moves this model's steering. times: saliency % / seen %; 1 is chance."""


def build_table(shares: Mapping[str, ClassShare], n_frames: int) -> str:
    """All classes of pixels that the model sees, the largest share of saliency first; groups of classes before them."""
    kinds = list(shares.items())
    groups, classes = kinds[:2], sorted(kinds[2:], key=lambda kind: -kind[1].saliency)
    rows = [_row(name, share) for name, share in [*groups, *classes] if share.seen >= LEAST]
    return f"{text_table(COLUMNS, rows, title=f'{n_frames} frames')}\n\n{LEGEND}"


def shares_to_json(shares: Mapping[str, ClassShare]) -> dict[str, dict[str, Any]]:
    """The same numbers, as fractions; null where nothing is seen."""
    return {name: to_json_value({**vars(share), "times": share.times}) for name, share in shares.items()}


def _row(name: str, share: ClassShare) -> list[object]:
    percents = (100 * value for value in (share.frame, share.seen, share.detail, share.saliency))
    return [name, *percents, share.times]
