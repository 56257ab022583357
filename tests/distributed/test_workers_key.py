from __future__ import annotations

from pathlib import Path

import pytest

from simulator_bridge.errors import UserError
from train import clone
from train.distributed.workers_key import KEY_VARIABLE, LOCAL_KEY, load_workers_key

HERE = ("127.0.0.1:4000", "localhost:4001", "[::1]:4002")
ELSEWHERE = ("127.0.0.1:4000", "gpu-2.lan:4000")
KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def no_key_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def test_workers_on_one_computer_need_no_key() -> None:
    assert load_workers_key(HERE, None) == LOCAL_KEY
    assert load_workers_key((), None) == LOCAL_KEY


def test_workers_elsewhere_without_a_key_are_refused_with_how_to_make_one() -> None:
    with pytest.raises(UserError, match=r"python -c .*secrets.token_hex\(16\).* CLONEWAY_WORKERS_KEY, or .*FILE"):
        load_workers_key(ELSEWHERE, None)


@pytest.mark.parametrize("addresses", [HERE, ELSEWHERE])
def test_the_key_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)

    assert load_workers_key(addresses, None) == KEY.encode()


def test_a_key_file_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "of the environment")
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")

    assert load_workers_key(ELSEWHERE, file) == KEY.encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"\n", "is empty; make a key with python -c"),
        (b"\xff\xfe" * 20, "cannot be read"),
        (b"secret", "at least 16 characters, got 6"),
    ],
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(UserError, match=f"--workers-key-file .*{message}"):
        load_workers_key(HERE, file)


def test_a_short_key_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "secret")

    with pytest.raises(UserError, match="CLONEWAY_WORKERS_KEY: expected a key of at least 16 characters, got 6"):
        load_workers_key(HERE, None)


def test_training_on_several_computers_does_not_start_without_a_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clone.main([str(tmp_path), "--workers", ",".join(ELSEWHERE), "--worker", "0"]) == 1
    assert "workers on several computers need a key" in capsys.readouterr().err
