"""The programs of examples/, run as a person runs them, and the Python of the README."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.custom_policy import GreyRoadPolicy
from models.loading import load_policy
from simulator_bridge.messages import FRAME_SHAPE
from tests.support.drivable_model import drivable_model
from tests.support.driving.small_track import write_oval
from tests.support.made_recording import draw_frame, make_recording
from tests.support.paths import ROOT
from tests.support.policy_contract import check_policy


def run_program(*arguments: str | Path, cwd: Path) -> str:
    result = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


def test_the_minimal_training_saves_a_model_that_steers_with_the_road(tmp_path: Path) -> None:
    recording = make_recording(tmp_path / "lap", n=200)

    output = run_program(ROOT / "examples/minimal_training.py", recording, "--epochs", "1", cwd=tmp_path)

    assert "best validation MSE" in output
    policy = load_policy(tmp_path / "runs" / "minimal.h5")
    left, right = (policy(draw_frame(steering)).steering_angle for steering in (-0.5, 0.5))
    assert left < right


def test_the_custom_policy_steers_to_where_the_grey_is() -> None:
    grass = np.full(FRAME_SHAPE, (60, 160, 40), np.uint8)
    road_on_the_right = grass.copy()
    road_on_the_right[:, 200:] = (100, 102, 99)

    assert GreyRoadPolicy()(grass).steering_angle == 0.0
    assert GreyRoadPolicy()(road_on_the_right).steering_angle > 0.1
    check_policy(GreyRoadPolicy(), [grass, road_on_the_right])


def test_the_custom_policy_drives_a_lap_behind_the_server(tmp_path: Path) -> None:
    write_oval(tmp_path / "oval.csv", straight_m=40.0, radius_m=30.0)

    # a track's name seeds its scenery, which so simple a policy may take for road: here it is always the same
    output = run_program(ROOT / "examples/custom_policy.py", "--track", "oval.csv", cwd=tmp_path)

    assert "1 of 1 laps" in output
    assert "autonomy 100.0 %" in output


@pytest.mark.parametrize("driver", ["expert", "model"])
def test_a_rollout_of_the_environment_ends_with_its_score(driver: str, tmp_path: Path) -> None:
    oval = write_oval(tmp_path / "oval.csv")
    options: list[str | Path] = ["--model", drivable_model()] if driver == "model" else []

    output = run_program(ROOT / "examples/gym_rollout.py", "--track", oval, *options, cwd=tmp_path)

    assert re.search(r"; return -?\d+\.\d, \d+\.\d s simulated", output)
    assert ("1 laps without an intervention" in output) == (driver == "expert")


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    program = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert program is not None
    make_recording(tmp_path / "recordings" / "lap", n=10)
    (tmp_path / "model.h5").write_bytes(drivable_model().read_bytes())

    output = run_program("-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{program.group(1)}", cwd=tmp_path)

    assert "recorded" in output
