"""What architectures cost, as a table of at most 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator_bridge.cli.text_table import TextColumn, text_table

COLUMNS = (
    TextColumn("architecture", numeric=False),
    TextColumn("image px"),
    TextColumn("1000 par", 0),
    TextColumn("MFLOPs", 0),
    TextColumn("ms", 2),
    TextColumn("weights MB", 1),
    TextColumn("top-1 %", 1),
)


@dataclass(frozen=True)
class Costs:
    """One row of the table.

    Attributes:
        name: Of the architecture.
        alpha: Width multiplier; None if it takes none.
        image_size: Height and width of the network's image, pixels.
        cut: Last layer of the backbone; None if there is none or all of it is used.
        parameters: Of the model as built, cut and with its head.
        mflops: Of one frame, millions; a multiplication and an addition are two.
        ms_a_frame: Median of LiteRT with one thread; None if it was not timed.
        pretrained: "download" (by Keras), "file" (only from a weights file) or "none".
        download_mb: What Keras downloads at alpha 1, MB (1e6 bytes), or None.
        top1_percent: Of the pretrained whole network at alpha 1 on ImageNet, or None.
    """

    name: str
    alpha: float | None
    image_size: tuple[int, int]
    cut: str | None
    parameters: int
    mflops: float
    ms_a_frame: float | None
    pretrained: str
    download_mb: float | None
    top1_percent: float | None


def build_table(rows: Sequence[Costs]) -> str:
    """A row an architecture."""
    return text_table(COLUMNS, [_row(costs) for costs in rows])


def _row(costs: Costs) -> list[object]:
    size = f"{costs.image_size[0]}x{costs.image_size[1]}"
    weights = {"none": None, "file": "file"}.get(costs.pretrained, costs.download_mb or "yes")
    return [costs.name, size, costs.parameters / 1e3, costs.mflops, costs.ms_a_frame, weights, costs.top1_percent]
