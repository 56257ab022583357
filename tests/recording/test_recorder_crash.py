"""What a killed recorder or a full disk leaves behind, tested on real processes that really die."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from simulator_bridge.recording import load_recording
from simulator_bridge.recording.recorder import Recorder
from tests.support.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

N_KILLS = 50


@pytest.fixture
def recorders() -> Iterator[tuple[IO[str], IO[str]]]:
    """The standard input and output of `recorder_to_kill.py`."""
    command = [sys.executable, "-m", "tests.support.processes.recorder_to_kill"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdin, process.stdout


def run_and_kill(recorders: tuple[IO[str], IO[str]], folder: Path, first: int, rng: random.Random) -> int:
    """Kill a recorder some rows and a random moment after its start.

    Returns:
        How many rows it had said to be on disk, including those of earlier sessions.
    """
    stdin, stdout = recorders
    print(folder, first, file=stdin, flush=True)
    pid, n_confirmed = int(stdout.readline().removeprefix("pid ")), first
    for _ in range(rng.randrange(8)):
        n_confirmed = int(stdout.readline().removeprefix("row ")) + 1
    time.sleep(rng.uniform(0, 0.005))  # not waiting for anything: the random moment within a row or two
    os.kill(pid, signal.SIGKILL)
    while (line := stdout.readline()) != "dead\n":
        n_confirmed = int(line.removeprefix("row ")) + 1
    return n_confirmed


def has_rows(log: Path) -> bool:
    return log.exists() and b"\n" in log.read_bytes()


def test_a_recorder_killed_50_times_loses_at_most_its_last_row_each_time_and_resumes(
    tmp_path: Path, recorders: tuple[IO[str], IO[str]]
) -> None:
    rng = random.Random(5)
    n_rows = 0
    for _ in range(N_KILLS):
        n_confirmed = run_and_kill(recorders, tmp_path / "lap", n_rows, rng)
        if n_confirmed == 0 and not has_rows(tmp_path / "lap" / "driving_log.csv"):
            continue
        recording = load_recording(tmp_path / "lap")
        n_rows = len(recording)
        assert n_confirmed <= n_rows <= n_confirmed + 1
        assert recording.speed_mph.tolist() == list(range(n_rows))
    with Recorder(tmp_path / "lap"):
        pass  # what the last kill may have torn is cut off
    recording = load_recording(tmp_path / "lap")
    assert recording.dropped == {}
    assert len(recording) == n_rows > N_KILLS
    images = [recording.image_path(camera, row) for camera in recording.images for row in range(n_rows)]
    assert len(images) == 3 * n_rows
    assert len({image.read_bytes() for image in images}) == 1  # all whole: each is the same JPEG


def run_until_full(*command: str) -> dict[str, Any]:
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert len(run.stderr.splitlines()) == 1
    assert "recording stopped" in run.stderr
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def check_full_disk(result: dict[str, Any], reason: str) -> None:
    until_full, after = result["until_full"], result["after"]
    n_written = until_full["written"]
    assert until_full["failed"].startswith(reason)
    assert n_written > 10
    assert until_full["dropped"] == 1000 - n_written
    assert until_full["readable_speeds"] == list(range(n_written))
    assert after["failed"] is None
    assert after["readable_speeds"] == [*range(n_written), 1000]
    assert after["images_are_whole"]
    assert after["images_without_row"] == 0


def test_a_log_that_cannot_grow_in_the_middle_of_a_line_keeps_its_whole_rows(tmp_path: Path) -> None:
    result = run_until_full(
        sys.executable, "-m", "tests.support.processes.record_on_full_disk", "limit", str(tmp_path / "lap")
    )
    check_full_disk(result, "File too large")


def test_a_full_disk_stops_recording_but_not_driving_and_keeps_the_whole_rows(tmp_path: Path) -> None:
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    mount = 'mount -t tmpfs -o size=256k tmpfs "$0"'
    if (
        shutil.which("unshare") is None
        or subprocess.run([*own_mounts, mount, tmp_path], capture_output=True).returncode
    ):
        pytest.skip("may not mount a tiny file system here")
    program = f'{mount}; exec "$1" -m tests.support.processes.record_on_full_disk full "$0/lap"'
    check_full_disk(run_until_full(*own_mounts, program, str(tmp_path), sys.executable), "No space left on device")
