"""Frames that a reader of a page steps through, linked to the charts of the same section by `player.js`."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from simulator_bridge.pages.figures import json_data


@dataclass(frozen=True)
class PlayerFrame:
    """A frame of a player.

    Attributes:
        jpeg: The picture, a JPEG file.
        x: Where it is on the x axis of the charts.
        caption: Shown beside it.
    """

    jpeg: bytes
    x: float
    caption: str


def player(title: str, frames: Sequence[PlayerFrame]) -> Markup:
    """A player of frames; a click into a chart of its section shows the frame there, and charts mark where it is.

    Args:
        title: Caption.
        frames: One or more, `x` never decreasing.

    Raises:
        ValueError: If there is no frame, or `x` decreases.
    """
    x = [frame.x for frame in frames]
    if not x or x != sorted(x):
        raise ValueError(f"player {title!r}: expected one frame or more, with x that never decreases")
    data = {
        "x": x,
        "captions": [frame.caption for frame in frames],
        "images": [base64.b64encode(frame.jpeg).decode() for frame in frames],
    }
    return Markup('<figure class="player">\n<figcaption>{}</figcaption>\n{}\n</figure>').format(title, json_data(data))
