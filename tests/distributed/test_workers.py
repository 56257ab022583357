from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator_bridge.errors import UserError
from tests.support import worker_process
from tests.support.free_ports import free_addresses
from tests.support.paths import ROOT
from train import clone
from train.cluster import Cluster, workers_of_tf_config
from train.distributed.agreement import terms_of
from train.distributed.worker_group import WorkerGroup
from train.distributed.workers_key import LOCAL_KEY
from train.train_config import TrainConfig

DEADLINE_S = 240.0  # a loaded machine; nothing waits for it to pass
TWO = ("a:1", "b:2")


def test_the_workers_are_those_named() -> None:
    config = TrainConfig(recordings=(Path("lake"),), workers=TWO, worker=1)

    assert config.cluster == Cluster(TWO, 1)
    assert TrainConfig(recordings=(Path("lake"),)).cluster is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": TWO}, "which of the --workers is this.*--worker 0 on a:1; --worker 1 on b:2"),
        ({"workers": TWO, "worker": 2}, r"--worker must be in 0..1, got 2"),
        ({"workers": ("a:1",), "worker": 0}, "two or more different HOST:PORT"),
        ({"workers": ("a:1", "a:1"), "worker": 0}, "two or more different HOST:PORT"),
        ({"workers": ("a:1", "b"), "worker": 0}, "expected HOST:PORT, got 'b'"),
        ({"worker": 1}, "--worker says which of the --workers"),
        ({"workers": TWO, "worker": 0, "batch_size": 63}, "--batch-size that is a multiple of the 2 workers"),
    ],
)
def test_workers_that_cannot_be_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TrainConfig(recordings=(Path("lake"),), **arguments)


@pytest.mark.parametrize(
    ("cluster", "task", "expected"),
    [
        ({"worker": ["a:1", "b:2"]}, {"type": "worker", "index": 1}, (TWO, 1)),
        ({"chief": ["a:1"], "worker": ["b:2"]}, {"type": "worker", "index": 0}, (TWO, 1)),
        ({"chief": ["a:1"], "worker": ["b:2"]}, {"type": "chief", "index": 0}, (TWO, 0)),
        ({"worker": ["a:1"]}, {"type": "worker", "index": 0}, ((), None)),
        ({}, {}, ((), None)),
    ],
)
def test_tf_config_names_the_workers_too(cluster: Any, task: Any, expected: Any) -> None:
    assert workers_of_tf_config(json.dumps({"cluster": cluster, "task": task})) == expected


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"cluster": {"ps": ["a:1"], "worker": ["b:2", "c:3"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "chief", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": "x"}}',
    ],
)
def test_another_tf_config_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="TF_CONFIG"):
        workers_of_tf_config(text)


def test_tf_config_is_read_where_no_workers_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = {"type": "worker", "index": 5}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:2"]}, "task": task}))

    assert clone.main([str(tmp_path)]) == 1
    assert "--worker must be in 0..1, got 5" in capsys.readouterr().err


@pytest.fixture
def groups() -> Iterator[list[WorkerGroup]]:
    """Two workers in this process."""
    addresses = free_addresses(2)
    with ThreadPoolExecutor(2) as pool:
        coming = [pool.submit(WorkerGroup.join, Cluster(tuple(addresses), i), LOCAL_KEY, DEADLINE_S) for i in range(2)]
        joined = [future.result(DEADLINE_S) for future in coming]
    yield joined
    for group in joined:
        group.finish()


def on_both(groups: list[WorkerGroup], terms: Sequence[Mapping[str, Any]]) -> list[Future[None]]:
    with ThreadPoolExecutor(2) as pool:
        return [pool.submit(group.agree, said) for group, said in zip(groups, terms, strict=True)]


def test_what_the_chief_says_holds_for_all(groups: list[WorkerGroup]) -> None:
    assert [group.is_chief for group in groups] == [True, False]
    assert groups[0].shared(lambda: {"val_loss": 0.1})() == {"val_loss": 0.1}
    assert groups[1].shared(lambda: pytest.fail("only the chief computes it"))() == {"val_loss": 0.1}


