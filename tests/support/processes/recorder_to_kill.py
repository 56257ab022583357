"""A program that records without end, to be killed: a fresh recorder process for every line on standard input.

Each input line is `FOLDER FIRST`; rows carry FIRST, FIRST + 1, ... as their speed. Output: `pid N` when a recorder
starts, `row N` after row N is on disk, `dead` when it was killed. Forking saves 50 starts of Python and OpenCV.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import numpy as np

from simulator_bridge.messages import FRAME_SHAPE, encode_frame
from simulator_bridge.recording.log.log_format import CAMERAS
from simulator_bridge.recording.recorder import Recorder


def record_without_end(folder: Path, first: int, jpeg: bytes) -> None:
    recorder = Recorder(folder)
    for number in itertools.count(first):
        recorder.add(dict.fromkeys(CAMERAS, jpeg), steering_angle=0.0, throttle=0.0, brake=0.0, speed_mph=number)
        recorder.flush()
        say(f"row {number}")


def say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def main() -> None:
    noise = np.random.default_rng(0).integers(0, 256, FRAME_SHAPE, dtype=np.uint8)
    jpeg = encode_frame(noise)  # some 50 KB, so that kills also fall into the writing of images
    for line in sys.stdin:
        folder, first = line.rsplit(maxsplit=1)
        pid = os.fork()
        if pid == 0:
            say(f"pid {os.getpid()}")
            record_without_end(Path(folder), int(first), jpeg)
        os.waitpid(pid, 0)
        say("dead")


if __name__ == "__main__":
    main()
