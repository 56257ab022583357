"""What was measured beside a road: the height of the land, and the objects that stand there. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
FOLDER = Path(__file__).parent / "survey"

ObjectKind = Literal["tree", "tyre", "sign", "rock", "boulder", "pylon"]


@dataclass(frozen=True, eq=False)
class Land:
    """Heights of the land on a square grid; rows go north, columns east.

    Attributes:
        origin: (2,) x and y of the first point, metres.
        spacing_m: Between neighbouring points.
        heights: (R, C) metres.
        water_z: Level of the water, metres.
    """

    origin: FloatArray
    spacing_m: float
    heights: FloatArray
    water_z: float

    def height_at(self, xy: FloatArray) -> FloatArray:
        """Heights (M,) at places (M, 2), interpolated; beyond the grid those of its border."""
        return interpolate_grid(self.heights, self.origin, self.spacing_m, xy)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The land around a surveyed road, and the places (M, 3) of what stands on it, by kind."""

    land: Land
    objects: dict[ObjectKind, FloatArray]


def interpolate_grid(values: FloatArray, origin: FloatArray, spacing_m: float, xy: FloatArray) -> FloatArray:
    """Values (R, C) on a square grid whose rows go north and columns east, at places (M, 2); beyond it its border's."""
    limit = np.array(values.shape[::-1]) - 1.001
    place = np.clip((xy - origin) / spacing_m, 0, limit)
    column, row = place.astype(np.int64).T
    u, v = (place - np.floor(place)).T
    low = values[row, column] * (1 - u) + values[row, column + 1] * u
    high = values[row + 1, column] * (1 - u) + values[row + 1, column + 1] * u
    return np.asarray(low * (1 - v) + high * v)


def read_land(name: str, water_z: float) -> Land:
    """A grid of heights in `survey/`, stored in whole centimetres."""
    with np.load(FOLDER / name) as stored:
        heights = stored["heights_cm"].astype(np.float64) / 100
        return Land(stored["origin_m"].astype(np.float64), float(stored["spacing_m"]), heights, water_z)


def read_objects(name: str) -> dict[ObjectKind, FloatArray]:
    """The objects of a file in `survey/`: lines of `kind,x_m,y_m,z_m`."""
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    rows = [line.split(",") for line in lines if not line.startswith("#")][1:]
    return {
        kind: np.array([[float(cell) for cell in row[1:]] for row in rows if row[0] == kind]).reshape(-1, 3)
        for kind in get_args(ObjectKind)
    }
