from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from simulator_bridge.messages import Control, Frame
from simulator_bridge.simulator.scene.land.land_cover import LandCover
from simulator_bridge.simulator.scene.land.scenery import TYRES_FROM_EDGE_M
from simulator_bridge.simulator.scene.land.terrain import build_terrain
from simulator_bridge.simulator.scene.layers import FloatArray, Label, Mesh, grid_mesh, split_by_place
from simulator_bridge.simulator.scene.look_variation import build_look
from simulator_bridge.simulator.scene.pictures.atlas import pack
from simulator_bridge.simulator.scene.renderer import SimulatorError
from simulator_bridge.simulator.scene.road.roadway import road_layers
from simulator_bridge.simulator.scene.roadside import roadside_of
from simulator_bridge.simulator.scene.themes import LOOKS
from simulator_bridge.simulator.scene.world import World
from simulator_bridge.simulator.simulation import Simulation, State
from simulator_bridge.track import THEMES, Track, build_track
from simulator_bridge.track.track import build_planned_track
from simulator_bridge.track.track_plan import Stretch, Stretches, TrackPlan

TRACKS = ("lake", "jungle", "random:3", "random:12")
FORWARD = Control(0.0, 0.4)


@pytest.fixture(scope="module", params=TRACKS)
def track(request: pytest.FixtureRequest) -> Track:
    return build_track(request.param)


def beside(track: Track, beyond_edge_m: float) -> FloatArray:
    """Places (2 N, 3) beside both edges of the road, at its height, but for bridges."""
    normal = np.stack([-np.sin(track.heading), np.cos(track.heading)], axis=1)
    places = []
    for side, width in ((1, track.width_left), (-1, track.width_right)):
        xy = track.xy + side * (width + beyond_edge_m)[:, None] * normal
        places.append(np.c_[xy, track.z][~(track.features.bridge | track.features.overpass)])
    return np.concatenate(places)


@pytest.mark.parametrize("beyond_edge_m", [-4.0, -1.0, 0.0, 1.0])
def test_land_never_pokes_through_the_road_or_its_kerb(track: Track, beyond_edge_m: float) -> None:
    rng = np.random.default_rng(0)
    terrain = build_terrain(track, build_look(track, "clear", rng), rng)
    places = beside(track, beyond_edge_m)
    assert np.max(terrain.height_at(places[:, :2]) - places[:, 2]) < -0.05


def test_road_never_floats_far_above_the_land(track: Track) -> None:
    rng = np.random.default_rng(0)
    terrain = build_terrain(track, build_look(track, "clear", rng), rng)
    places = beside(track, 0.0)
    drop = places[:, 2] - terrain.height_at(places[:, :2])
    assert np.median(drop) < 1.1


@pytest.mark.parametrize("is_reversed", [False, True])
def test_kerbs_and_turn_offs_are_drawn_on_their_own_side_beyond_its_edge(is_reversed: bool) -> None:
    angles = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    circle = 60.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    stretches = Stretches(
        kerb_left=(Stretch(0.1, 0.2),), kerb_right=(Stretch(0.5, 0.7),), turn_off_right=(Stretch(0.3, 0.34),)
    )
    widths = np.full(240, 5.0), np.full(240, 3.0)
    track = build_planned_track(TrackPlan("circle", circle, np.zeros(240), *widths, "lake", stretches))
    track = track.reversed() if is_reversed else track
    rng = np.random.default_rng(0)
    look = build_look(track, "clear", rng)
    layers = road_layers(track, build_terrain(track, look, rng), LandCover(track, look), look, rng)

    places = {"kerb": [(5.0, 1, 0.1, 0.2), (3.0, -1, 0.5, 0.7)], "turn-off": [(3.0, -1, 0.3, 0.34)]}
    beside = roadside_of(track, look)
    seen = []
    for layer in layers:
        if layer.name not in places:
            continue
        points = layer.mesh.vertices[np.unique(layer.mesh.triangles)]
        locations = [track.locate(x, y) for x, y, _ in points]
        cte = np.array([location.cte for location in locations]) * (-1 if is_reversed else 1)
        share = np.array([location.s_m for location in locations]) / track.length_m
        share = 1 - share if is_reversed else share
        half_m, side, start, end = next(place for place in places[layer.name] if place[1] == np.sign(cte[0]))
        beyond_m = side * cte - half_m
        assert beyond_m.min() == pytest.approx(
            beside.kerb_from if layer.name == "kerb" else beside.shoulder_to, abs=0.05
        )
        assert share.min() == pytest.approx(start, abs=0.02)
        assert share.max() == pytest.approx(end, abs=0.02)
        seen.append((layer.name, side))
    assert sorted(seen) == [("kerb", -1), ("kerb", 1), ("turn-off", -1)]


