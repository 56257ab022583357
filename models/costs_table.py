"""What architectures cost, as a table of at most 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator_bridge.cli.text_table import TextColumn, text_table

if TYPE_CHECKING:
    from models.costs import Costs

COLUMNS = (
    TextColumn("architecture", numeric=False),
    TextColumn("image px"),
    TextColumn("1000 par", 0),
    TextColumn("MFLOPs", 0),
    TextColumn("ms", 2),
    TextColumn("weights MB", 1),
    TextColumn("top-1 %", 1),
)


def build_table(rows: Sequence[Costs]) -> str:
    """A row an architecture."""
    return text_table(COLUMNS, [_row(costs) for costs in rows])


def _row(costs: Costs) -> list[object]:
    size = f"{costs.image_size[0]}x{costs.image_size[1]}"
    weights = {"none": None, "file": "file"}.get(costs.pretrained, costs.download_mb or "yes")
    return [costs.name, size, costs.parameters / 1e3, costs.mflops, costs.ms_a_frame, weights, costs.top1_percent]
