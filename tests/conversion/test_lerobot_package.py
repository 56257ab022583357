"""LeRobot's own reader takes the datasets that we write. Its pins clash with ours: it has an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.conversion.target import write_recordings
from simulator_bridge.recording import load_recordings, read_frame
from tests.support.made_recording import START, make_recording
from tests.support.other_programs.frame_cache import frame_cache as frame_cache

# The last torchvision that decodes videos without FFmpeg's libraries
PACKAGES = ("lerobot-dataset==0.4.4", "torch==2.8.*", "torchvision==0.23.*")
READ_ALL = """
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from ledataset.datasets.lerobot_dataset import LeRobotDataset
data = LeRobotDataset("ours/drive", root=sys.argv[1], video_backend="pyav")
items = [data[i] for i in range(len(data))]
frames = np.stack([item["observation.images.front"].numpy() for item in items])
np.save(sys.argv[2], np.round(255 * frames.transpose(0, 2, 3, 1)).astype(np.uint8))
print(json.dumps({
    "episodes": data.num_episodes,
    "episode": [int(item["episode_index"]) for item in items],
    "action": [item["action"].tolist() for item in items],
    "speed": [float(item["observation.state"]) for item in items],
    "time_s": data.hf_dataset.data["time_s"].to_pylist(),
    "task": items[0]["task"],
    "mean": data.meta.stats["action"]["mean"].tolist(),
    "grey": data.meta.stats["observation.images.front"]["mean"].mean(),
}))
"""


@pytest.fixture(scope="session")
def lerobot_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with LeRobot's reader: `$LEROBOT_PYTHON`, or an environment made here, some 6 GB."""
    if "LEROBOT_PYTHON" in os.environ:
        return os.environ["LEROBOT_PYTHON"]
    folder = tmp_path_factory.mktemp("lerobot")
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    install = subprocess.run([python, "-m", "pip", "install", *PACKAGES], capture_output=True, text=True, check=False)
    if install.returncode:
        pytest.skip(f"LeRobot's reader cannot be installed: {install.stderr.strip().splitlines()[-1]}")
    return python


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform == "win32", reason="Python stands elsewhere in an environment")
def test_lerobots_own_reader_takes_a_dataset_of_ours(lerobot_python: str, tmp_path: Path) -> None:
    make_recording(tmp_path / "source", n=20, rate_hz=15)
    make_recording(tmp_path / "source", n=13, rate_hz=15, start=START.replace(minute=30), seed=1)
    [source] = load_recordings([tmp_path / "source"])
    write_recordings([source], tmp_path / "dataset", "lerobot")
    frames = tmp_path / "frames.npy"
    command = [lerobot_python, "-c", READ_ALL, str(tmp_path / "dataset"), str(frames)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    environment.pop("PYTHONPATH", None)
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert run.returncode == 0, run.stderr[-2000:]
    read = json.loads(run.stdout.splitlines()[-1])
    assert (read["episodes"], read["episode"]) == (2, source.episode.tolist())
    actions = np.stack([source.steering_angle, source.throttle, source.brake], axis=1)
    np.testing.assert_array_equal(np.float32(read["action"]), actions)
    np.testing.assert_array_equal(np.float32(read["speed"]), source.speed_mph)
    assert read["time_s"] == source.time_s.tolist()
    assert read["task"] == "Drive along the road."
    np.testing.assert_allclose(read["mean"], actions.mean(axis=0), atol=1e-6)
    seen = np.load(frames)
    recorded = np.stack([read_frame(path) for path in source.images["center"]])
    assert read["grey"] == pytest.approx(recorded.mean() / 255, abs=0.02)
    worst = max(np.mean((one.astype(float) - other) ** 2) for one, other in zip(seen, recorded, strict=True))
    assert 10 * np.log10(255**2 / worst) >= 35
