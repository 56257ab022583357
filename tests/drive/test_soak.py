"""A short soak of the real server, and what its figures would have to be to fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drive.benchmark.soak_simulators import SoakCounts
from drive.soak import judge, main, summarise


@pytest.mark.parametrize("transport", ["threading", pytest.param("eventlet", marks=pytest.mark.slow)])
def test_a_short_soak_answers_each_telemetry_exactly_once(
    transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("drive.benchmark.soak_simulators.STRETCH_S", (0.5, 2.0))
    monkeypatch.setattr("drive.soak.MAX_GROWTH_MB", 50.0)  # a few seconds are all warming up
    monkeypatch.setattr("drive.soak.MAX_DRIFT_MS", 1000.0)  # and a busy machine drifts
    out = tmp_path / "soak.json"
    code = main(["--minutes", "0.12", "--transport", transport, "--json", str(out)])
    figures = json.loads(out.read_text())
    assert code == 0, capsys.readouterr().out
    assert figures["n_telemetry"] == figures["n_answers"] > 50
    assert figures["n_malformed"] > 0
    assert figures["n_connections"] >= 4, "two simulators, and they reconnected"
    assert "answered" not in figures["faults"]


def figures(**changes: Any) -> dict[str, Any]:
    count = SoakCounts(n_telemetry=100, n_answers=100, round_trips=[(float(second), 0.003) for second in range(100)])
    summary = summarise([count], [(float(second), 100.0) for second in range(100)], 100.0)
    return {**summary, **changes}


def test_a_good_soak_passes() -> None:
    lines, is_good = judge(figures())
    assert is_good
    assert all(len(line) < 200 for line in lines)


@pytest.mark.parametrize(
    "changes",
    [{"n_answers": 99}, {"n_answers": 101}, {"n_lost": 1}, {"faults": ["a telemetry was answered twice"]},
     {"memory_growth_mb": 30.0}, {"p50_ms": [3.0] * 9 + [30.0]}, {"n_telemetry": 0, "n_answers": 0},
     {"p50_ms": [3.0] * 9 + [None]}],
    ids=str,
)  # fmt: skip
def test_a_soak_that_is_not_as_it_should_be_fails(changes: dict[str, Any]) -> None:
    assert not judge(figures(**changes))[1]


def test_memory_that_grows_has_its_slope_printed() -> None:
    count = SoakCounts(n_telemetry=1, n_answers=1, round_trips=[(1.0, 0.003)])
    summary = summarise([count], [(second, 100.0 + second / 10) for second in range(0, 3600, 60)], 3600.0)
    assert summary["memory_slope_mb_per_h"] == pytest.approx(360.0)
    assert "slope +360.00 MB/h" in "\n".join(judge(summary)[0])