def test_workers_that_say_the_same_agree(groups: list[WorkerGroup]) -> None:
    terms = [terms_of(config, 100, "abc") for config in two_configs()]

    assert all(future.exception() is None for future in on_both(groups, terms))


def test_a_worker_with_other_settings_or_recordings_is_named_on_all_of_them(groups: list[WorkerGroup]) -> None:
    configs = two_configs(seed=1)
    terms = [terms_of(configs[0], 100, "abc"), terms_of(configs[1], 99, "def")]

    errors = [str(future.exception()) for future in on_both(groups, terms)]
    assert errors[0] == errors[1]
    assert "worker 1 (127.0.0.1:" in errors[0]
    assert "seed: 0 there, 1 here" in errors[0]
    assert "recordings: '100 rows (abc)' there, '99 rows (def)' here" in errors[0]
    assert "output" not in errors[0]


def two_configs(**differences: Any) -> list[TrainConfig]:
    places: list[dict[str, Any]] = [
        {"output": Path("model.h5"), "resume": True, "weights": "/a/w.h5"},
        {"output": Path("other.h5"), "cache_memory": 10, "weights": "/b/w.h5", **differences},
    ]
    return [
        TrainConfig(recordings=(Path("x" * (i + 1)),), workers=TWO, worker=i, arch="mobilenet_v2", **place)
        for i, place in enumerate(places)
    ]


def test_a_port_in_use_is_one_clear_line() -> None:
    addresses = tuple(free_addresses(2))
    host, port = addresses[0].split(":")

    with (
        socket.create_server((host, int(port))),
        pytest.raises(UserError, match=r"worker 0 \(127.0.0.1:\d+\) of 2 cannot listen"),
    ):
        WorkerGroup.join(Cluster(addresses, 0), LOCAL_KEY)


def test_a_group_of_one_needs_nobody() -> None:
    with WorkerGroup.join(None, LOCAL_KEY) as group:
        group.agree({"seed": 1})
        assert group.share(3) == 3
        assert group.is_chief
        assert group.is_alone


def processes(folder: Path, epochs: int, dies_at: int = -1) -> list[tuple[int, str]]:
    """Run two workers to their ends: exit code and standard error of each."""
    ports = ",".join(address.split(":")[1] for address in free_addresses(2))
    command = [sys.executable, "-m", "tests.support.worker_process", ports]
    started = [
        subprocess.Popen(
            [*command, str(i), str(folder), str(epochs), str(dies_at)], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for i in range(2)
    ]
    try:
        ends = [process.communicate(timeout=DEADLINE_S)[1] for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    return [(process.returncode, error) for process, error in zip(started, ends, strict=True)]


def weights_in(folder: Path, worker: int = 0) -> list[Any]:
    with np.load(folder / f"weights{worker}.npz") as file:
        return [file[name] for name in file.files]


def test_two_processes_make_the_model_that_one_makes_even_if_one_is_killed_and_they_resume(tmp_path: Path) -> None:
    from train.checkpoint import load_checkpoint

    alone, together = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    together.mkdir()

    (chief_code, chief_error), (killed_code, _) = processes(together, epochs=6, dies_at=2)
    assert killed_code == -9
    assert chief_code == 1
    assert "error: worker 1 (127.0.0.1:" in chief_error
    assert "--resume" in chief_error
    assert "Traceback" not in chief_error
    assert load_checkpoint(together / "checkpoint").progress.epochs_done == 2

    one_goes_on = tmp_path / "one goes on"
    one_goes_on.mkdir()
    (one_goes_on / "checkpoint").write_bytes((together / "checkpoint").read_bytes())
    ends = processes(together, epochs=6)
    assert [code for code, _ in ends] == [0, 0], ends

    worker_process.train(WorkerGroup(), alone, 0, 6)
    worker_process.train(WorkerGroup(), one_goes_on, 0, 6)
    expected = weights_in(alone)
    for weights in (weights_in(together, 0), weights_in(together, 1), weights_in(one_goes_on)):
        for a, b in zip(expected, weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
