from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import load_recording
from simulator_bridge.simulator.replay.placed_rows import PlacedRows
from simulator_bridge.simulator.replay.recorded_path import find_path, load_recorded_path
from simulator_bridge.simulator.replay.recorded_road import build_recorded_road, replay_rules
from simulator_bridge.view.view_limits import SIDEWAYS_LIMIT_M
from tests.support.made_recording import winding
from tests.support.made_replay import write_drive

MPS_30 = 30 * 0.44704


def test_a_path_is_as_long_as_the_recorded_speed_makes_it(tmp_path: Path) -> None:
    path = load_recorded_path(write_drive(tmp_path, [0.0] * 31))
    assert path.duration_s == pytest.approx(3.0, abs=0.021)
    assert path.length_m == pytest.approx(3.0 * MPS_30, abs=0.3)
    (stretch,) = path.stretches
    assert stretch.row[[0, 4, 5, 6]].tolist() == [0, 0, 1, 1]  # the frame taken last, every 0.02 s
    assert stretch.s_m[9] - stretch.row_s_m[9] == pytest.approx(0.08 * MPS_30, rel=1e-5)


def test_time_gaps_part_the_path_and_short_stretches_are_left_out(tmp_path: Path) -> None:
    write_drive(tmp_path, [0.0] * 20)
    write_drive(tmp_path, [0.5] * 3, start_s=10.0)
    write_drive(tmp_path, [0.1] * 20, start_s=20.0)

    first, second = load_recorded_path(tmp_path).stretches

    assert second.s_m[0] == first.s_m[-1]
    assert second.steering_angle[0] == pytest.approx(0.1)
    assert second.row[0] == 23


def test_rows_further_apart_than_a_frame_can_be_moved_are_refused(tmp_path: Path) -> None:
    recording = write_drive(tmp_path, [0.0] * 20)
    rows = (recording / "driving_log.csv").read_text().splitlines(keepends=True)
    (recording / "driving_log.csv").write_text("".join(rows[::5]))
    with pytest.raises(RecordingError, match=r"expected .* rows at most 4 m apart, got rows 6.7 m apart"):
        load_recorded_path(recording)


def test_a_log_without_speed_or_time_is_refused(tmp_path: Path) -> None:
    log = write_drive(tmp_path, [0.0] * 20) / "driving_log.csv"
    complete = log.read_text()
    log.write_text("\n".join(line.rpartition(",")[0] + "," for line in complete.splitlines()) + "\n")
    with pytest.raises(RecordingError, match="speed"):
        load_recorded_path(tmp_path)
    log.write_text(complete)
    for number, image in enumerate(sorted((tmp_path / "IMG").iterdir())):
        log.write_text(log.read_text().replace(image.name, f"frame_{number}.jpg"))
        image.rename(image.with_name(f"frame_{number}.jpg"))
    with pytest.raises(RecordingError, match="time stamps"):
        load_recorded_path(tmp_path)


def test_the_road_leads_along_the_path_and_is_open(tmp_path: Path) -> None:
    path = load_recorded_path(write_drive(tmp_path, [-0.3] * 101))  # most of a circle to the left
    road = build_recorded_road(path)

    assert road.length_m - road.ds_m == pytest.approx(path.length_m)
    for s_m in np.linspace(0.0, path.length_m - 0.1, 15):
        x, y, _, _ = road.pose_at(float(s_m), 0.8)
        here = road.locate(x, y, int(s_m / road.ds_m))
        assert here.s_m == pytest.approx(s_m, abs=0.05)
        assert here.cte == pytest.approx(0.8, abs=0.01)
    x, y, _, heading = road.pose_at(0.0)
    before = road.locate(x - np.cos(heading), y - np.sin(heading), 0)
    assert before.s_m == 0.0  # not on a line from the end to the start


def test_without_a_place_the_rule_is_one_metre(tmp_path: Path) -> None:
    assert replay_rules(load_recorded_path(write_drive(tmp_path, [0.0] * 20))).off_line_by_m == 1.0


def test_placed_rows_bound_the_road_and_fit_the_response(tmp_path: Path) -> None:
    recording = load_recording(write_drive(tmp_path, list(0.3 * winding(100))))
    n, usual = len(recording), find_path(recording)
    (stretch,) = usual.stretches
    road = 0.8 * np.interp(np.arange(n) * 5, np.arange(len(stretch)), stretch.curvature)
    placed = PlacedRows(road, np.zeros(n), np.full(n, 2.2), np.full(n, np.nan))

    path = find_path(recording, placed)

    assert path.response.gain == pytest.approx(0.8, abs=0.04)
    built = build_recorded_road(path)
    assert built.width_left == pytest.approx(2.2)
    assert built.width_right == pytest.approx(2.0)  # not known: 1 m to the wheel
    assert replay_rules(path).off_line_by_m == SIDEWAYS_LIMIT_M
    mostly_unknown = replace(placed, curvature=np.where(np.arange(n) < 70, np.nan, road))
    assert find_path(recording, mostly_unknown).response == usual.response


def test_where_no_edge_is_known_the_rule_stays_one_metre(tmp_path: Path) -> None:
    recording = load_recording(write_drive(tmp_path, [0.0] * 20))
    unknown = np.full(len(recording), np.nan)
    assert replay_rules(find_path(recording, PlacedRows(unknown, unknown, unknown, unknown))).off_line_by_m == 1.0


def test_a_disturbed_experts_path_is_that_of_the_steering_that_was_applied(tmp_path: Path) -> None:
    folder = write_drive(tmp_path, [0.0] * 20)
    names = sorted(image.name for image in (folder / "IMG").iterdir())
    sidecar = ["image,applied_steering_angle", *(f"{name},0.25" for name in names[:15]), f"{names[15]},much"]
    (folder / "driving_log.sidecar.csv").write_text("\n".join(sidecar) + "\n")

    (stretch,) = load_recorded_path(folder).stretches

    assert stretch.steering_angle[:70] == pytest.approx(0.25)
    assert stretch.steering_angle[-1] == 0.0  # not in the sidecar, or no number
