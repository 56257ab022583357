"""The worlds of a pretraining, rendered by several processes into one file each; those that are there are kept."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np

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
    with (
        counting("worlds", n_worlds) as on_progress,
        ProcessPoolExecutor(n_jobs, multiprocessing.get_context("spawn")) as pool,
    ):
        waiting = [pool.submit(_render, world_file(folder, number), number, n_frames, picture) for number in missing]
        for n_done, each in enumerate(as_completed(waiting), n_worlds - len(missing) + 1):
            each.result()
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


def _render(file: Path, number: int, n_frames: int, picture: Picture) -> None:
    render_truth(number, n_frames, picture).save(file)
