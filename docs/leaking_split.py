"""Show that a random split leaks: `python docs/leaking_split.py RECORDING`.

The predictor sees no pixel. It takes each validation row's steering from the training rows before and after it.
"""

# ruff: noqa: T201 - it prints a table
from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import numpy as np

from simulator_bridge.recording import load_recordings
from train.data.rows import gather_rows
from train.data.splits import split_blocks

SHARE = 0.2  # of the rows to validate on


def main(recordings: list[Path]) -> None:
    """Print the validation error of both splits."""
    rows = gather_rows(load_recordings(recordings), ("steering_angle",))
    steering = rows.steering_angle
    shuffled = np.random.default_rng(0).permutation(len(rows))
    blocks = split_blocks(rows.recording, rows.time_s, SHARE, n_blocks=10, guard_s=2.0)
    n_validation = round(SHARE * len(rows))
    splits = {
        "random": (np.sort(shuffled[n_validation:]), shuffled[:n_validation]),
        "contiguous blocks": (blocks.train, blocks.validation),
    }
    print(f"{'split':<18} always zero   neighbours' steering   (MSE)")
    for name, (train, validation) in splits.items():
        zero = np.square(steering[validation]).mean()
        neighbours = np.square(np.interp(validation, train, steering[train]) - steering[validation]).mean()
        print(f"{name:<18} {zero:11.4f}   {neighbours:20.4f}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]] or [Path("recordings")])
