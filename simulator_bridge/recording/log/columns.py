"""What each column of a log is: by the recorder's own order, or by the names in a header line.

Names are compared without case, blanks and punctuation. Each pattern takes time in proportion to the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording.log.csv_cells import is_image, is_number
from simulator_bridge.recording.log.log_format import CAMERAS, COLUMNS, NUMBER_COLUMNS
from simulator_bridge.udacity_car import MAX_STEERING_DEG, MAX_STEERING_RAD, MPS_PER_MPH

_TIME, _CAMERA = "time", "camera"  # known columns that the recorder does not write
_SIDE = "{0} {0}image {0}img {0}camera {0}cam {0}path {0}imagepath {0}imgpath {0}imagename {0}imagefile {0}file"
_NAMES = {
    "center": _SIDE.format("center") + " centre centreimage image imagepath filename",
    "left": _SIDE.format("left"),
    "right": _SIDE.format("right"),
    "steering": "steering steeringangle steer angle steeringangles",
    "throttle": "throttle gas",
    "brake": "brake brakes break reverse",  # `reverse` is what a much copied tutorial calls the brake column
    "speed": "speed speedmph velocity",
}
# What a column may be where none has a name above
_OTHER_NAMES = {
    "center": "imagename imagefile imagefilename images img imgname imgpath imgfile imgfilename path filepath file "
    "frame framename framepath framefile picture photo camera cameraimage frontimage frontcamera front rgb",
    "steering": "steerangle steeringvalue steeringcommand steeringwheelangle steeringwheel wheelangle userangle label "
    "target angles",
    "throttle": "userthrottle gaspedal accelerator throttlevalue throttleposition",
    "brake": "brakevalue brakeposition brakepedal userbrake",
    "speed": "vel vehiclespeed carspeed",
    _TIME: "timestamp time timestampms timestampns timestamps",
    _CAMERA: "frameid cameraid cameraname camera cam",
}
_UNITS_OF_STEERING = {  # a name that ends so; full lock in it
    **dict.fromkeys(("deg", "degree", "degrees"), MAX_STEERING_DEG),
    **dict.fromkeys(("rad", "radian", "radians"), MAX_STEERING_RAD),
}
_UNITS_OF_SPEED = {"kmph": 3.6, "kmh": 3.6, "kph": 3.6, "mps": 1.0, "ms": 1.0}  # a name that ends so; in 1 m/s
_MAX_SHOWN = 60  # characters of a name in a message


@dataclass(frozen=True)
class Layout:
    """Where the known columns are in a row, and in which units.

    Attributes:
        index: Column (one of `COLUMNS`, `time`, `camera`) -> number of its cell.
        n_cells: Cells in a row.
        unused: Names of columns that are ignored.
        separator: Between the header's cells; empty: told by each line.
        steering_factor: What makes the steering normalised, positive to the right; NaN: the log does not tell its unit.
        steering_ratio: Where angles are beyond the wheels' stop, they are those of a steering wheel, so many times as
            large as those of the wheels.
        mph: What makes the speed miles per hour.
        time_s: What makes the time seconds; NaN: told by how large the numbers are.
        note: What the user should know about it.
    """

    index: dict[str, int]
    n_cells: int
    unused: tuple[str, ...] = ()
    separator: str = ""
    steering_factor: float = math.nan
    steering_ratio: float = 1.0
    mph: float = 1.0
    time_s: float = math.nan
    note: str = ""


@dataclass(frozen=True)
class _Source:
    """A program or data set whose headers are known, with the units that its documentation names."""

    name: str
    columns: frozenset[str]  # names that its header has
    steering_full: float  # what means full lock; negative: positive steers left
    speed: str  # unit, where the header does not name it
    time_s: float
    steering_ratio: float = 1.0  # of a steering wheel, if the log may have its angle

    def says(self) -> str:
        side = "left" if self.steering_full < 0 else "right"
        ratio = self.steering_ratio
        wheel = "" if ratio == 1 else f", {ratio:g} times as much where some are of a steering wheel, beyond that"
        return (
            f"{self.name}: {abs(self.steering_full):.4g} is full lock{wheel}, positive to the {side}; "
            f"speed in {self.speed}"
        )


# The ratio is that of the Lincoln MKZ, whose log has the angle of the steering wheel; copies have that of the wheels.
# Sources: dbw_mkz_msgs/SteeringReport (rad, positive to the left; speed in m/s) and dbw_mkz_can (steering ratio);
# AirSim's docs/apis.md (CarControls) and CarPawnSimApi.cpp (columns of a record).
_SOURCES = (
    _Source(
        "Udacity's challenge 2, angles in radians",
        frozenset(["timestamp", "frameid", "filename", "angle", "torque", "speed"]),
        -MAX_STEERING_RAD, "m/s", math.nan, steering_ratio=14.8,
    ),
    _Source("AirSim", frozenset(["timestamp", "throttle", "steering", "brake", "gear"]), 1.0, "m/s", 1e-3),
)  # fmt: skip
_AIRSIM_IMAGES = {"imagename", "imagefile"}

RECORDERS_LAYOUT = Layout({column: i for i, column in enumerate(COLUMNS)}, len(COLUMNS))


def read_header(
    cells: Sequence[str], where: str, below: Sequence[str] = (), separator: str = "", *, is_first: bool = False
) -> Layout | None:
    """Read a line as a header; the order of its columns does not matter.

    Args:
        cells: The line's cells.
        where: `path:line`, for messages.
        below: The cells of the next line, which tell which column has the images.
        separator: Between the cells.
        is_first: No row is above: words with an image below them are a header, whatever they are.

    Returns:
        None if the line is no header: no names, or no known one among them.

    Raises:
        RecordingError: If it is a header whose columns do not make a recording; says which column to name what.
    """
    if any(map(is_image, cells)) or any(map(is_number, cells)):
        return None
    names = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in cells]
    known = any(name in _TELLING or _unit_of("steering", name) for name in names)
    if not known and not (is_first and _may_be_names(names, cells, below)):
        return None
    index, twice = _find_columns(names, below)
    if twice or "center" not in index or "steering" not in index:
        raise RecordingError(f"{where}: {_what_to_name(cells, index, twice, below)}")
    source = next((source for source in _SOURCES if _is_of(source, names)), None)
    steering, speed = names[index["steering"]], names[index["speed"]] if "speed" in index else ""
    unit = _unit_of("steer", steering)
    full = source.steering_full if source else _UNITS_OF_STEERING.get(unit, math.nan)
    used = set(index.values())
    return Layout(
        index,
        len(cells),
        tuple(cell for i, cell in enumerate(cells) if i not in used and cell),
        separator,
        1 / full,
        source.steering_ratio if source else 1.0,
        _mph(speed, source),
        source.time_s if source else math.nan,
        source.says() if source else _unit_note(cells[index["steering"]], full),
    )


def _may_be_names(names: Sequence[str], cells: Sequence[str], below: Sequence[str]) -> bool:
    """Whether a first line is a header: it has a name of an image or the steering, or there is an image below it."""
    known = not {*_OTHER_ALIASES["center"], *_OTHER_ALIASES["steering"]}.isdisjoint(names)
    return len(cells) > 1 and (known or (len(below) == len(cells) and any(map(is_image, below))))


def _find_columns(names: Sequence[str], below: Sequence[str]) -> tuple[dict[str, int], str]:
    """Column -> its cell; and the column that several names claim, or nothing."""
    fits = len(below) == len(names)
    index: dict[str, int] = {}
    for column, aliases in _ALIASES.items():
        found = [i for i, name in enumerate(names) if name in aliases]
        if not found:
            found = [i for i, name in enumerate(names) if _unit_of(column, name)]
        if len(found) > 1:
            return index, column
        if found:
            index[column] = found[0]
    for column, aliases in _OTHER_ALIASES.items():
        taken = set(index.values())
        found = [i for i, name in enumerate(names) if name in aliases and i not in taken]
        if column == "center" and fits:
            found = [i for i in found if is_image(below[i])]
        elif column == _CAMERA and fits:
            found = [i for i in found if not is_image(below[i]) and not is_number(below[i])]
        if column not in index and found:
            index[column] = min(found, key=lambda i: aliases.index(names[i]))
    images = [i for i, cell in enumerate(below) if is_image(cell)] if fits else []
    if "center" not in index and len(images) == 1 and images[0] not in index.values():
        index["center"] = images[0]  # whatever its name: nothing else can be the image
    return index, ""


def _is_of(source: _Source, names: Sequence[str]) -> bool:
    # AirSim's names are everybody's: only with one of its image columns
    return source.columns.issubset(_without_unit(name) for name in names) and (
        source.name != "AirSim" or not _AIRSIM_IMAGES.isdisjoint(names)
    )


def _without_unit(name: str) -> str:
    unit = _unit_of("speed", name)
    return name[: -len(unit)] if unit else name


def _unit_of(column: str, name: str) -> str:
    """The unit at the end of a steering or speed column's name; empty: none, or another column."""
    if column == "speed":
        stem = next((stem for stem in ("speed", "velocity") if name.startswith(stem)), None)
        return name[len(stem) :] if stem and name[len(stem) :] in _UNITS_OF_SPEED else ""
    if not column.startswith("steer"):
        return ""
    at = max(name.rfind("steer"), name.rfind("angle"))
    return next((unit for unit in _UNITS_OF_STEERING if at >= 0 and name[at:].endswith(unit)), "")


