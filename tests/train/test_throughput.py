from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulator_bridge.errors import UsageError
from tests.support.made_recording import make_recording
from tests.support.paths import ROOT
from train.benchmark.pipeline_speed import PipelineSpeed
from train.throughput import ThroughputConfig, build_table

SPEED = PipelineSpeed(
    device="CPU",
    epoch_images_per_s=90.0,
    repeated_images_per_s=100.0,
    epoch_cpu_ms=20.0,
    repeated_cpu_ms=18.0,
    decode_ms=4.0,
    augment_ms=1.0,
    network_ms=10.0,
    first_epoch_s=3.0,
    later_epochs_s=2.0,
    reading_s=1.0,
    n_cached=75,
    n_streamed=25,
)


def test_what_is_cached_in_memory_is_not_decoded_again() -> None:
    shares = {name: share for name, _, share in SPEED.stages()}

    assert shares["decode, crop, resize"] == pytest.approx(1 / 12)  # a quarter of the images: 1 of 12 ms
    assert shares["network"] == pytest.approx(10 / 12)
    assert SPEED.ratio == pytest.approx(0.9)


def test_the_command_reports_every_figure(tmp_path: Path) -> None:
    recording = make_recording(tmp_path / "lake", 90)
    quick = [
        "--batch-size",
        "16",
        "--samples",
        "1",
        "--rounds",
        "1",
        "--arch",
        "lenet",
        "--cache-memory",
        "1",
        "--json",
        "-",
    ]
    command = [sys.executable, str(ROOT / "train" / "throughput.py"), str(recording), *quick]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)

    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert "images in memory" in done.stderr
    assert "training 2 epochs" in done.stderr, "what takes minutes says so first"
    assert set(found) == {*SPEED.to_json()}
    assert found["n_cached"] > 0
    assert found["n_streamed"] > 0
    assert sum(found["shares"].values()) == pytest.approx(1)
    assert min(found["epoch_images_per_s"], found["repeated_images_per_s"], found["first_epoch_s"]) > 0


def test_the_table_fits_80_columns_and_says_what_streams() -> None:
    out = build_table(ThroughputConfig(recordings=(Path("lake"),)), SPEED)

    for expected in ("90% of the repeated", "75 images in memory, 25 streamed", "first epoch 3.0 s", "CPU"):
        assert expected in out
    table = out.splitlines()[:8]
    assert "one repeated batch" in table[-1]
    assert all(len(line) <= 80 for line in table)


def test_no_rounds_are_refused() -> None:
    with pytest.raises(UsageError, match="expected --rounds of at least 1, got 0"):
        ThroughputConfig(recordings=(Path("lake"),), rounds=0)
