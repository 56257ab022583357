"""The layers beside the road: trees, bushes, rocks, pylons, posts. Pure numpy.

Plants are two crossed pictures each. They do not stop the car, because they are far off the road. Rocks and posts do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from simulator_bridge.simulator.scene.land.land_cover import LandCover
from simulator_bridge.simulator.scene.land.road_signs import road_signs
from simulator_bridge.simulator.scene.land.terrain import Terrain
from simulator_bridge.simulator.scene.layers import (
    FloatArray,
    Image,
    IntArray,
    Label,
    Layer,
    Mesh,
    grid_mesh,
    merge,
    normals,
    standing,
)
from simulator_bridge.simulator.scene.pictures import sprites
from simulator_bridge.simulator.scene.pictures.atlas import pack
from simulator_bridge.simulator.scene.pictures.textures import GROUND_MEAN, ground_detail
from simulator_bridge.simulator.scene.themes import Look
from simulator_bridge.track import Track
from simulator_bridge.track.surveyed import ObjectKind
from simulator_bridge.track.track_plan import BoolArray, Land

HEIGHTS_M: dict[sprites.Plant, tuple[float, float]] = {
    "pine": (7.0, 15.0),
    "palm": (5.0, 8.5),
    "broadleaf": (6.0, 10.0),
    "bush": (0.7, 1.9),
    "reed": (1.2, 2.2),
    "cactus": (1.8, 4.5),
}
TREES: dict[Land, float] = {"meadow": 0.2, "forest": 1.0, "heath": 0.1, "rocks": 0.35, "shore": 0.25}
BUSHES: dict[Land, float] = {"meadow": 0.1, "forest": 0.5, "heath": 1.0, "rocks": 0.2, "shore": 0.7}
ROCKS: dict[Land, float] = {"meadow": 0.03, "forest": 0.1, "heath": 0.3, "rocks": 1.0, "shore": 0.25}
MOST_BUSHES, MOST_ROCKS = 2.0, 3.0  # where the chance is 1, times those of the theme
FOREST_TREES_PER_KM, FOREST_FROM_ROAD_M, FOREST_TO_M = 800.0, 5.0, 24.0
VARIANTS = 2  # pictures of each kind
SURVEYED_TREES_M = (21.0, 27.0)  # their heights, from real frames
TREES_FROM_ROAD_M, BUSHES_FROM_ROAD_M = 8.5, 5.2
HAZY_BEYOND_M = 40.0  # trees farther from the road than this have the haze of `HAZE_SEEN_OVER_M`
HAZE_SEEN_OVER_M = 130.0
SUNK_M = 0.3  # below the ground, so that nothing floats over a slope
BUSH_CLUMP = 4
PYLON_HEIGHT_M, PYLON_EVERY_M = 26.0, 70.0
SURVEYED_PYLON_M, SURVEYED_SIGN_M = 78.0, 1.3
POST_HEIGHT_M, POST_EVERY_M, POST_FROM_EDGE_M = 2.5, 5.0, 2.2
POST_RADIUS_M = 60.0  # posts are on the outside of bends sharper than this
ROCK_RINGS, ROCK_SIDES = 6, 9
BOULDERS_M = (2.0, 9.0)
SURVEYED_ROCKS_M = (7.0, 15.0)  # rocks and boulders, from real frames
TYRES_FROM_EDGE_M, TYRES_EVERY_M, TYRE_STACK_M = 10.0, 3.2, 1.1
SIGN_EVERY, SIGN_BEHIND_M, SIGN_M = 3, 1.4, 1.9  # one sign for so many stacks of tyres
FACING_RAD = 0.6  # how far tyres and signs are turned towards the coming cars


class Scenery:
    """Builds the layers beside a road, one method for each kind."""

    def __init__(self, track: Track, terrain: Terrain, cover: LandCover, look: Look, rng: np.random.Generator) -> None:
        self._track, self._terrain, self._cover, self._look, self._rng = track, terrain, cover, look, rng
        self._surveyed = None if track.surroundings is None else track.surroundings.objects
        self._left_normal = np.stack([-np.sin(track.heading), np.cos(track.heading)], axis=1)

    def layers(self) -> list[Layer]:
        """All layers beside the road."""
        barriers = self._planned_barriers() if self._surveyed is None else self._surveyed_barriers(self._surveyed)
        layers = [*self._plants(), *self._rocks(), *barriers]
        if self._look.has_pylons:
            layers += self._pylons()
        if self._look.has_posts:
            layers += self._posts()
        if self._track.sections is not None:
            layers += road_signs(self._track, self._terrain, self._rng)
        return layers

    def _plants(self) -> list[Layer]:
        parts = [*self._trees(), *self._bushes()]
        if not parts:
            return []
        mesh, image = pack(parts)
        return [Layer("plants", mesh, image, Label.VEGETATION, two_sided=True)]

    def _trees(self) -> Iterator[tuple[Mesh, Image]]:
        places = self._tree_places() if self._surveyed is None else self._surveyed["tree"][:, :2]
        trees = self._look.trees if self._surveyed is None else self._look.trees[:1]  # of one kind
        kinds = self._rng.integers(len(trees) * VARIANTS, size=len(places))
        is_hazy = self._terrain.edge_at(places) > HAZY_BEYOND_M
        for number in range(len(trees) * VARIANTS):
            kind = trees[number % len(trees)]
            image = sprites.plant(kind, self._look.leaf, self._rng)
            for hazy in (False, True):
                here = places[(kinds == number) & (is_hazy == hazy)]
                if len(here):
                    seen = self._seen(image, HAZE_SEEN_OVER_M if hazy else 0.0)
                    yield self._standing_plants(kind, here, seen, n_boards=1 if hazy else 2), seen

    def _tree_places(self) -> FloatArray:
        """Places (M, 2) in the land, and along the road through forests."""
        places = self._places_in_the_land()
        places = places[self._cover.thin_out(places, TREES, self._rng)]
        if self._track.sections is None:
            return places
        in_forest = self._track.sections.where(lambda section: section.land == "forest")
        count = int(FOREST_TREES_PER_KM * in_forest.mean() * self._track.length_m / 1000)
        edge = self._places_along_the_road(count, FOREST_FROM_ROAD_M, FOREST_TO_M, np.flatnonzero(in_forest))
        return np.concatenate([places, edge])

    def _bushes(self) -> Iterator[tuple[Mesh, Image]]:
        per_km = self._look.bushes_per_km * (1.0 if self._cover.is_even else MOST_BUSHES)
        count = int(per_km * self._track.length_m / 1000 * 2 / BUSH_CLUMP)
        clumps = self._places_along_the_road(count, BUSHES_FROM_ROAD_M, 16.0)
        clumps = clumps[self._cover.thin_out(clumps, BUSHES, self._rng)]
        places = clumps.repeat(BUSH_CLUMP, axis=0) + self._rng.normal(0, 1.6, (len(clumps) * BUSH_CLUMP, 2))
        places = places[(self._terrain.edge_at(places) > BUSHES_FROM_ROAD_M) & self._is_dry(places)]
        kinds = self._rng.integers(len(self._look.bushes), size=len(places))
        for number, kind in enumerate(self._look.bushes):
            image = sprites.plant(kind, self._look.leaf, self._rng)
            if np.any(kinds == number):
                yield self._standing_plants(kind, places[kinds == number], image, n_boards=2), image

    def _standing_plants(self, kind: sprites.Plant, places: FloatArray, image: Image, n_boards: int) -> Mesh:
        """Plants at places (M, 2): one board each, or two that cross."""
        is_surveyed = self._surveyed is not None and kind in self._look.trees
        heights = self._rng.uniform(*(SURVEYED_TREES_M if is_surveyed else HEIGHTS_M[kind]), len(places))
        widths = heights * image.shape[1] / image.shape[0]
        feet = np.c_[places, self._terrain.height_at(places) - SUNK_M]
        shadow = self._terrain.shadow_on(feet + np.array([0.0, 0.0, 3.0]), self._look.sun)
        up = np.broadcast_to(np.array([0.0, 0.0, 1.0]), feet.shape)
        tones = self._look.light_on(up, shadow) * self._rng.uniform(0.8, 1.0, (len(places), 1))
        angles = self._rng.uniform(0, np.pi, len(places))
        if n_boards == 1:  # it faces the road
            angles = self._facing_the_road(places)
        turns = np.arange(n_boards) * np.pi / 2
        return merge([standing(feet, angles + turn, widths, heights, tones) for turn in turns])

    def _facing_the_road(self, places: FloatArray) -> FloatArray:
        """Angle (M,) of boards at places (M, 2) that face the nearest part of the road."""
        points = self._track.xy[::8]
        nearest = np.argmin(((places[:, None] - points) ** 2).sum(axis=2), axis=1)
        toward = points[nearest] - places
        return np.asarray(np.arctan2(toward[:, 1], toward[:, 0]) + np.pi / 2)

    def _rocks(self) -> list[Layer]:
        feet, sizes = self._rock_feet()
        fits = self._terrain.edge_at(feet[:, :2]) > 3.0 + 1.6 * sizes
        meshes = [self._rock(foot, size) for foot, size in zip(feet[fits], sizes[fits], strict=True)]
        if not meshes:
            return []
        return [Layer("rocks", merge(meshes), ground_detail(self._rng), Label.OBSTACLE, solid="obstacle")]

    def _rock_feet(self) -> tuple[FloatArray, FloatArray]:
        """Feet (M, 3) and sizes (M,) of small rocks near the road and of large ones farther away."""
        per_km = self._look.rocks_per_km * (1.0 if self._cover.is_even else MOST_ROCKS)
        count = int(per_km * self._track.length_m / 1000)
        small = self._places_along_the_road(count, 4.5, 18.0)
        small = small[self._cover.thin_out(small, ROCKS, self._rng)]
        small_sizes = self._rng.uniform(0.4, 1.3, len(small))
        if self._surveyed is None:
            places = self._places_along_the_road(count, 16.0, 70.0)
            places = places[self._cover.thin_out(places, ROCKS, self._rng)]
            large = np.c_[places, self._terrain.height_at(places)]
            sizes = self._rng.uniform(*BOULDERS_M, len(large))
        else:
            large = np.concatenate([self._surveyed["rock"], self._surveyed["boulder"]])
            sizes = np.repeat(SURVEYED_ROCKS_M, [len(self._surveyed["rock"]), len(self._surveyed["boulder"])])
        feet = np.concatenate([np.c_[small, self._terrain.height_at(small)], large])
        return feet, np.r_[small_sizes, sizes]

    def _rock(self, foot: FloatArray, size: float) -> Mesh:
        latitude = np.linspace(np.pi / 2, -0.5, ROCK_RINGS)[:, None]
        longitude = np.linspace(0, 2 * np.pi, ROCK_SIDES + 1)[None, :]
        radius = size * (1 + 0.16 * self._rng.standard_normal((ROCK_RINGS, ROCK_SIDES + 1)))
        radius[:, -1], radius[0] = radius[:, 0], radius[0, 0]
        stretch = self._rng.uniform(1.1, 1.8)
        x = stretch * radius * np.cos(latitude) * np.cos(longitude)
        y = radius * np.cos(latitude) * np.sin(longitude)
        z = 0.6 * radius * np.sin(latitude) * np.ones_like(longitude)
        turn = self._rng.uniform(0, 2 * np.pi)
        points = np.dstack([
            foot[0] + x * np.cos(turn) - y * np.sin(turn), foot[1] + x * np.sin(turn) + y * np.cos(turn), foot[2] + z
        ])[::-1]  # fmt: skip
        uv = np.dstack(np.broadcast_arrays(longitude / 2 * size, latitude * size))
        bare = grid_mesh(points, uv, np.zeros(3))
        tones = self._look.light_on(normals(bare)) * np.array(self._look.rock) * self._rng.uniform(0.75, 1.1)
        return Mesh(bare.vertices, bare.triangles, bare.uv, tones / 255 / GROUND_MEAN)

    def _planned_barriers(self) -> list[Layer]:
        """Stacks of tyres that close the dirt roads, and warning signs behind them."""
        track, layers = self._track, []
        for side, turn_off, half in (
            (1.0, track.features.turn_off_left, track.width_left),
            (-1.0, track.features.turn_off_right, track.width_right),
        ):
            stations = np.flatnonzero(turn_off)[:: max(1, round(TYRES_EVERY_M / track.ds_m))]
            for name, image, size, every, behind_m in (
                ("tyres", sprites.tyre_stack(self._rng), TYRE_STACK_M, 1, 0.0),
                ("signs", sprites.warning_sign(self._rng), SIGN_M, SIGN_EVERY, SIGN_BEHIND_M),
            ):
                here = stations[::every]
                if not len(here):
                    continue
                offset = side * (half[here] + TYRES_FROM_EDGE_M + behind_m)
                places = track.xy[here] + offset[:, None] * self._left_normal[here]
                layers.append(self._boards(name, places, image, size, track.heading[here] - side * FACING_RAD))
        return layers

    def _surveyed_barriers(self, objects: Mapping[ObjectKind, FloatArray]) -> list[Layer]:
        """Tyres and signs where they were measured, facing the road."""
        layers = []
        for name, placed, image, size in (
            ("tyres", objects["tyre"], sprites.tyre_stack(self._rng), TYRE_STACK_M),
            ("signs", objects["sign"], sprites.warning_sign(self._rng), SURVEYED_SIGN_M),
        ):
            places = placed[:, :2]
            layers.append(self._boards(name, places, image, size, self._facing_the_road(places)))
        return layers

    def _boards(self, name: str, places: FloatArray, image: Image, size: float, angles: FloatArray) -> Layer:
        """Upright pictures of one size at places (M, 2), that stop the car."""
        feet = np.c_[places, self._terrain.height_at(places)]
        sizes, tones = np.full(len(places), size), np.full((len(places), 1), 0.95)
        boards = standing(feet, angles, sizes, sizes, tones)
        return Layer(name, boards, image, Label.OBSTACLE, solid="obstacle", two_sided=True)

    def _pylons(self) -> list[Layer]:
        """A line of pylons with their wires."""
        if self._surveyed is not None:
            places, height_m = self._surveyed["pylon"][:, :2], SURVEYED_PYLON_M
        else:
            angle = self._rng.uniform(0, np.pi)
            steps = (np.arange(9) - 4) * PYLON_EVERY_M
            center = self._track.xy.mean(axis=0) + self._rng.normal(0, 12, 2)
            places, height_m = center + steps[:, None] * np.array([np.cos(angle), np.sin(angle)]), PYLON_HEIGHT_M
        across = np.arctan2(*(places[-1] - places[0])[::-1]) + np.pi / 2
        feet = np.c_[places, self._terrain.height_at(places) - SUNK_M]
        stands = self._terrain.edge_at(places) > 8.0
        count = int(stands.sum())
        size, tone = np.full(count, height_m), np.full((count, 1), 0.95)
        masts = standing(feet[stands], np.full(count, across), size / 2, size, tone)
        tops = feet + np.array([0.0, 0.0, 0.62 * height_m])
        higher = np.array([0.0, 0.0, 0.29 * height_m])
        spans = np.stack([np.stack([tops[:-1], tops[1:]], axis=1) + lift for lift in (0.0, higher)], axis=1)
        uv = np.array([[[0.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]])
        hung = merge([grid_mesh(span, uv, np.ones(3)) for span in spans])
        return [
            Layer("pylons", masts, self._seen(sprites.pylon(self._rng), 60.0), Label.OBSTACLE, two_sided=True),
            Layer("wires", hung, sprites.wires(self._rng), Label.OBSTACLE, two_sided=True),
        ]

    def _posts(self) -> list[Layer]:
        stations = np.arange(0, len(self._track), round(POST_EVERY_M / self._track.ds_m))
        stations = stations[np.abs(self._track.curvature[stations]) > 1 / POST_RADIUS_M]
        outside = -np.sign(self._track.curvature[stations])  # + = the left side
        half = np.where(outside > 0, self._track.width_left[stations], self._track.width_right[stations])
        offset = outside * (half + POST_FROM_EDGE_M)
        places = self._track.xy[stations] + offset[:, None] * self._left_normal[stations]
        free = self._terrain.edge_at(places) > POST_FROM_EDGE_M - 1.0
        places, stations = places[free], stations[free]
        if not len(places):
            return []
        feet = np.c_[places, self._track.z[stations] - 0.5]
        size = np.full(len(feet), POST_HEIGHT_M + 0.5)
        tone = np.full((len(feet), 1), 0.95)
        boards = standing(feet, self._track.heading[stations] + np.pi / 2, 0.22 * size, size, tone)
        return [Layer("posts", boards, sprites.post(self._rng), Label.OBSTACLE, solid="obstacle", two_sided=True)]

    def _places_in_the_land(self) -> FloatArray:
        low, size = self._track.xy.min(axis=0) - 120, np.ptp(self._track.xy, axis=0) + 240
        count = int(self._look.trees_per_ha * size[0] * size[1] / 1e4)
        groves = self._rng.uniform(0, 1, (max(1, count // 6), 2))
        places = groves.repeat(6, axis=0) + self._rng.normal(0, 11, (len(groves) * 6, 2)) / size
        places = low + places * size
        return np.asarray(places[(self._terrain.edge_at(places) > TREES_FROM_ROAD_M) & self._is_dry(places)])

    def _places_along_the_road(
        self, count: int, from_m: float, to_m: float, beside: IntArray | None = None
    ) -> FloatArray:
        """Dry places whose distance to the road's nearest edge is in a range; beside all of it, or some points."""
        beside = np.arange(len(self._track)) if beside is None else beside
        station = beside[self._rng.integers(len(beside), size=count)] if count else np.zeros(0, np.int64)
        side = self._rng.choice([-1.0, 1.0], size=count)
        half = np.where(side > 0, self._track.width_left[station], self._track.width_right[station])
        offset = side * (half + self._rng.uniform(from_m, to_m, count))
        places = self._track.xy[station] + offset[:, None] * self._left_normal[station]
        return np.asarray(places[(self._terrain.edge_at(places) > from_m - 0.5) & self._is_dry(places)])

    def _is_dry(self, places: FloatArray) -> BoolArray:
        return np.asarray(self._terrain.height_at(places) > self._terrain.water_z + 0.3)

    def _seen(self, image: Image, distance_m: float) -> Image:
        """A cut-out picture as seen through the haze."""
        seen = image.copy()
        rgb = image[..., :3].astype(np.float64)
        seen[..., :3] = np.clip(self._look.through_haze(rgb, np.full(image.shape[:2], distance_m)), 0, 255)
        return seen


def scenery_layers(
    track: Track, terrain: Terrain, cover: LandCover, look: Look, rng: np.random.Generator
) -> list[Layer]:
    """All layers beside a road."""
    return Scenery(track, terrain, cover, look, rng).layers()
