"""gym-donkeycar itself drives in the built-in simulator: the release of 2019, the only one on PyPI, in its own venv.

That of today is not there: `tests/support/donkey/donkey_client.py` follows its source. The venv needs the network once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from simulator_bridge.transport.address import free_port
from tests.support.driving.small_track import write_oval
from tests.support.paths import ROOT

PACKAGES = ("gym-donkeycar==1.0.13", "gym==0.26.2", "numpy<3", "pillow")  # its asyncore needs Python 3.11 or older
PROGRAM = """
import numpy as np
from gym_donkeycar.envs.donkey_env import GeneratedRoadsEnv

env = GeneratedRoadsEnv()
frame = env.reset()
assert frame.shape == (120, 160, 3) and frame.std() > 20, frame.shape
cte = before = 0.0
way = 0.0
for _ in range(60):
    frame, reward, done, info = env.step(np.array([np.clip(-0.3 * cte - 2.0 * (cte - before), -1, 1), 0.4]))
    before, cte = cte, info["cte"]
    assert not done and info["hit"] == "none" and abs(cte) < 3.0, info
assert info["speed"] > 1.0, info
print("DROVE", info)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has gym-donkeycar."""
    folder = tmp_path_factory.mktemp("gym")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *PACKAGES], capture_output=True, text=True, timeout=600, check=False
    )
    if installed.returncode:
        pytest.skip(f"gym-donkeycar cannot be installed: {installed.stderr[-300:]}")
    return python


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the release of 2019 needs asyncore")
def test_the_release_of_2019_drives_in_the_built_in_simulator(python: Path, tmp_path: Path) -> None:
    port, track = free_port(), str(write_oval(tmp_path / "oval.csv"))
    command = [sys.executable, str(ROOT / "simulator_bridge" / "simulate.py")]
    simulator = subprocess.Popen([*command, "--track", track, "--donkey", f"127.0.0.1:{port}"])
    settings = {"DONKEY_SIM_PATH": "none", "DONKEY_SIM_PORT": str(port), "PYTHONWARNINGS": "ignore"}
    try:
        driven = subprocess.run(
            [python, "-c", PROGRAM], env={**os.environ, **settings, "PYTHONPATH": ""},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        simulator.terminate()
        assert simulator.wait(30) == 0
    assert driven.returncode == 0, driven.stderr[-2000:]
    assert "DROVE" in driven.stdout
