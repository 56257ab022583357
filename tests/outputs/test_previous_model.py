"""A model that is replaced is kept, and its error is compared where it is of the same rows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simulator_bridge.cli.output_file import previous_of
from train.outputs import previous_model
from train.outputs.previous_model import PreviousModel


def metadata(mse: object, rows: object = "a", *, interrupted: bool = False, seed: int = 0, epochs: int = 5) -> Any:
    return {
        "training": {"seed": seed, "epochs": epochs},
        "data": {"fingerprint": "data", "validation_rows": rows},
        "validation": {"interrupted": interrupted, "validation": {"mse": mse}},
    }


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (metadata(0.25), metadata(0.5), "MSE 0.25000 then, 0.50000 now, on the same validation rows: it was better"),
        (metadata(0.5), metadata(0.25), "MSE 0.50000 then, 0.25000 now, on the same validation rows: it was no better"),
        (metadata(0.25), metadata(0.25), "it was no better"),
        (metadata(0.25, "b"), metadata(0.5), "its error is of other validation rows, not comparable"),
        (metadata(0.25, None), metadata(0.5), "its error is not known"),
        (metadata(None), metadata(0.5), "its error is not known"),
        (metadata("0.1"), metadata(0.5), "its error is not known"),
        ({}, metadata(0.5), "its error is not known"),
        ([1, 2], metadata(0.5), "its error is not known"),
        ({"validation": 3, "data": "x", "training": None}, metadata(0.5), "its error is not known"),
    ],
)
def test_errors_are_compared_on_the_same_rows_only(before: Any, now: Any, words: str) -> None:
    compared = PreviousModel(Path("model.previous.h5"), before).compared(now)
    assert compared.startswith("model.previous.h5; ")
    assert compared.endswith(words)


def test_what_is_no_model_is_kept_likewise(tmp_path: Path) -> None:
    output = tmp_path / "model.h5"
    assert PreviousModel.at(output) is None
    output.write_bytes(b"a letter")
    previous = PreviousModel.at(output)
    assert previous == PreviousModel(previous_of(output), {})
    assert previous.compared(metadata(0.5)) == f"{tmp_path / 'model.previous.h5'}; its error is not known"


@pytest.mark.parametrize(
    ("before", "is_part"),
    [
        (metadata(0.5, interrupted=True), True),
        (metadata(0.5, interrupted=True, epochs=2), True),
        (metadata(0.5, interrupted=False), False),
        (metadata(0.5, interrupted=True, seed=1), False),
        (metadata(0.5, "other rows", interrupted=True), False),
        ({}, False),
    ],
)
def test_what_the_resumed_training_had_saved_itself_takes_nothing_elses_place(
    before: Any, is_part: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.h5").touch()
    monkeypatch.setattr(previous_model, "load_model_file", lambda path: SimpleNamespace(metadata=before))
    previous = PreviousModel.at(tmp_path / "model.h5")
    assert previous is not None
    assert previous.is_part_of(metadata(0.25)) == is_part
