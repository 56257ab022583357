from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.model_file import load_model_file
from tests.support.free_ports import free_addresses
from tests.support.made_recording import make_recording
from tests.support.small_transfer import small_weights
from tests.train.test_clone import CLONE, QUICK, weights_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DEADLINE_S = 400.0


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("lake"), 150)


def start(recording: Path, output: Path, addresses: list[str], *more: str) -> list[subprocess.Popen[str]]:
    command = [sys.executable, str(CLONE), str(recording), *QUICK, *more, "--output"]
    workers = ["--workers", ",".join(addresses), "--worker"]
    return [
        subprocess.Popen(
            [*command, str(output if i == 0 else output.with_name("nobody.h5")), *workers, str(i)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=output.parent,
        )
        for i in range(len(addresses))
    ]


def finish(workers: list[subprocess.Popen[str]]) -> None:
    """Let both train to their ends, which must be good ones."""
    try:
        errors = [process.communicate(timeout=DEADLINE_S)[1] for process in workers]
    finally:
        for process in workers:
            process.kill()
    assert [process.returncode for process in workers] == [0, 0], errors


def wait_for(process: subprocess.Popen[str], start: str) -> None:
    assert process.stderr
    for line in process.stderr:
        if line.startswith(start):
            return


def test_a_killed_worker_ends_the_other_and_both_resume_to_the_model_of_one_process(
    recording: Path, tmp_path: Path
) -> None:
    whole, output = tmp_path / "whole.h5", tmp_path / "model.h5"
    alone = [sys.executable, str(CLONE), str(recording), *QUICK, "--epochs", "4", "--output", str(whole)]
    subprocess.run(alone, check=True, capture_output=True, timeout=DEADLINE_S)

    chief, other = start(recording, output, free_addresses(2), "--epochs", "4")
    try:
        wait_for(chief, "epoch   1/4")
        other.send_signal(signal.SIGKILL)
        error = chief.communicate(timeout=DEADLINE_S)[1]
        other.communicate()
    finally:
        chief.kill()
        other.kill()
    assert chief.returncode == 1
    assert "error: worker 1 (127.0.0.1:" in error
    assert "Traceback" not in error
    assert output.with_name("model.h5.checkpoint").is_file()

    finish(start(recording, output, free_addresses(2), "--epochs", "4", "--resume"))
    for a, b in zip(weights_in(whole), weights_in(output), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert not output.with_name("nobody.h5").exists()


def test_ctrl_c_on_any_worker_keeps_the_best_model_so_far(recording: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.h5"
    chief, other = start(recording, output, free_addresses(2), "--epochs", "500", "--patience", "500")
    try:
        wait_for(chief, "epoch   1/")
        other.send_signal(signal.SIGINT)
        ends = [process.communicate(timeout=DEADLINE_S) for process in (chief, other)]
    finally:
        chief.kill()
        other.kill()
    assert [chief.returncode, other.returncode] == [130, 130], ends
    assert load_model_file(output).flatbuffer
    assert output.with_name("model.h5.checkpoint").is_file()


@pytest.mark.parametrize("regime", ["head", "fine-tune"])
def test_two_workers_train_the_model_of_one_from_pretrained_weights(
    recording: Path, tmp_path: Path, regime: str
) -> None:
    more = ["--arch", "mobilenet", "--alpha", "0.25", "--image-size", "32x64"]
    more += ["--weights", str(small_weights(tmp_path)), "--regime", regime]
    more += ["--epochs", "4", "--views", "2", "--feature-cache"]
    alone = [sys.executable, str(CLONE), str(recording), *QUICK, *more, str(tmp_path / "alone"), "--output"]
    subprocess.run([*alone, str(tmp_path / "alone.h5")], check=True, capture_output=True, timeout=DEADLINE_S)

    finish(start(recording, tmp_path / "together.h5", free_addresses(2), *more, str(tmp_path / "together")))
    for a, b in zip(weights_in(tmp_path / "alone.h5"), weights_in(tmp_path / "together.h5"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
