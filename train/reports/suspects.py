"""Rows that a person should look at before training on them: what is wrong, where, and how often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator_bridge.recording import Recording, load_recording
from simulator_bridge.recording.images.image_files import decode_damage_of
from simulator_bridge.udacity_car import MAX_STEERING_DEG
from train.reports.frame_facts import FrameFacts, runs_of

# Of 2,800 real frames: the darkest 49, the flattest 22, the least change from row to row 3.7 at 10 to 13 rows/s.
DARK_LEVEL, BRIGHT_LEVEL = 25.0, 245.0  # grey levels of 255
FLAT_LEVEL = 6.0  # standard deviation, grey levels
FROZEN_LEVEL = 0.5  # mean difference to the row before, grey levels; the JPEG noise of a still scene alone is more
STANDING_MPH = 0.5  # slower: the picture may stand still
JUMP_WITHIN_S = 0.25  # between rows farther apart a wheel may well have been turned
JUMP = 0.5  # of the steering from one row to the next: keys move the wheel by 0.3 in a tenth of a second


@dataclass(frozen=True)
class Suspect:
    """A place in a recording, or several of one kind next to each other.

    Attributes:
        rows: Rows of `recording` to show, in order; the last one is the suspicious one.
        why: A few words with the numbers.
    """

    rows: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class Suspicion:
    """One kind of what may be wrong.

    Attributes:
        kind: Its name.
        meaning: What it does to a training, and what to do about it.
        n_rows: Rows of the recording it is true of.
        worst: The worst places, worst first.
    """

    kind: str
    meaning: str
    n_rows: int
    worst: Sequence[Suspect]


def find_suspicions(recording: Recording, frames: FrameFacts, n_worst: int = 4) -> list[Suspicion]:
    """What is suspicious in a recording, only kinds that it has; of each at most `n_worst` places."""
    return [
        suspicion
        for find in (_jumps, _frozen, _dark, _bright, _flat, _undecodable)
        for suspicion in [find(recording, frames, n_worst)]
        if suspicion.n_rows
    ]


def _jumps(recording: Recording, _: FrameFacts, n_worst: int) -> Suspicion:
    steering = recording.steering_angle.astype(np.float64)
    soon = (np.diff(recording.episode) == 0) & ~(np.diff(recording.time_s) > JUMP_WITHIN_S)  # unknown counts as soon
    change = np.where(soon, np.abs(np.diff(steering)), 0)
    rows = np.flatnonzero(change >= JUMP) + 1
    worst = sorted(rows.tolist(), key=lambda row: -change[row - 1])[:n_worst]
    return Suspicion(
        "label jumps",
        f"The steering changes by {JUMP} ({JUMP * MAX_STEERING_DEG:.1f}\N{DEGREE SIGN}) or more from one row to the "
        "next. Two nearly equal pictures with two answers: a few are the jerks of a key or mouse, many make the "
        "recording a poor teacher.",
        len(rows),
        [Suspect((row - 1, row), f"a change of {change[row - 1]:.2f}") for row in worst],
    )


def _frozen(recording: Recording, frames: FrameFacts, n_worst: int) -> Suspicion:
    moving = ~(recording.speed_mph <= STANDING_MPH)  # an unknown speed counts as moving
    same = np.concatenate([[False], np.diff(recording.episode) == 0]) if len(recording) else np.empty(0, bool)
    frozen = (frames.change <= FROZEN_LEVEL) & moving & same
    runs = sorted(runs_of(frozen), key=len, reverse=True)[:n_worst]
    return Suspicion(
        "frozen pictures",
        "The car moves, the picture is the one before: the recorder stalled, or frames were copied. Such rows pair a "
        "late picture with a label of now; leave the stretch out.",
        int(frozen.sum()),
        [Suspect((run[0] - 1, run[-1]), f"{len(run)} {_rows(len(run))} like the one before") for run in runs],
    )


def _dark(_: Recording, frames: FrameFacts, n_worst: int) -> Suspicion:
    return _by_level(
        "dark pictures",
        "Nearly black: nothing to steer by.",
        frames.brightness,
        frames.brightness < DARK_LEVEL,
        n_worst,
        "mean brightness {:.0f} of 255",
    )


def _bright(_: Recording, frames: FrameFacts, n_worst: int) -> Suspicion:
    return _by_level(
        "overexposed pictures",
        "Nearly white: nothing to steer by.",
        -frames.brightness,
        frames.brightness > BRIGHT_LEVEL,
        n_worst,
        "mean brightness {:.0f} of 255",
    )


def _flat(_: Recording, frames: FrameFacts, n_worst: int) -> Suspicion:
    seen = (frames.contrast < FLAT_LEVEL) & (frames.brightness >= DARK_LEVEL) & (frames.brightness <= BRIGHT_LEVEL)
    return _by_level(
        "flat pictures",
        "Almost one colour: a loading screen, a wall, or a camera that is covered.",
        frames.contrast,
        seen,
        n_worst,
        "contrast {:.1f} of 255",
    )


def _undecodable(_: Recording, frames: FrameFacts, n_worst: int) -> Suspicion:
    broken = np.isnan(frames.brightness)
    return Suspicion(
        "undecodable pictures",
        "The file is whole by its header and cannot be decoded; training leaves it out, --check decode counts it.",
        int(broken.sum()),
        [Suspect((int(row),), "cannot be decoded") for row in np.flatnonzero(broken)[:n_worst]],
    )


def _by_level(
    kind: str,
    meaning: str,
    level: npt.NDArray[np.float64],
    is_suspicious: npt.NDArray[np.bool_],
    n_worst: int,
    why: str,
) -> Suspicion:
    """Suspicious rows in stretches, of each its worst row, the lowest level first."""
    worst = sorted((min(run, key=lambda row: level[row]) for run in runs_of(is_suspicious)), key=lambda row: level[row])
    return Suspicion(
        kind,
        meaning,
        int(is_suspicious.sum()),
        [Suspect((row,), why.format(abs(level[row]))) for row in worst[:n_worst]],
    )


def _rows(n: int) -> str:
    return "row" if n == 1 else "rows"


@dataclass(frozen=True)
class Damaged:
    """A row that was left out for a damaged image.

    Attributes:
        line: In the log, from 1.
        camera: Whose image.
        path: The file.
        reason: What is wrong with it.
    """

    line: int
    camera: str
    path: str
    reason: str


def find_damaged(
    recording: Recording, n: int, damage_of: Callable[[str], str | None] = decode_damage_of
) -> list[Damaged]:
    """The first `n` damaged images of a recording whose rows were left out; missing files are not among them."""
    if not recording.dropped:
        return []
    listed = load_recording(recording.log, check="listed")
    left_out = np.flatnonzero(np.isin(listed.line, recording.line, invert=True))
    found: list[Damaged] = []
    for row in left_out.tolist():
        for camera, paths in listed.images.items():
            reason = damage_of(paths.string(row))
            if reason is not None:
                found.append(Damaged(int(listed.line[row]), camera, paths.string(row), reason))
        if len(found) >= n:
            break
    return found[:n]
