"""The worlds of a pretraining, rendered by several processes into one file each; those that are there are kept."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simulator_bridge.cli.parent_watch import ask_to_end_with_parent
from simulator_bridge.cli.terminal import counting
from simulator_bridge.simulator.truth.rendered_truth import Picture, RenderedTruth, render_truth

FIRST_WORLD = 10_000  # random:10000 and on: of no exam, no test, and no example


def world_file(folder: Path, number: int) -> Path:
    """Where a world is."""
    return folder / f"world{number}.npz"


def render_worlds(folder: Path, n_worlds: int, n_frames: int, picture: Picture, n_jobs: int) -> list[Path]:
    """Render the worlds that are not there yet.

    Args:
        folder: Of the files.
        n_worlds: How many.
        n_frames: Of each.
        picture: What of each frame is kept.
        n_jobs: Processes that render at a time.

    Returns:
        The files of all worlds, in their order.

    Raises:
        UserError: If nothing renders here, or a file cannot be written.
    """
    numbers = range(FIRST_WORLD, FIRST_WORLD + n_worlds)
    files = [world_file(folder, number) for number in numbers]
    missing = [number for number, file in zip(numbers, files, strict=True) if not file.is_file()]
    tasks = [(world_file(folder, number), number, n_frames, picture) for number in missing]
    with (
        counting("worlds", n_worlds) as on_progress,
        multiprocessing.get_context("spawn").Pool(n_jobs, ask_to_end_with_parent) as pool,  # ended on Ctrl-C
    ):
        for n_done, _ in enumerate(pool.imap_unordered(_render, tasks), n_worlds - len(missing) + 1):
            on_progress(n_done)
    return files


def load_worlds(files: Sequence[Path]) -> RenderedTruth:
    """All frames of some worlds, one world after the other."""
    worlds = [RenderedTruth.load(file) for file in files]
    return RenderedTruth(
        np.concatenate([world.images for world in worlds]),
        np.concatenate([world.classes for world in worlds]),
        np.concatenate([world.truths for world in worlds]),
    )


def _render(task: tuple[Path, int, int, Picture]) -> None:
    file, number, n_frames, picture = task
    render_truth(number, n_frames, picture).save(file)
