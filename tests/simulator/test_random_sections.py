"""Random tracks differ along the lap and from one another: in what is planned, and in what the camera sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from simulator_bridge.simulator.scene.hood import HoodLook, hood_of
from simulator_bridge.simulator.scene.land.land_cover import LandCover
from simulator_bridge.simulator.scene.layers import Label
from simulator_bridge.simulator.scene.look_variation import build_look
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track
from simulator_bridge.track.sections import Sections

SEEDS = range(12)
SEEN = (3, 8, 12)
LENGTHS_M = [627.9, 555.5, 529.6, 1028.6, 618.9, 789.6, 760.3, 803.5, 869.8, 838.1, 937.4, 734.2]


def sections_of(track: Track) -> Sections:
    assert track.sections is not None
    return track.sections


@pytest.fixture(scope="module")
def tracks() -> list[Track]:
    return [build_track(f"random:{seed}") for seed in SEEDS]


def test_the_road_of_a_seed_is_the_one_it_had_before_there_were_sections(tracks: Sequence[Track]) -> None:
    lengths = [round(track.length_m, 1) for track in tracks]
    assert lengths == LENGTHS_M


def test_a_seed_repeats_its_sections_and_another_has_others(tracks: Sequence[Track]) -> None:
    for seed, track in zip(SEEDS, tracks, strict=True):
        again = sections_of(build_track(f"random:{seed}"))
        assert again.all == sections_of(track).all
        np.testing.assert_array_equal(again.index, sections_of(track).index)
    assert len({sections_of(track).all for track in tracks}) == len(tracks)


def test_every_lap_passes_through_several_lands_and_never_twice_the_same_in_a_row(tracks: Sequence[Track]) -> None:
    for track in tracks:
        sections = sections_of(track)
        lands = [section.land for section in sections.all]
        assert len(lands) >= 5
        assert len(set(lands)) >= 3
        assert all(land != lands[number - 1] for number, land in enumerate(lands))
        assert set(sections.index) == set(range(len(lands)))


def test_tracks_together_have_every_land_surface_shoulder_and_kind_of_line(tracks: Sequence[Track]) -> None:
    sections = [section for track in tracks for section in sections_of(track).all]
    assert {section.land for section in sections} == {"meadow", "forest", "heath", "rocks", "shore"}
    assert {section.surface for section in sections} == {"asphalt", "old asphalt", "concrete", "dirt"}
    assert {section.shoulder for section in sections} == {"paved", "gravel", "dirt", "grass"}
    assert {section.marking.edge_line for section in sections} == {"yellow", "white", "none"}
    assert {section.marking.centre_line for section in sections} == {"none", "dashed", "solid"}
    assert {section.marking.edge_is_dashed for section in sections} == {True, False}
    dirt = [section for section in sections if section.surface == "dirt"]
    assert all(section.marking.edge_line == section.marking.centre_line == "none" for section in dirt)


def test_land_has_its_features_where_it_is(tracks: Sequence[Track]) -> None:
    for track in tracks:
        sections, features = sections_of(track), track.features
        water, cliff = features.water_left | features.water_right, features.cliff_left | features.cliff_right
        shore = sections.where(lambda section: section.land == "shore")
        rocks = sections.where(lambda section: section.land == "rocks")
        bare = sections.where(lambda section: not section.has_kerbs)
        assert water[shore].all()
        assert cliff[rocks].all()
        assert not (features.kerb_left | features.kerb_right)[bare].any()
        assert not (features.rail_right & (features.turn_off_right | features.bridge)).any()
    assert sum(int((track.features.rail_left | track.features.rail_right).any()) for track in tracks) > len(tracks) / 2


def test_driven_the_other_way_the_same_places_have_the_same_sections(tracks: Sequence[Track]) -> None:
    track = tracks[3]
    back = sections_of(track.reversed())
    other_way = -np.arange(len(track)) % len(track)
    np.testing.assert_array_equal(back.index[other_way], sections_of(track).index)
    assert build_look(track, "clear", np.random.default_rng(0)) == build_look(
        track.reversed(), "clear", np.random.default_rng(1)
    )


def test_surveyed_roads_have_no_sections_and_the_hood_of_udacitys_car() -> None:
    for spec in ("lake", "jungle"):
        track = build_track(spec)
        assert track.sections is None
        look = build_look(track, "clear", np.random.default_rng(0))
        assert look.hood == HoodLook()
        cover = LandCover(track, look)
        assert cover.is_even
        assert cover.thin_out(track.xy, {}, np.random.default_rng(0)).all()


def test_ground_passes_over_smoothly_from_one_land_to_the_next() -> None:
    track = build_track("random:3")
    cover = LandCover(track, build_look(track, "clear", np.random.default_rng(0)))
    left = np.stack([-np.sin(track.heading), np.cos(track.heading)], axis=1)
    colors = cover.grass_at(track.xy + 20.0 * left)
    steps = np.abs(np.diff(colors, axis=0)).max(axis=1)
    assert steps.max() < 8.0
    assert np.ptp(colors, axis=0).max() > 40.0


def seen_on(spec: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    """Mean colours (sections, 3) of the land near the road, of the road, and one frame."""
    track = build_track(spec)
    sections = sections_of(track)
    land, road = [], []
    with Simulation(track, seed=1, backend="tinydisplay") as simulation:
        for number in range(len(sections.all)):
            here = np.flatnonzero(sections.index == number)
            simulation.reset(s_m=float(here[len(here) // 3] * track.ds_m))
            frame, label = simulation.render()["center"], simulation.render_labels()["center"]
            lower = np.arange(160)[:, None] > 62
            on_land = lower & np.isin(label, [Label.TERRAIN, Label.SHOULDER, Label.WATER, Label.VEGETATION])
            land.append(frame[on_land].astype(np.float64).mean(axis=0))
            road.append(frame[lower & (label == Label.ROAD)].astype(np.float64).mean(axis=0))
    return np.array(land), np.array(road), frame


def test_the_camera_sees_another_roadside_in_each_part_of_a_lap_and_another_road_on_each_track() -> None:
    seen = [seen_on(f"random:{seed}") for seed in SEEN]
    for land, _, _ in seen:
        apart = np.abs(land[:, None] - land[None]).max(axis=2)
        assert apart.max() > 30.0
        assert np.median(apart[np.triu_indices(len(land), 1)]) > 10.0
    roads = np.array([road.mean(axis=0) for _, road, _ in seen])
    assert min(np.abs(roads[a] - roads[b]).max() for a in range(3) for b in range(a)) > 4.0


def test_hoods_differ_in_colour_and_height_and_some_cars_have_none(tracks: Sequence[Track]) -> None:
    hoods = [build_look(track, "clear", np.random.default_rng(0)).hood for track in tracks]
    assert len({hood.paint_top for hood in hoods}) == len(hoods)
    there = [hood for hood in hoods if hood.is_there]
    assert 0 < len(there) < len(hoods)
    rows = [int(hood_of("center", hood).mask[:, 160].sum()) for hood in there]
    assert max(rows) - min(rows) >= 4
    for hood in hoods:
        assert hood_of("left", hood).mask.any() == hood.is_there