def test_car_stands_on_the_road_everywhere(track: Track) -> None:
    with Simulation(track, cameras=()) as simulation:
        for s_m in np.linspace(0, track.length_m, 40, endpoint=False):
            state = simulation.reset(s_m=float(s_m))
            location = track.locate(state.pose.x, state.pose.y)
            assert abs(location.cte) < 0.1
            assert state.speed_mph < 0.5
            assert not state.collision
            assert state.pose.z == pytest.approx(track.at(track.z, location.s_m), abs=0.12)


def test_car_beyond_the_shoulder_still_has_ground_under_it(track: Track) -> None:
    with Simulation(track, cameras=()) as simulation:
        bridge = track.features.bridge
        for index in np.flatnonzero(~bridge)[:: len(track) // 15]:
            s_m = index * track.ds_m
            simulation.reset(s_m=s_m, cte=float(track.width_left[index]) + 3.0)
            state = simulation.step(Control(0.0, 0.0), 50)
            assert track.at(track.z, s_m) - 4.0 < state.pose.z < track.at(track.z, s_m) + 4.0


def test_reset_places_the_car_as_asked(track: Track) -> None:
    with Simulation(track, cameras=()) as simulation:
        state = simulation.reset(s_m=60.0, cte=-1.2, heading_error=0.2, speed_mph=10.0)
        location = track.locate(state.pose.x, state.pose.y)
        assert location.s_m == pytest.approx(60.0, abs=0.3)
        assert location.cte == pytest.approx(-1.2, abs=0.1)
        assert math.remainder(state.pose.heading - location.heading - 0.2, math.tau) == pytest.approx(0.0, abs=0.03)
        assert state.speed_mph == pytest.approx(10.0, abs=0.2)
        assert state.time_s == 0.0


def test_time_runs_in_steps_of_20_ms() -> None:
    with Simulation(build_track("lake"), cameras=()) as simulation:
        assert simulation.step(FORWARD, 3).time_s == pytest.approx(0.06)
        assert simulation.step(FORWARD).time_s == pytest.approx(0.10)
        assert simulation.render() == {}


def test_driving_into_the_bridge_wall_is_a_collision_and_driving_over_the_bridge_is_none() -> None:
    track = build_track("lake")
    start = float(np.flatnonzero(track.features.bridge)[10] * track.ds_m)
    with Simulation(track, cameras=()) as simulation:
        simulation.reset(s_m=start, speed_mph=20.0)
        assert not any(simulation.step(FORWARD).collision for _ in range(60))
        simulation.reset(s_m=start, heading_error=0.5, speed_mph=20.0)
        assert any(simulation.step(FORWARD).collision for _ in range(60))
        assert abs(track.locate(simulation.state.pose.x, simulation.state.pose.y).cte) < track.width_left.max() + 1.5


def drive_and_look(simulation: Simulation) -> tuple[list[State], list[Frame]]:
    states, frames = [], []
    simulation.reset(s_m=20.0)
    for k in range(12):
        states.append(simulation.step(Control(math.sin(k), 0.7)))
        frames.append(simulation.render()["center"])
    return states, frames


def run(seed: int, weather: str = "random") -> tuple[list[State], list[Frame]]:
    with Simulation(build_track("random:5"), seed, weather) as simulation:
        return drive_and_look(simulation)


def test_one_seed_gives_one_run_and_another_seed_another_scene() -> None:
    states, frames = run(seed=1)
    again_states, again_frames = run(seed=1)
    _, other_frames = run(seed=2)
    assert [state.pose for state in states] == [state.pose for state in again_states]
    assert all(np.array_equal(a, b) for a, b in zip(frames, again_frames, strict=True))
    assert np.abs(frames[0].astype(int) - other_frames[0]).mean() > 5


def test_a_second_drive_in_one_simulation_repeats_the_first() -> None:
    with Simulation(build_track("lake"), seed=1) as simulation:
        states, frames = drive_and_look(simulation)
        again_states, again_frames = drive_and_look(simulation)
    assert [state.pose for state in states] == [state.pose for state in again_states]
    assert all(np.array_equal(a, b) for a, b in zip(frames, again_frames, strict=True))


def test_weather_changes_the_light_and_clear_weather_does_not() -> None:
    track = build_track("lake")
    looks = [build_look(track, w, np.random.default_rng(s)) for w in ("clear", "random") for s in (1, 2)]
    assert looks[0] == looks[1]
    assert looks[2].light != looks[3].light
    assert looks[2].asphalt != looks[3].asphalt
    assert looks[0].light == track.light


def test_unknown_weather_is_named_with_the_known_ones() -> None:
    with pytest.raises(SimulatorError, match="'hail': expected one of clear, random"):
        World(build_track("lake"), weather="hail")


def test_every_theme_has_a_look_whose_flat_ground_in_the_sun_has_its_own_colours() -> None:
    assert set(LOOKS) == set(THEMES)
    for theme in THEMES:
        look = LOOKS[theme]
        up = np.array([[0.0, 0.0, 1.0]])
        assert look.light_on(up) == pytest.approx(np.ones((1, 3)) * look.light.brightness)
        shade = look.ambient * np.array([look.shade_tint])
        assert look.light_on(up, 1.0) == pytest.approx(shade * look.light.brightness)


def area(meshes: Sequence[Mesh]) -> float:
    corners = [mesh.vertices[mesh.triangles] for mesh in meshes]
    return float(sum(np.linalg.norm(np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0]), axis=1).sum() / 2 for c in corners))


