from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator_bridge.recording.log.log_format import CAMERAS, IMAGE_FOLDER, LOG_NAME, format_row
from tests.support.made_recording import make_recording
from tests.support.paths import ROOT

IMAGE_MB = 66 * 200 * 3 / 1e6  # PilotNet's
N_SOURCES = 40


def repeated_recording(folder: Path, n: int) -> Path:
    """A recording of `n` rows with three cameras whose images show a few pictures; no two center images are copies."""
    source = make_recording(folder / "source", N_SOURCES)
    images = [sorted((source / IMAGE_FOLDER).glob(f"{camera}_*")) for camera in CAMERAS]
    recording = folder / "long"
    (recording / IMAGE_FOLDER).mkdir(parents=True)
    lines = []
    for row in range(n):
        at = f"2020_01_{1 + row // 36000:02d}_{row // 3600 % 10:02d}_{row // 60 % 60:02d}_{row % 60:02d}_000"
        names = {camera: f"{camera}_{at}.jpg" for camera in CAMERAS}
        for camera, sources in zip(CAMERAS, images, strict=True):
            source, image = sources[row % N_SOURCES], recording / IMAGE_FOLDER / names[camera]
            if camera == "center":
                image.write_bytes(with_comment(source.read_bytes(), f"{row:08d}".encode()))
            else:
                os.link(source, image)
        lines.append(format_row(names, 0.3 * (-1) ** row, 0.3, 0.0, 15.0))
    (recording / LOG_NAME).write_text("".join(lines), encoding="utf-8")
    return recording


def with_comment(jpeg: bytes, comment: bytes) -> bytes:
    """The same picture in another file."""
    return jpeg[:2] + b"\xff\xfe" + (2 + len(comment)).to_bytes(2, "big") + comment + jpeg[2:]


def probe(recording: Path, cache_mb: int, n_batches: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.support.memory_probe", str(recording), str(cache_mb), str(n_batches)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_images_take_no_more_memory_than_is_allowed(tmp_path: Path) -> None:
    n, cache_mb = 4000, 40
    found = probe(repeated_recording(tmp_path, n), cache_mb, n_batches=4)

    assert found["rows"] == n
    assert found["cached"] == int(cache_mb / IMAGE_MB)
    # Beside the images: 256 frames being decoded (39 MB, twice), lists of rows, graphs. All images would take 470 MB
    assert found["images"] * IMAGE_MB > 400
    assert found["grown_mb"] < cache_mb + 250


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_recording_of_100000_rows_stays_within_the_memory_too(tmp_path: Path) -> None:
    n, cache_mb = 100_000, 200
    found = probe(repeated_recording(tmp_path, n), cache_mb, n_batches=200)

    assert found["rows"] == n
    assert found["images"] * IMAGE_MB > 9000
    assert found["grown_mb"] < cache_mb + 600
