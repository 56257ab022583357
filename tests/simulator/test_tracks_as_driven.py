"""The surveyed tracks beside recorded laps of Udacity's own: they bend where the recorded cars steered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator_bridge.placement.placing import build_tracks, place_rows
from simulator_bridge.recording import load_recording
from simulator_bridge.track import build_track
from simulator_bridge.track.track_geometry import smooth_closed
from simulator_bridge.udacity_car import MAX_STEERING_RAD, WHEELBASE_M

FAR_M = 4.0  # from the nearest recorded row: there nothing is known of how the car steered


@pytest.mark.parametrize(
    ("recording", "track", "direction", "smoothing_m", "least"),
    [
        ("udacity_lake_ccw", "lake", "forward", 12.0, 0.985),
        ("udacity_lake_cw", "lake", "reverse", 12.0, 0.985),
        ("jungle", "jungle", "forward", 6.0, 0.88),
    ],
)
def test_a_track_bends_where_the_recorded_car_steered(
    driving_data: Path, recording: str, track: str, direction: str, smoothing_m: float, least: float
) -> None:
    driven = load_recording(driving_data / "recordings" / recording, "listed")
    placement = place_rows(driven, build_tracks(("lake", "jungle")))
    assert (placement.track, placement.direction) == (track, direction)
    road = build_track(track, reverse=direction == "reverse")
    placed = np.flatnonzero(placement.is_placed)
    placed = placed[np.argsort(placement.s_m[placed])]
    steered = -np.tan(MAX_STEERING_RAD * driven.steering_angle[placed]) / WHEELBASE_M
    s_m = np.arange(len(road)) * road.ds_m
    curvature = np.interp(s_m, placement.s_m[placed], steered)
    near = np.abs(s_m[:, None] - placement.s_m[placed]).min(axis=1) < FAR_M
    seen, known = (smooth_closed(values, smoothing_m)[near] for values in (curvature, road.curvature))
    assert near.mean() > 0.5
    assert np.corrcoef(seen, known)[0, 1] > least
