"""Real frames beside rendered ones of the same pose, and how their colours and contrasts agree, region by region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.errors import RecordingError
from simulator_bridge.messages import FRAME_HEIGHT_PX, Frame
from simulator_bridge.placement.placing import build_tracks, place_recording
from simulator_bridge.recording import find_recordings, load_recording
from simulator_bridge.recording.images.image_files import read_frame
from simulator_bridge.simulator.scene.cameras import LabelFrame
from simulator_bridge.simulator.scene.layers import Label
from simulator_bridge.simulator.simulation import Simulation

HORIZON_BAND = slice(40, 75)  # rows of the frame
LUMA = np.array([0.299, 0.587, 0.114])
Mask = npt.NDArray[np.bool_]

COLUMNS = (
    TextColumn("region", numeric=False),
    TextColumn("share %", 0),
    *(TextColumn(name, 0) for name in ("red", "green", "blue", "contrast")),
    *(TextColumn(f"our {name}", 0) for name in ("red", "green", "blue", "contrast")),
)


@dataclass(frozen=True, eq=False)
class Pair:
    """A real frame and its recorded steering, and the frame rendered from its place, with its classes."""

    s_m: float
    steering_angle: float
    real: Frame
    rendered: Frame
    labels: LabelFrame


def render_pairs(path: Path, n_pairs: int, seed: int, backend: str, tracks: Sequence[str]) -> tuple[str, list[Pair]]:
    """Pairs from all along the placed rows of a recording, and the name of the track that it was driven on.

    Raises:
        RecordingError: If no row of it could be placed.
        SimulatorError: If nothing renders here.
    """
    log = next(iter(find_recordings([path])))
    placement = place_recording(log, build_tracks(tracks))
    recording = load_recording(log, "listed")
    placement = placement.of_lines(recording.line)
    rows = np.flatnonzero(placement.is_placed)
    if placement.track is None or not len(rows):
        raise RecordingError(f"{log}: no row of it could be placed on {' or '.join(tracks)}; see place.py")
    pairs = []
    chosen = rows[np.linspace(0, len(rows) - 1, n_pairs).astype(int)]
    for is_reverse in (False, True):
        here = chosen[placement.is_reverse[chosen] == is_reverse]
        if not len(here):
            continue
        track = placement.track_of(int(here[0]))
        with Simulation(track, seed, backend=backend) as simulation:
            for row in here:
                offset_m = float(np.nan_to_num(placement.offset_m[row], nan=track.driving_line_offset_m))
                heading = float(np.nan_to_num(placement.heading_error_rad[row]))
                simulation.reset(float(placement.s_m[row]), offset_m, heading)
                real = read_frame(recording.image_path("center", int(row)))
                rendered, labels = simulation.render()["center"], simulation.render_labels()["center"]
                steering_angle = float(recording.steering_angle[row])
                pairs.append(Pair(float(placement.s_m[row]), steering_angle, real, rendered, labels))
    return placement.track, pairs


def regions(labels: LabelFrame) -> Mapping[str, Mask]:
    """The parts of a frame (160, 320) that are compared, by the classes of the rendered one."""
    row = np.arange(FRAME_HEIGHT_PX)[:, None]
    in_band = (row >= HORIZON_BAND.start) & (row < HORIZON_BAND.stop)
    is_edge = np.isin(labels, (Label.LINE, Label.KERB, Label.SHOULDER))
    is_beside = np.isin(labels, (Label.TERRAIN, Label.VEGETATION, Label.WATER, Label.OBSTACLE))
    return {
        "road": (labels == Label.ROAD) & ~in_band,
        "edge": is_edge & ~in_band,
        "beside": is_beside & ~in_band,
        "horizon band": in_band & (is_beside | (labels == Label.SKY)),
        "hood": labels == Label.CAR,
        "sky": (labels == Label.SKY) & ~in_band,
    }


def region_table(pairs: Sequence[Pair]) -> str:
    """Mean colour and contrast (standard deviation of the brightness, within frames) of real and rendered regions."""
    rows: list[list[object]] = []
    for name in regions(pairs[0].labels):
        masks = [regions(pair.labels)[name] for pair in pairs]
        share = float(np.mean([mask.mean() for mask in masks]))
        real = _figures([pair.real for pair in pairs], masks)
        rendered = _figures([pair.rendered for pair in pairs], masks)
        rows.append([name, 100 * share, *real, *rendered])
    return text_table(COLUMNS, rows)


def _figures(frames: Sequence[Frame], masks: Sequence[Mask]) -> list[float]:
    """Mean red, green and blue, and contrast, over the frames that have the region."""
    seen = [frame[mask] for frame, mask in zip(frames, masks, strict=True) if mask.any()]
    if not seen:
        return [float("nan")] * 4
    return [*np.mean([pixels.mean(axis=0) for pixels in seen], axis=0), np.mean([(p @ LUMA).std() for p in seen])]
