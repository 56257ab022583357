"""The worlds of a pretraining, rendered by several processes into one file each; those that are there are kept."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator_bridge.cli.parent_watch import ask_to_end_with_parent
from simulator_bridge.cli.terminal import counting
from simulator_bridge.simulator.truth.rendered_truth import Picture, RenderedTruth, render_truth

FIRST_WORLD = 10_000  # random:10000, mountain:10000 and on: of no exam, no test, and no example


@dataclass(frozen=True)
class World:
    """A world to render.

    Attributes:
        number: Of its road, and of all chance.
        country: `random` or `mountain`.
        file: What is rendered of it.
    """

    number: int
    country: str
    file: Path


def list_worlds(folder: Path, n_worlds: int, mountain_share: float) -> list[World]:
    """The worlds in their order, mountain roads evenly among them.

    >>> [world.file.name for world in list_worlds(Path(), 5, 0.4)]
    ['world10000.npz', 'world10001.npz', 'mountain10002.npz', 'world10003.npz', 'mountain10004.npz']
    """
    worlds = []
    for index in range(n_worlds):
        is_mountain = math.floor((index + 1) * mountain_share + 1e-9) > math.floor(index * mountain_share + 1e-9)
        country, name = ("mountain", "mountain") if is_mountain else ("random", "world")
        number = FIRST_WORLD + index
        worlds.append(World(number, country, folder / f"{name}{number}.npz"))
    return worlds


def render_worlds(worlds: Sequence[World], n_frames: int, picture: Picture, n_jobs: int) -> list[Path]:
    """Render the worlds that are not there yet.

    Args:
        worlds: See `list_worlds`.
        n_frames: Of each.
        picture: What of each frame is kept.
        n_jobs: Processes that render at a time.

    Returns:
        The files of all worlds, in their order.

    Raises:
        UserError: If nothing renders here, or a file cannot be written.
    """
    tasks = [(world, n_frames, picture) for world in worlds if not world.file.is_file()]
    with (
        counting("worlds", len(worlds)) as on_progress,
        multiprocessing.get_context("spawn").Pool(n_jobs, ask_to_end_with_parent) as pool,  # ended on Ctrl-C
    ):
        for n_done, _ in enumerate(pool.imap_unordered(_render, tasks), len(worlds) - len(tasks) + 1):
            on_progress(n_done)
    return [world.file for world in worlds]


def load_worlds(files: Sequence[Path]) -> RenderedTruth:
    """All frames of some worlds, one world after the other."""
    worlds = [RenderedTruth.load(file) for file in files]
    return RenderedTruth(
        np.concatenate([world.images for world in worlds]),
        np.concatenate([world.classes for world in worlds]),
        np.concatenate([world.truths for world in worlds]),
    )


def _render(task: tuple[World, int, Picture]) -> None:
    world, n_frames, picture = task
    render_truth(world.number, n_frames, picture, world.country).save(world.file)
