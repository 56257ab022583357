from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator_bridge.errors import UserError
from simulator_bridge.simulator.judge.drive_report import Intervention, LapReport
from simulator_bridge.simulator.judge.finished_drive import DERIVED, FinishedDrive, load_finished_drive
from tests.support.made_drive import made_drive

NUMBER = st.floats(-1e12, 1e12)  # more than any measure of a drive
COUNT = st.integers(0, 10**6)
DRIVES = st.builds(
    FinishedDrive,
    **dict.fromkeys(
        (
            *("elapsed_s", "distance_m", "off_road_m", "mean_abs_cte_m", "max_abs_cte_m", "mean_speed_mph"),
            *("steering_rate", "control_period_s", "latency_s", "wall_s"),
        ),
        NUMBER,
    ),
    **dict.fromkeys(("off_road", "all_wheels_out", "collisions"), COUNT),
    length_m=st.floats(1.0, 1e6),
    laps_wanted=st.integers(1, 1000),
    laps=st.lists(st.builds(LapReport, NUMBER, NUMBER, NUMBER, NUMBER, COUNT, COUNT), max_size=3).map(tuple),
    interventions=st.lists(st.builds(Intervention, NUMBER, NUMBER, COUNT, st.text()), max_size=3).map(tuple),
    seed=st.none() | COUNT,
    given_up=st.none() | st.text(),
    versions=st.dictionaries(st.text(), st.text(), max_size=3),
)


@given(DRIVES)
def test_a_drive_is_the_same_after_it_crossed_the_process_border(drive: FinishedDrive) -> None:
    assert FinishedDrive.from_json(json.loads(json.dumps(drive.to_json(), allow_nan=False))) == drive


def test_the_json_holds_what_follows_from_the_fields_too() -> None:
    content = made_drive(n_interventions=1, collisions=1).to_json()
    assert content["autonomy_percent"] == 94.0
    assert content["driving_score"] == pytest.approx(100 * 0.65 * 0.70)
    assert content["interventions"] == [{"time_s": 0.0, "s_m": 0.0, "lap": 0, "reason": "off the road", "lap_m": 0.0}]
    assert (content["laps_done"], content["passed"], content["n_interventions"]) == (2, False, 1)
    assert (content["mean_lap_time_s"], content["route_completion_percent"]) == (50.0, 100.0)
    assert content["simulated_per_wall_s"] == 10.0
    assert set(DERIVED) < set(content)


def test_what_is_not_finite_is_null() -> None:
    drive = made_drive(laps_done=0, wall_s=0.0)
    assert math.isnan(drive.simulated_per_wall_s)
    content = drive.to_json()
    assert (content["mean_lap_time_s"], content["simulated_per_wall_s"]) == (None, None)


@pytest.mark.parametrize("name", ["elapsed_s", "interventions", "renderer", "versions"])
def test_a_missing_field_is_named(name: str) -> None:
    content = made_drive().to_json()
    del content[name]
    with pytest.raises(UserError, match=f"^drive.json: no '{name}' in it$"):
        FinishedDrive.from_json(content, where="drive.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"elapsed_s": None}, "elapsed_s: expected a number, got None"),
        ({"elapsed_s": "12"}, "elapsed_s: expected a number, got '12'"),
        ({"collisions": 1.5}, "collisions: expected a whole number, got 1.5"),
        ({"collisions": True}, "collisions: expected a whole number, got True"),
        ({"seed": "1"}, "seed: expected a whole number or null, got '1'"),
        ({"given_up": 0}, "given_up: expected a text or null, got 0"),
        ({"laps": {}}, r"laps: expected a list, got \{\}"),
        ({"laps": [7]}, "laps 1: expected an object, got 7"),
        ({"interventions": [{"time_s": 1.0}]}, "interventions 1: no 's_m' in it"),
        ({"versions": {"python": 3}}, "versions python: expected a text, got 3"),
    ],
    ids=str,
)
def test_a_field_of_another_type_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        FinishedDrive.from_json({**made_drive().to_json(), **changes})


def test_a_whole_number_is_a_number_and_keys_of_a_later_version_are_ignored() -> None:
    drive = FinishedDrive.from_json({**made_drive().to_json(), "elapsed_s": 100, "new": 1})
    assert drive == made_drive()
    assert type(drive.elapsed_s) is float


@pytest.mark.parametrize("text", [None, "", "[1, 2", "[]"], ids=["missing", "empty", "torn", "no object"])
def test_a_file_that_is_no_report_is_a_clear_error(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "drive.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=r"drive\.json: (cannot be read|expected an object)"):
        load_finished_drive(path)
