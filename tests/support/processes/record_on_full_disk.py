"""A program that records into FOLDER until the disk is full, makes room, and records on; says what came of it in JSON.

`full FOLDER` fills the file system of FOLDER, which should be a tiny one; `limit FOLDER` forbids files over 4000 bytes,
which the log reaches in the middle of a line.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import numpy as np

from simulator_bridge.messages import FRAME_SHAPE, encode_frame
from simulator_bridge.recording import load_recording
from simulator_bridge.recording.recorder import Recorder

JPEG = encode_frame(np.zeros(FRAME_SHAPE, np.uint8))
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def record(folder: Path, rows: range) -> dict[str, object]:
    with Recorder(folder) as recorder:
        for number in rows:
            recorder.add({"center": JPEG}, steering_angle=0.0, throttle=0.0, brake=0.0, speed_mph=number)
            recorder.flush()
    recording = load_recording(folder)
    images = [recording.image_path("center", row).read_bytes() for row in range(len(recording))]
    return {
        "failed": recorder.failed,
        "written": recorder.n_written,
        "dropped": recorder.n_dropped,
        "readable_speeds": recording.speed_mph.tolist(),
        "images_are_whole": all(image == JPEG for image in images),
        "images_without_row": len(list((folder / "IMG").iterdir())) - len(images),
    }


def main() -> None:
    kind, folder = sys.argv[1], Path(sys.argv[2])
    ballast = folder.parent / "ballast"
    if kind == "full":
        ballast.write_bytes(bytes(16384))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
    until_full = record(folder, range(1000))
    if kind == "full":
        ballast.unlink()
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, UNLIMITED)
    after = record(folder, range(1000, 1001))
    json.dump({"until_full": until_full, "after": after}, sys.stdout)


if __name__ == "__main__":
    main()
