"""The driving page, served: it shows a session's state and sends it commands."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simulator_bridge.pages.live_channel import LiveChannel
from simulator_bridge.pages.live_viewer import Viewer
from simulator_bridge.pages.phone_link import PhoneLink
from simulator_bridge.pages.served_pages import ServedPages
from simulator_bridge.track import Track
from train.studio_page.commands import parse_command, parse_input
from train.studio_page.studio_session import StudioSession

STATIC = Path(__file__).with_name("static")
TEMPLATE = Path(__file__).parent / "templates" / "drive.html"
HOME, LIVE = "/drive", "/drive/live"
LOOK_S = 0.02  # from one look for a new picture to the next, for each page: half of the time between two of them
OUTLINE_M = 4.0  # between two points of the map


class StudioPages:
    """A page for a session.

    Args:
        session: What it shows.
        phone: How a phone reaches the page, if it does.

    Attributes:
        served: To be mounted on a server.
        channel: Who watches.
    """

    def __init__(self, session: StudioSession, phone: Callable[[], PhoneLink | None] = lambda: None) -> None:
        self._session = session
        self.channel = LiveChannel(
            session.newest, self._receive, lambda viewer: session.manual_input.release(viewer.number), period_s=LOOK_S
        )
        self.served = ServedPages(HOME, [STATIC])
        self.served.add_page(HOME, TEMPLATE, lambda: {**facts_of(session.track), "phone": phone()})
        self.served.add_channel(LIVE, self.channel)

    def _receive(self, viewer: Viewer, message: Mapping[str, Any]) -> None:
        driver_input = parse_input(message)
        if driver_input is None:
            self._session.request(viewer, parse_command(message))
        else:
            self._session.manual_input.update(viewer.number, driver_input, time.monotonic())


def facts_of(track: Track) -> dict[str, str]:
    """What the page says of the track; private paths are not shown."""
    return {"track": Path(track.name).name, "outline": json.dumps(map_of(track))}


def map_of(track: Track) -> dict[str, Any]:
    """The road from above: its centre line as [x, y] in metres, the width, and where laps start."""
    points = track.xy[:: max(round(OUTLINE_M / track.ds_m), 1)]
    width_m = float(np.mean(track.width_left + track.width_right))
    return {"points": points.round(1).tolist(), "width_m": round(width_m, 1), "length_m": round(track.length_m, 1)}
