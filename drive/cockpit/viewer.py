"""A page that watches the cockpit, without a browser: for `drive/latency.py --cockpit`, which starts it.

Standard input: "open" opens the page and asks for saliency, "close" closes it, each answered by a line of JSON: what it
has seen since it was opened. It confirms an update as soon as it is here, so it gets as many as any page.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/cockpit/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import json
import struct
import threading
from dataclasses import asdict, dataclass

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.options import argument
from simulator_bridge.errors import UserError

LIVE = "/cockpit/live"
FIRST_MAP_S = 120.0  # a model of another program is converted first


@dataclass
class ViewerCounts:
    """What a page has seen: updates, different saliency maps among them, and bytes in all."""

    n_updates: int = 0
    n_maps: int = 0
    n_bytes: int = 0


class CockpitViewer:
    """A page, open until `close`.

    Args:
        url: Of the server, `ws://host:port`.
    """

    def __init__(self, url: str) -> None:
        from simple_websocket import Client

        self._client = Client(url + LIVE)
        self._client.send(json.dumps({"do": "overlay", "shows": "saliency"}))
        self.seen = ViewerCounts()
        self._last_map = b""
        self._has_map = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def wait_for_map(self) -> None:
        """Wait until saliency is shown.

        Raises:
            UserError: If it is not.
        """
        if not self._has_map.wait(FIRST_MAP_S):
            raise UserError(f"no saliency came in {FIRST_MAP_S:.0f} s; does the cockpit show it for this model?")

    def close(self) -> ViewerCounts:
        """Close the page; returns what it has seen."""
        self._client.close()
        self._thread.join()
        return self.seen

    def _watch(self) -> None:
        from simple_websocket import ConnectionClosed

        try:
            while True:
                self._take(self._client.receive())
        except ConnectionClosed:
            return

    def _take(self, message: bytes) -> None:
        (size,) = struct.unpack(">I", message[:4])
        head = json.loads(message[4 : 4 + size])
        self._client.send(json.dumps({"seen": head["number"]}))
        self.seen.n_updates += 1
        self.seen.n_bytes += len(message)
        if head["pictures"] and head["pictures"][-1][0] == "overlay":
            overlay = message[-head["pictures"][-1][1] :]
            self.seen.n_maps += overlay != self._last_map
            self._last_map = overlay
            self._has_map.set()


@dataclass(frozen=True, kw_only=True)
class ViewerConfig:
    """Settings of the viewer."""

    url: str = argument("of the drive server, ws://host:port")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(ViewerConfig, run, argv, description="Watch the cockpit as a page does; started by latency.py.")


def run(config: ViewerConfig) -> int:
    """Open and close the page as standard input says, until it ends."""
    viewer: CockpitViewer | None = None
    for line in sys.stdin:
        if line.strip() == "open":
            viewer = CockpitViewer(config.url)
            viewer.wait_for_map()
            _say(viewer.seen)
        elif viewer is not None:
            _say(viewer.close())
            viewer = None
    return 0


def _say(seen: ViewerCounts) -> None:
    print(json.dumps(asdict(seen)), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    sys.exit(main())