def test_grid_mesh_faces_up_and_splitting_it_loses_nothing() -> None:
    x, y = np.meshgrid(np.arange(-9.0, 10.0), np.arange(-9.0, 10.0))
    mesh = grid_mesh(np.dstack([x, y, 0 * x]), np.dstack([x, y]), np.ones(3))
    corners = mesh.vertices[mesh.triangles]
    assert np.all(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0)
    pieces = list(split_by_place(mesh, 6.0))
    assert len(pieces) == 16
    assert area(pieces) == pytest.approx(area([mesh])) == pytest.approx(18.0**2)
    longer = list(split_by_place(mesh, 6.0, cells=3))
    assert len(longer) == 8
    one_by_one, together = (
        np.concatenate([each.vertices[each.triangles] for each in found]) for found in (pieces, longer)
    )
    np.testing.assert_array_equal(one_by_one, together)  # in the same order: the picture depends on it


def test_pictures_packed_into_one_keep_their_pixels_under_their_meshes() -> None:
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    mesh = Mesh(np.c_[square, np.zeros(4)], np.array([[0, 1, 2], [1, 3, 2]]), square, np.ones((4, 3)))
    chance = np.random.default_rng(0)
    images = [chance.integers(0, 256, (h, w, 4), np.uint8) for h, w in ((128, 64), (64, 128), (128, 512), (64, 64))]
    packed, atlas = pack([(mesh, image) for image in images])
    assert all(side & (side - 1) == 0 for side in atlas.shape[:2])
    for number, image in enumerate(images):
        u, v = packed.uv[4 * number : 4 * number + 4].T
        column, row = np.rint(u * atlas.shape[1] - 0.5).astype(int), np.rint((1 - v) * len(atlas) - 0.5).astype(int)
        corners = image[[-1, -1, 0, 0], [0, -1, 0, -1]]  # in the order of `square`, whose y points up
        assert np.array_equal(atlas[row, column], corners)


def test_kerb_lies_in_place_of_the_strip_of_asphalt_beyond_the_line() -> None:
    track = build_track("lake")
    rng = np.random.default_rng(0)
    look = build_look(track, "clear", rng)
    layers = road_layers(track, build_terrain(track, look, rng), LandCover(track, look), look, rng)
    beside = roadside_of(track, look)
    kerbs = area([layer.mesh for layer in layers if layer.name == "kerb"])
    asphalt = area([layer.mesh for layer in layers if layer.name in ("road", "bridge")])
    n_kerb = int(track.features.kerb_left.sum() + track.features.kerb_right.sum())
    assert kerbs == pytest.approx(n_kerb * track.ds_m * (beside.kerb_to - beside.kerb_from), rel=0.1)
    between_edges = float((track.width_left + track.width_right).sum() * track.ds_m)
    strips = (2 * len(track) - n_kerb) * track.ds_m * beside.asphalt_to
    assert asphalt == pytest.approx(between_edges + strips, rel=0.02)


@pytest.mark.parametrize("spec", ["lake", "random:8"])
def test_dirt_road_is_barred_by_tyres_that_stop_the_car(spec: str) -> None:
    track = build_track(spec)
    with Simulation(track, cameras=()) as simulation:
        for s_m, offset_m in tyre_places(track):
            simulation.reset(s_m=s_m - 8.0, heading_error=math.atan2(offset_m, 8.0), speed_mph=20.0)
            if any(simulation.step(FORWARD).collision for _ in range(60)):
                return
    pytest.fail("the car met no tyres")


def tyre_places(track: Track) -> list[tuple[float, float]]:
    """(s, metres left of the centre line) of tyres at dirt roads."""
    if track.surroundings is None:
        right = np.flatnonzero(track.features.turn_off_right)
        return [(float(s), -track.at(track.width_right, float(s)) - TYRES_FROM_EDGE_M) for s in right * track.ds_m]
    located = [track.locate(x, y) for x, y, _ in track.surroundings.objects["tyre"]]
    return [(each.s_m, each.cte) for each in located if track.features.turn_off_right[each.index]]


def test_label_values_never_change_because_files_hold_them() -> None:
    names = ["ROAD", "LINE", "KERB", "SHOULDER", "TERRAIN", "WATER", "VEGETATION", "SKY", "CAR", "OBSTACLE"]
    assert [label.name for label in sorted(Label)] == names
    assert [int(label) for label in sorted(Label)] == list(range(10))


def test_every_picture_has_sides_that_both_renderers_take() -> None:
    world = World(build_track("lake"))
    for texture in world.root.find_all_textures():
        for side in (texture.get_x_size(), texture.get_y_size()):
            assert side & (side - 1) == 0  # tinydisplay draws nothing on a picture whose sides are no powers of two
    world.close()