def _mph(speed: str, source: _Source | None) -> float:
    unit = _unit_of("speed", speed) or ("mps" if source else "")
    return 1 / (_UNITS_OF_SPEED[unit] * MPS_PER_MPH) if unit else 1.0


def _unit_note(name: str, full: float) -> str:
    if math.isnan(full):
        return ""
    return f"{name[:_MAX_SHOWN]!r} is taken as that of the wheels: {full:.4g} is full lock, positive to the right"


def _what_to_name(cells: Sequence[str], index: dict[str, int], twice: str, below: Sequence[str]) -> str:
    shown = [cell[:_MAX_SHOWN] for cell in cells]
    if twice:
        return f"expected one column for {twice}, got several columns for {twice}; rename all but one of them"
    fits = len(below) == len(cells)
    left = [i for i, cell in enumerate(shown) if cell and i not in index.values()]
    missing = []
    for column, role, belongs in (("center", "image's path", is_image), ("steering", "steering", is_number)):
        if column not in index:
            likely = [i for i in left if fits and belongs(below[i])] or left
            names = " or ".join(repr(shown[i]) for i in likely[:8]) or "no column is left, add one"
            missing.append(f"rename the column of the {role} to {column} ({names})")
    got = ", ".join(map(repr, shown))[:200]
    return f"expected a header with center and steering ({','.join(COLUMNS)}), got the columns {got}: " + "; ".join(
        missing
    )


