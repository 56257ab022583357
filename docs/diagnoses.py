"""How often is a fault told from a drive? `python docs/diagnoses.py FIRST_SEED N_SEEDS [FOLDER]`.

Drivers with a fault on purpose drive the lake, one way or the other; the faults are as strong as the seed says. Without
a folder they are judged by where they truly were. With one they are recorded there, and placed by their frames.
"""

# ruff: noqa: T201 - it prints a table
from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from collections import Counter

from drive.judgement.judgement import Judgement, judge_drive, judge_recording
from simulator_bridge.placement.placing import build_tracks
from tests.support.driving.faulty_driver import FaultyHands, drive_faulty, faulty_hands


def main(first_seed: int, n_seeds: int, folder: Path | None) -> None:
    """Print for each kind of driver what was said of it, and how often."""
    said: dict[str, Counter[str]] = {}
    for seed in range(first_seed, first_seed + n_seeds):
        for name, hands in faulty_hands(seed).items():
            words = "; ".join(dict.fromkeys(str(each.fault) for each in _judge(name, hands, seed, folder).diagnoses))
            said.setdefault(name, Counter())[words or "nothing"] += 1
            print(f"{name}, seed {seed}: {words or 'nothing'}", file=sys.stderr)
    for name, counts in said.items():
        print(f"{name:9}", ", ".join(f"{words}: {count}" for words, count in counts.most_common()))


def _judge(name: str, hands: FaultyHands, seed: int, folder: Path | None) -> Judgement:
    reverse = seed % 2 == 1
    if folder is None:
        return judge_drive(drive_faulty(hands, seed=seed, reverse=reverse).placed, Path(name), "lake", None, 0.0)
    recording = folder / f"{name.replace(' ', '_')}_{seed}"
    if not recording.exists():
        drive_faulty(hands, seed=seed, reverse=reverse, period_s=0.2, folder=recording)
    return judge_recording(recording, build_tracks())


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
