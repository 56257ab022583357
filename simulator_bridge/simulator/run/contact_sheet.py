"""Many small pictures in one, row by row with captions: frames, classes, and frames of a recording beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from simulator_bridge.cli.output_file import replacing
from simulator_bridge.errors import UserError
from simulator_bridge.messages import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Frame
from simulator_bridge.recording import load_recordings
from simulator_bridge.recording.images.image_files import read_frame
from simulator_bridge.simulator.run.same_pose import Pair
from simulator_bridge.simulator.scene.cameras import LabelFrame
from simulator_bridge.simulator.scene.layers import Image, Label
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track

Rgb = tuple[int, int, int]

COLUMNS = 4
CAPTION_PX = 18
INK: Rgb = (235, 235, 235)
FONT = (cv2.FONT_HERSHEY_SIMPLEX, 0.42)
LABEL_COLORS: dict[Label, Rgb] = {
    Label.ROAD: (110, 110, 110),
    Label.LINE: (255, 235, 60),
    Label.KERB: (230, 60, 60),
    Label.SHOULDER: (214, 190, 150),
    Label.TERRAIN: (120, 160, 70),
    Label.WATER: (60, 100, 220),
    Label.VEGETATION: (20, 90, 30),
    Label.SKY: (150, 195, 240),
    Label.CAR: (160, 120, 90),
    Label.OBSTACLE: (230, 60, 230),
}


@dataclass(frozen=True, eq=False)
class Strip:
    """Pictures of one kind: RGB uint8 (160, 320, 3) each, and what to write above them, word by word in its colour."""

    caption: Sequence[tuple[str, Rgb]]
    pictures: Sequence[Image]


def simulated(
    track: Track, n_frames: int, seed: int, weather: str, backend: str, *, with_labels: bool = False
) -> list[Strip]:
    """Frames of the center camera from places all along a lap, and if asked the classes seen from there.

    Raises:
        SimulatorError: If nothing renders here.
    """
    frames, classes = [], []
    with Simulation(track, seed, weather, backend=backend) as simulation:
        for s_m in np.linspace(0, track.length_m, n_frames, endpoint=False):
            simulation.reset(float(s_m), track.driving_line_offset_m)
            frames.append(simulation.render()["center"])
            if with_labels:
                classes.append(color_labels(simulation.render_labels()["center"]))
        renderer = simulation.renderer
    strips = [Strip([(f"{track.name}, simulated by {renderer}, seed {seed}, {weather} weather", INK)], frames)]
    if with_labels:
        legend = [(label.name.lower(), LABEL_COLORS[label]) for label in Label]
        strips.append(Strip([(f"{track.name}, classes:", INK), *legend], classes))
    return strips


def recorded(path: Path, n_frames: int) -> list[Strip]:
    """Frames of the center camera from all along each recording in a folder.

    Raises:
        RecordingError: If there is none, or none that can be read.
    """
    strips = []
    for recording in load_recordings([path]):
        rows = np.linspace(0, len(recording) - 1, n_frames).astype(int)
        pictures = [read_frame(recording.image_path("center", int(row))) for row in rows]
        strips.append(Strip([(f"{recording.folder.name}, {len(recording)} rows recorded", INK)], pictures))
    return strips


def paired(recording: Path, track: str, pairs: Sequence[Pair]) -> Strip:
    """Real frames, each followed by the rendered one of the same pose."""
    pictures = [picture for pair in pairs for picture in (pair.real, pair.rendered)]
    return Strip(
        [(f"{recording.name}, recorded, and to the right of each frame {track} from the same pose", INK)], pictures
    )


def color_labels(labels: LabelFrame) -> Frame:
    """Classes (160, 320) as an RGB picture, in `LABEL_COLORS`."""
    palette = np.array([LABEL_COLORS[label] for label in sorted(Label)], np.uint8)
    return np.asarray(palette[labels])


def draw(strips: Sequence[Strip]) -> Image:
    """All strips below one another, `COLUMNS` pictures in a row, each strip below its caption."""
    return np.concatenate([_draw_strip(strip) for strip in strips])


def save(picture: Image, path: Path) -> None:
    """Write an RGB picture, in the format that the path's ending names.

    Raises:
        UserError: If it cannot be written.
    """
    done, data = cv2.imencode(path.suffix.lower(), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise UserError(f"{path}: the picture cannot be encoded")
    with replacing(path) as partial:
        partial.write_bytes(data.tobytes())


def _draw_strip(strip: Strip) -> Image:
    n_rows = -(-len(strip.pictures) // COLUMNS)
    sheet = np.zeros((CAPTION_PX + n_rows * FRAME_HEIGHT_PX, COLUMNS * FRAME_WIDTH_PX, 3), np.uint8)
    x = 6
    for words, color in strip.caption:
        cv2.putText(sheet, words, (x, CAPTION_PX - 5), *FONT, color, 1, cv2.LINE_AA)
        x += cv2.getTextSize(words, *FONT, 1)[0][0] + 10
    for number, picture in enumerate(strip.pictures):
        row, column = divmod(number, COLUMNS)
        top, left = CAPTION_PX + row * FRAME_HEIGHT_PX, column * FRAME_WIDTH_PX
        sheet[top : top + FRAME_HEIGHT_PX, left : left + FRAME_WIDTH_PX] = picture
    return sheet