def name_number(name: str) -> tuple[str, float] | None:
    """What a name of a number outside of a log is: a column, and what makes it normalised, or miles per hour.

    >>> name_number("steering_angle"), name_number("user/throttle"), name_number("elbow_flex.pos")
    (('steering', nan), ('throttle', 1.0), None)

    Returns:
        None for other names; NaN where the name does not tell the unit of a steering.
    """
    bare = re.sub(r"[^a-z0-9]", "", name.lower()).removesuffix("normalized").removesuffix("normalised")
    for column in NUMBER_COLUMNS:
        if bare in _ALIASES[column] or bare in _OTHER_ALIASES[column] or _unit_of(column, bare):
            if column == "steering":
                return column, 1 / _UNITS_OF_STEERING.get(_unit_of("steer", bare), math.nan)
            return column, _mph(bare, None) if column == "speed" else 1.0
    return None


def name_camera(name: str) -> str | None:
    """The camera of a car that a name such as `front` or `camera_left` is for; None for others."""
    bare = re.sub(r"[^a-z0-9]", "", name.lower())
    bare = bare.removeprefix("camera").removeprefix("cam") or bare
    return next((camera for camera in CAMERAS if bare in {*_ALIASES[camera], *_OTHER_ALIASES.get(camera, ())}), None)


def is_column_numbers(cells: Sequence[str]) -> bool:
    """Whether a line is pandas' default header: `0,1,2,...`, with or without its index column."""
    numbers = cells[1:] if cells[:1] == [""] else cells
    return len(numbers) > 1 and list(numbers) == [str(i) for i in range(len(numbers))]


def refuse_foreign(log: Path, line: int, text: str, reason: str) -> RecordingError:
    """The error for a log of another kind: where, what was expected, what came, what to do."""
    shown = text if len(text) <= 100 else f"{text[:45]} ... {text[-50:]}"
    return RecordingError(
        f"{log}:{line}: expected a row of Udacity's recorder ({','.join(COLUMNS)}), got {shown!r} ({reason}); if this "
        "is a recording with other columns, name them in a first line, such as center,steering,throttle"
    )


_ALIASES = {column: names.split() for column, names in _NAMES.items()}
_OTHER_ALIASES = {column: names.split() for column, names in _OTHER_NAMES.items()}
_TELLING = {name for names in _ALIASES.values() for name in names}  # that make any line a header of a recording
