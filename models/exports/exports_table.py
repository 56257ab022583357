"""The table of `models/export.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator_bridge.cli.text_table import TextColumn, text_table

if TYPE_CHECKING:
    from models.exports.exporting import Export

COLUMNS = (
    TextColumn("format", numeric=False),
    TextColumn("file", numeric=False),
    TextColumn("kB", 0),
    TextColumn("largest difference", numeric=False),
)


def build_table(exports: Sequence[Export]) -> str:
    """One line for each file."""
    rows = [
        (each.format, each.file, each.n_bytes / 1000, ", ".join(f"{k} {v:.2g}" for k, v in each.max_difference.items()))
        for each in exports
    ]
    n_frames = exports[0].n_frames if exports else 0
    return text_table(COLUMNS, rows, title=f"compared on {n_frames} frames")
