"""The cockpit: lets pages watch and command the cars of a drive server.

A car is named by its number; a page that has not chosen one sees the newest car that drives. Everything here runs in
the threads of the pages, except `new_driver` and what a `ConnectedCar` does itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from drive.cockpit.car_state import Snapshot, describe
from drive.cockpit.connected_car import ConnectedCar
from drive.cockpit.connected_cars import ConnectedCars, DrivingSetup
from drive.cockpit.marks import Marks
from drive.cockpit.overlay_maps import OverlayMaps
from drive.cockpit.page_commands import PageCommands, PageView
from drive.decision import Decision
from drive.overlay import OVERLAYS, Overlay
from simulator_bridge.drive_progress import DriveProgress
from simulator_bridge.pages.live_channel import Update
from simulator_bridge.pages.live_viewer import Viewer
from simulator_bridge.serving.client_connection import ClientFacts
from simulator_bridge.serving.driver import Driver


class Cockpit:
    """Makes the drivers of a server's cars, and lets pages watch and command them.

    Args:
        setup: What the cars share.

    Attributes:
        clients: Returns what the server has counted of its clients; to be set when there is a server.
        marks: Moments that people marked.
        overlays: Maps, of either kind, of the cars that pages want them of.
    """

    def __init__(self, setup: DrivingSetup) -> None:
        self._cars = ConnectedCars(setup)
        self._views: Callable[[], Sequence[Hashable]] = tuple
        self.clients: Callable[[], list[ClientFacts]] = list
        self.marks = Marks(setup.corrections)
        self._unavailable = setup.unavailable
        self.overlays = {
            shows: OverlayMaps(shows, setup.model, functools.partial(self._wanted_maps, shows), setup.preprocessing)
            for shows in OVERLAYS
        }
        self._commands = PageCommands(self._cars, self.marks, self.overlays, setup.unavailable, self._progress_of)

    def new_driver(self) -> Driver:
        """Make the driver of a car that has just connected."""
        return self._cars.add()

    def summary(self) -> list[str]:
        """What each car drove, in a line each."""
        return self._cars.summary()

    def close(self) -> None:
        """End what the cockpit has started."""
        for maps in self.overlays.values():
            maps.close()

    def watch_views(self, views: Callable[[], Sequence[Hashable]]) -> None:
        """Set the function that returns what each open page wants to see."""
        self._views = views

    def newest(self, view: Hashable) -> Update:
        """What a page with this view shows now."""
        view = view if isinstance(view, PageView) else PageView()
        car = self._cars.find(view.car)
        decision = car.newest if car is not None else None
        snapshot = Snapshot(
            car=car,
            decision=decision,
            clients=self.clients(),
            marks=self.marks,
            shows=view.shows,
            overlay_failure=self.overlays[view.shows].failure if view.shows else "",
            unavailable=self._unavailable,
            n_viewers=len(self._views()),
        )
        pictures: dict[str, bytes] = {}
        if decision is not None:
            pictures["camera"] = decision.jpeg()
        overlay = self.overlays[view.shows].newest(car.number) if view.shows and car is not None else None
        if overlay is not None:
            pictures["overlay"] = overlay
        return Update(describe(snapshot), pictures, number=hash((car and car.number, car and car.n_decisions)))

    def take(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        """Carry out the command of a page.

        Raises:
            CommandError: If that cannot be done.
        """
        self._commands.run(viewer, command)

    def left(self, viewer: Viewer) -> None:
        """Stop the car that a page drove which has gone."""
        for car in self._cars.all():
            car.authority.release(viewer.number)

    def _progress_of(self, car: ConnectedCar) -> DriveProgress | None:
        return next((client.progress for client in self.clients() if client.driver is car), None)

    def _wanted_maps(self, shows: Overlay) -> dict[int, Decision]:
        """The newest decision of each car that an open page wants such maps of."""
        wanted: dict[int, Decision] = {}
        for view in self._views():
            car = self._cars.find(view.car) if isinstance(view, PageView) and view.shows == shows else None
            if car is not None and car.newest is not None:
                wanted[car.number] = car.newest
        return wanted
