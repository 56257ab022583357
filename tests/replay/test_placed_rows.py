from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.placement.placement import Placement, unplaced
from simulator_bridge.recording import load_recording
from simulator_bridge.simulator.replay.placed_rows import rows_of
from simulator_bridge.track import build_track
from tests.support.made_replay import write_drive


@pytest.fixture
def placement(tmp_path: Path) -> Placement:
    """Three rows of the jungle, the last not placed and the second against its direction."""
    recording = load_recording(write_drive(tmp_path, [0.0] * 3))
    jungle = build_track("jungle")
    return replace(
        unplaced(recording, np.ones(3)),
        track="jungle",
        lap_m=jungle.length_m,
        is_reverse=np.array([False, True, False]),
        s_m=np.array([200.0, jungle.length_m - 200.0, np.nan]),
        offset_m=np.array([1.0, np.nan, np.nan]),
    )


def test_rows_bend_and_end_as_their_track_does_where_they_are(placement: Placement) -> None:
    rows = rows_of(placement)
    assert rows is not None
    jungle = build_track("jungle")
    curvature = jungle.at(jungle.curvature, 200.0)
    assert rows.curvature[:2] == pytest.approx([curvature, -curvature], abs=2e-3)
    assert rows.left_m[0] == pytest.approx(jungle.at(jungle.width_left, 200.0) - 1.0)
    assert rows.right_m[0] == pytest.approx(jungle.at(jungle.width_right, 200.0) + 1.0)
    assert np.isnan(rows.left_m[1])  # across the road it is not placed
    assert np.isnan([rows.curvature[2], rows.slope[2]]).all()
    assert rows.has_edges


def test_the_slope_is_that_of_the_ground_ahead_against_the_ground_below(placement: Placement) -> None:
    jungle = build_track("jungle")
    steepness = np.gradient(jungle.z, jungle.ds_m)
    crest_m = jungle.ds_m * int(np.argmin(np.roll(steepness, -10) - steepness))  # where the road falls away most
    placed = replace(placement, s_m=np.full(3, crest_m), is_reverse=np.zeros(3, bool))

    rows = rows_of(placed)

    assert rows is not None
    assert rows.slope[0] < -0.03


def test_a_recording_without_a_place_says_nothing(placement: Placement) -> None:
    assert rows_of(replace(placement, s_m=np.full(3, np.nan))) is None
