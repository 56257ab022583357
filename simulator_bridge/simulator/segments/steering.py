"""Who steers segments: a drive server over the wire, or the expert."""

from __future__ import annotations

from simulator_bridge.simulator.run.drive_loop import CarDriver
from simulator_bridge.simulator.run.remote_driver import RemoteDriver
from simulator_bridge.simulator.segments.segment import Segment
from simulator_bridge.simulator.segments.segment_world import SegmentWorld

START_S = 120.0  # a server of another make may just be loading its model


def steer_as_expert(world: SegmentWorld, segment: Segment) -> CarDriver:
    """The expert, which sees the road's course."""
    return world.expert(segment)


class RemoteSteering:
    """A drive server, asked as Udacity's simulator asks; a new connection for each segment, as for a new drive."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._wait_s = START_S
        self._driver: RemoteDriver | None = None

    def __call__(self, world: SegmentWorld, segment: Segment) -> CarDriver:
        """The server as the driver of a segment."""
        self.close()
        self._driver = RemoteDriver(self._url, self._wait_s)
        return self._driver

    def close(self) -> None:
        """Disconnect."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None
