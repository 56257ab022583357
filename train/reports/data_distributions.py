"""Sections of the data report about all recordings together, in numbers: steering, balancing, speed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator_bridge.pages.blocks import note
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.figures import histogram
from simulator_bridge.pages.sortable_table import Column, table
from train.data.rows import Rows
from train.reports.epoch_samples import EpochPreview
from train.reports.recording_names import recording_names
from train.train_config import TrainConfig

STEERING_BIN = 0.04  # with the defaults the middle bin holds exactly the straight rows
SPEED_BINS = 32

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def steering_edges() -> FloatArray:
    """Edges of the steering bins: one bin lies around zero, the outer ones around -1 and 1."""
    n = round(1 / STEERING_BIN)
    return np.asarray((np.arange(-n, n + 2) - 0.5) * STEERING_BIN, np.float64)


def steering_section(config: TrainConfig, rows: Rows, epoch: EpochPreview) -> Section:
    """Steering as recorded, after balancing, and as the labels of an epoch."""
    steering, edges = rows.steering_angle.astype(np.float64), steering_edges()
    balanced = steering[epoch.rows_used]
    straight = float((np.abs(steering) < config.near_zero).mean())
    limit = f"{100 * config.near_zero_share:.0f} %"
    left_out = len(steering) - len(balanced)
    conclusion = f"{100 * straight:.1f} % of the rows are straight (steering below {config.near_zero:g}). " + (
        f"In every epoch balancing leaves out {left_out:,} of them, drawn at random: straight rows are at most {limit}."
        if left_out
        else f"That is not more than {limit}, so balancing leaves nothing out."
    )
    shares = {
        "rows as recorded": _shares(steering, edges),
        "labels of an epoch": _shares(epoch.labels.astype(np.float64), edges),
    }
    return Section(
        "Steering and balancing",
        note(conclusion, "plain"),
        histogram(
            "Rows by steering, before and after balancing: "
            + (f"straight rows are at most {limit}" if left_out else "nothing is left out, both are the same"),
            edges,
            {"as recorded": _counts(steering, edges), "after balancing": _counts(balanced, edges)},
            x_label="steering, normalised (\N{MINUS SIGN}1 left, 1 right)",
            y_label="rows",
        ),
        histogram(
            f"Labels of one epoch, {len(epoch.labels):,} of them, cameras and augmentation included",
            edges,
            shares,
            x_label="steering, normalised (\N{MINUS SIGN}1 left, 1 right)",
            y_label="share, %",
        ),
        table(
            [
                Column("set", numeric=False),
                Column("count", digits=0),
                Column("straight, %", digits=1, hint=f"steering below {config.near_zero:g}"),
                Column("left, %", digits=1),
                Column("right, %", digits=1),
                Column("mean steering", digits=3, hint="+ is right; a lap of a circuit leans to one side"),
                Column("standard deviation", digits=3),
            ],
            [
                _spread("rows as recorded", steering, config),
                _spread("rows after balancing", balanced, config),
                _spread("labels of an epoch", epoch.labels.astype(np.float64), config),
            ],
        ),
        intro="A network trained mostly on straight road learns to drive straight on. These are the rows of all "
        "recordings together, as a training with its default settings would use them.",
    )


def _spread(name: str, steering: FloatArray, config: TrainConfig) -> list[object]:
    straight = np.abs(steering) < config.near_zero
    left, right = (steering < 0) & ~straight, (steering > 0) & ~straight
    shares = [100 * float(part.mean()) for part in (straight, left, right)]
    return [name, len(steering), *shares, round(float(steering.mean()), 3) + 0.0, float(steering.std())]


def _counts(values: FloatArray, edges: FloatArray) -> IntArray:
    counts: IntArray = np.histogram(values, edges)[0]
    return counts


def _shares(values: FloatArray, edges: FloatArray) -> FloatArray:
    shares: FloatArray = 100 * _counts(values, edges) / max(1, len(values))
    return shares


def speed_section(rows: Rows) -> Section:
    """How fast it was driven, recording by recording while there are few."""
    known = {
        name: speed[np.isfinite(speed)].astype(np.float64)
        for name, speed in _by_recording(rows).items()
        if np.isfinite(speed).any()
    }
    if not known:
        return Section("Speed", note("No recording has a speed. Steering can be learned without it.", "plain"))
    top = max(1.0, max(float(speed.max()) for speed in known.values()))
    edges = np.linspace(0, np.ceil(top), SPEED_BINS + 1)
    shown = known if len(known) <= 6 else {"all recordings": np.concatenate(list(known.values()))}
    return Section(
        "Speed",
        histogram(
            "Rows by speed: nothing is learned from a car at rest, and from a narrow range only that speed",
            edges,
            {name: _counts(speed, edges) for name, speed in shown.items()},
            x_label="speed, mph",
            y_label="rows",
        ),
    )


def _by_recording(rows: Rows) -> dict[str, npt.NDArray[np.float32]]:
    return {
        name: recording.speed_mph
        for name, recording in zip(recording_names(rows.recordings), rows.recordings, strict=True)
    }
