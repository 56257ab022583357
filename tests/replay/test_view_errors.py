from __future__ import annotations

from pathlib import Path

import pytest

from simulator_bridge import view_check
from simulator_bridge.recording import CAMERAS
from simulator_bridge.simulator.replay.recorded_path import load_recorded_path
from simulator_bridge.simulator.replay.view_errors import forward_errors, road_mask, sideways_errors
from tests.support.made_replay import write_drive


def test_the_road_before_the_camera_is_below_the_horizon_and_above_the_hood() -> None:
    mask = road_mask("center")
    assert mask[110, 160]
    assert not mask[:66].any()  # further than 30 m
    assert not mask[145, 160]  # the hood
    assert not mask[80, :30].any()  # beside the road


def test_moving_a_frame_sideways_is_better_than_doing_nothing(tmp_path: Path) -> None:
    path = load_recorded_path(write_drive(tmp_path, [0.05] * 20, cameras=CAMERAS))
    errors = sideways_errors(path, 5)
    assert {error.what for error in errors} >= {"center to left", "left to right"}
    assert all(error.n == 5 and error.better_percent == 100 for error in errors)
    assert all(error.moved < 0.6 * error.as_it_is for error in errors)


def test_the_table_has_every_kind_of_move(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = write_drive(tmp_path, [0.0] * 20 + [0.6] * 20, cameras=CAMERAS)
    assert forward_errors(load_recorded_path(recording), 40)
    assert view_check.main([str(recording), "--pairs", "40"]) == 0
    out = capsys.readouterr().out
    assert "left to right" in out
    assert "1.3 m ahead, turned 0 to 5 degrees" in out
    assert max(map(len, out.splitlines()[1:])) <= 80
