"""A watcher that saves pictures of the seconds before each intervention: how the car left the road."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

from simulator_bridge.errors import UserError
from simulator_bridge.messages import Frame, encode_frame
from simulator_bridge.simulator.run.drive_loop import Moment

BEFORE_S = 2.8  # how far back a strip reaches, simulated: six pictures, a row of them on a page
PICTURE_PERIOD_S = 0.5
MAX_STRIPS = 40  # of one drive, the first ones
PATTERN = "*.jpg"


@dataclass(frozen=True)
class Picture:
    """A picture of a strip.

    Attributes:
        intervention: Number of the intervention in its drive, from 0.
        before_s: Simulated seconds before it.
        jpeg: 320x160, as the car saw it.
    """

    intervention: int
    before_s: float
    jpeg: bytes


class FilmStrips:
    """Writes a strip of pictures for each intervention into a folder.

    Args:
        folder: Made if it is missing.

    Raises:
        UserError: If the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder}: cannot be made: {error.strerror}") from error
        self._folder = folder
        self._recent: deque[tuple[float, Frame]] = deque()
        self._n_interventions = 0

    def __call__(self, moment: Moment) -> None:
        """See `Watcher`: buffers the frame; writes the strip if the car has just been put back."""
        if moment.verdict.intervention is not None:
            if self._n_interventions < MAX_STRIPS:
                self._write(moment.time_s)
            self._n_interventions += 1
            self._recent.clear()
        self._recent.append((moment.time_s, moment.frames["center"]))
        while self._recent[0][0] < moment.time_s - BEFORE_S:
            self._recent.popleft()

    def _write(self, time_s: float) -> None:
        wanted_s = time_s  # from the newest backwards
        for seen_s, frame in reversed(self._recent):
            if seen_s <= wanted_s:
                wanted_s = seen_s - PICTURE_PERIOD_S + 1e-6
                name = f"{self._n_interventions:03d}-{round(1000 * (time_s - seen_s)):04d}.jpg"
                try:
                    (self._folder / name).write_bytes(encode_frame(frame))
                except OSError as error:
                    raise UserError(f"{self._folder / name}: cannot be written: {error.strerror}") from error


def read_strips(folder: Path) -> list[Picture]:
    """The pictures that `FilmStrips` wrote into a folder: by intervention, the earliest first."""
    pictures = []
    for path in folder.glob(PATTERN):
        number, before_ms = path.stem.split("-")
        pictures.append(Picture(int(number), int(before_ms) / 1000, path.read_bytes()))
    return sorted(pictures, key=lambda picture: (picture.intervention, -picture.before_s))
