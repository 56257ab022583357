"""Where on the road the predictions are wrong, of recordings that `place.py` has placed on a track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulator_bridge.pages.blocks import note
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.figures import Line, line_chart
from simulator_bridge.pages.sortable_table import Column, table
from simulator_bridge.placement.placing import saved_placement
from simulator_bridge.track import build_track
from simulator_bridge.track.road_words import describe_road
from simulator_bridge.udacity_car import MAX_STEERING_DEG
from train.data.rows import Rows
from train.reports.predictions import Predictions

STRETCH_M = 50.0  # of road, whose rows make one number
FEWEST_ROWS = 5  # of a number
MAX_WORST = 10  # stretches in the table

FloatArray = npt.NDArray[np.float64]
TITLE = "Along the road"


@dataclass(frozen=True)
class Stretch:
    """A piece of a track in one direction, and the errors of the validation rows on it, degrees of the wheels."""

    track: str
    direction: str
    from_m: float
    place: str
    n_rows: int
    mae_deg: float
    bias_deg: float


def road_section(rows: Rows, predictions: Predictions) -> Section:
    """The mean error of each stretch of road, track by track, and the worst of them in words."""
    stretches = list(measure_stretches(rows, predictions))
    if not stretches:
        return Section(
            TITLE,
            note(
                "None of the validation rows has a place on a track. For recordings of Udacity's lake and jungle, "
                "simulator_bridge/place.py RECORDING finds it, and the next report shows here where on the road the "
                "model errs."
            ),
        )
    n_placed = sum(stretch.n_rows for stretch in stretches)
    worst = sorted(stretches, key=lambda stretch: -stretch.mae_deg)[:MAX_WORST]
    columns = [
        *(Column(name, numeric=False) for name in ("track", "direction")),
        Column("from m", digits=0),
        Column("to m", digits=0),
        Column("the road", numeric=False, hint="in the middle of the stretch"),
        Column("rows", digits=0),
        Column("MAE, deg", digits=2),
        Column("bias, deg", digits=2, hint="mean of predicted minus recorded; + is too far to the right"),
    ]
    cells = [
        [each.track, each.direction, each.from_m, each.from_m + STRETCH_M, each.place, each.n_rows, each.mae_deg,
         each.bias_deg]
        for each in worst
    ]  # fmt: skip
    return Section(
        TITLE,
        *_charts(stretches),
        table(columns, cells),
        intro=f"The error on each {STRETCH_M:.0f} m of road, of {n_placed:,} of {len(predictions):,} validation rows: "
        f"those that are placed. Below, the {len(worst)} worst stretches: more recordings of such places help.",
    )


def measure_stretches(rows: Rows, predictions: Predictions) -> Iterator[Stretch]:
    """The stretches with at least `FEWEST_ROWS` placed rows, by track, direction and place."""
    found: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    recording = rows.recording[predictions.row]
    for number in np.unique(recording).tolist():
        placement = saved_placement(rows.recordings[number])
        if placement is None or placement.track is None:
            continue
        mine = recording == number
        row, error = rows.row[predictions.row[mine]], predictions.error[mine]
        for s_m, is_reverse, miss in zip(placement.s_m[row], placement.is_reverse[row], error, strict=True):
            if np.isfinite(s_m):
                found.setdefault((placement.track, bool(is_reverse)), []).append((float(s_m), float(miss)))
    for (name, is_reverse), errors in sorted(found.items()):
        track = build_track(name, reverse=is_reverse)
        s_m, error = np.array(errors).T
        stretch = (s_m // STRETCH_M).astype(int)
        for number in np.unique(stretch).tolist():
            here = error[stretch == number]
            if len(here) >= FEWEST_ROWS:
                yield Stretch(
                    name,
                    "reverse" if is_reverse else "forward",
                    number * STRETCH_M,
                    describe_road(track, (number + 0.5) * STRETCH_M),
                    len(here),
                    MAX_STEERING_DEG * float(np.abs(here).mean()),
                    MAX_STEERING_DEG * float(here.mean()),
                )


def _charts(stretches: list[Stretch]) -> Iterator[Markup]:
    for name, direction in dict.fromkeys((each.track, each.direction) for each in stretches):
        mine = [each for each in stretches if (each.track, each.direction) == (name, direction)]
        yield line_chart(
            f"{name}, {direction}: mean absolute error by place",
            [Line("MAE", *_with_gaps(mine), points=True)],
            x_label="metres along the lap, as driven",
            y_label="wheel angle, degrees",
            height_px=240,
        )


def _with_gaps(stretches: list[Stretch]) -> tuple[FloatArray, FloatArray]:
    """The middles of the stretches and their errors; NaN for those between that have no rows."""
    number = np.array([round(each.from_m / STRETCH_M) for each in stretches])
    every = np.arange(number.min(), number.max() + 1)
    mae_deg = np.full(len(every), np.nan)
    mae_deg[number - number.min()] = [each.mae_deg for each in stretches]
    return (every + 0.5) * STRETCH_M, mae_deg
