"""A model's steering on real frames and on their rendered twins: `python docs/real_and_rendered.py MODEL RECORDING`.

The recording is placed on the lake or the jungle, and a frame is rendered from the same place for each of 200 rows.
"""

# ruff: noqa: T201 - it prints a table
from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import numpy as np

from models.loading import load_policy
from simulator_bridge.simulator.run.same_pose import render_pairs

N_PAIRS = 200


def main(model: Path, recording: Path) -> None:
    """Print how well the three agree."""
    policy = load_policy(model)
    track, pairs = render_pairs(recording, N_PAIRS, 0, "tinydisplay", ("lake", "jungle"))
    steering = {
        "on real frames": np.array([policy(pair.real).steering_angle for pair in pairs]),
        "on rendered twins": np.array([policy(pair.rendered).steering_angle for pair in pairs]),
        "as recorded": np.array([pair.steering_angle for pair in pairs]),
    }
    print(f"{len(pairs)} pairs of {recording.name} on the {track}")
    names = list(steering)
    for first, second in ((names[0], names[1]), (names[0], names[2]), (names[1], names[2])):
        a, b = steering[first], steering[second]
        print(f"{first:<18} and {second:<18} r {np.corrcoef(a, b)[0, 1]:5.2f}   mean difference {np.mean(a - b):+.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
