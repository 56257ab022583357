"""`train/dagger.py` with real processes: it drives, records, trains, goes on, and says what is wrong in one line."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from drive.evaluation.lap_processes import LapServer
from models.model_file import load_model_file
from simulator_bridge.recording import load_recording
from simulator_bridge.simulate import main as simulate
from tests.support.driving.small_track import write_oval
from tests.support.paths import ROOT
from train.dagger import main

SCRIPT = str(ROOT / "train" / "dagger.py")


def test_a_servers_drive_is_recorded_with_the_experts_labels(tmp_path: Path) -> None:
    oval, folder = write_oval(tmp_path / "oval.csv"), tmp_path / "recording"
    server = LapServer(None, 15.0, threading.Event())
    try:
        flags = ["--connect", server.url, "--record", str(folder), "--speed", "15", "--json", str(tmp_path / "d.json")]
        assert simulate(["--track", str(oval), "--max-interventions", "2", *flags]) == 0
    finally:
        server.process.close()
    recording = load_recording(folder)
    assert set(recording.images) == {"center"}
    assert recording.steering_angle.min() < -0.1, "the car goes straight on, the expert would turn"
    assert json.loads((tmp_path / "d.json").read_text())["driver"] == "remote"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("nothing.h5", 1, "nothing.h5: no such model file; train one first with train/clone.py"),
        ("m.h5 --track jungle", 2, "--track jungle is a road of drive/exam.py"),
        ("m.h5 --output better.tflite", 2, "expected an --output that ends in .h5, got better.tflite"),
        ("m.h5 --latency -1", 2, "expected --latency of at least 0 and up to 1000 ms, got -1"),
    ],
)
def test_bad_input_is_one_line(words: str, code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        found = main(words.split())
    except SystemExit as end:
        found = int(end.code or 0)
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert found == code
    assert message in last


@pytest.mark.slow
def test_from_a_lap_of_the_lake_two_rounds_and_on_after_a_kill(tmp_path: Path) -> None:
    model, better, oval = tmp_path / "model.h5", tmp_path / "better.h5", write_oval(tmp_path / "oval.csv")
    cache = ["--feature-cache", str(tmp_path / "features")]
    subprocess.run(
        [sys.executable, "train/clone.py", "recordings", "--output", str(model), *cache],
        check=True,
        cwd=ROOT,
    )
    command = [
        sys.executable,
        SCRIPT,
        str(model),
        "--track",
        str(oval),
        "--all-rounds",
        "--folder",
        str(tmp_path / "d"),
    ]
    command += ["--output", str(better), "--json", str(tmp_path / "d.json")]
    killed = subprocess.Popen([*command, "--rounds", "2"], cwd=ROOT)
    log = tmp_path / "d" / "round-1" / "training.log"
    while killed.poll() is None and not log.exists():
        try:
            killed.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    killed.kill()
    killed.wait()
    assert not better.exists()
    done = subprocess.run([*command, "--rounds", "1"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "d.json").read_text())
    assert [driven["round"] for driven in content["rounds"]] == [1, 2]
    assert all(driven["rows"] > 50 for driven in content["rounds"])
    assert load_model_file(better).metadata["training"]["regime"] == "ridge"
    other = subprocess.run([*command, "--noise", "2"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "holds rounds of another noise" in other.stderr
