"""The cockpit: which cars there are, what a page sees of them, and what it may ask for.

A car is named by its number; a page that has not chosen one sees the car that came last. Everything here runs in the
threads of the pages, except `new_driver` and what a `Car` does itself.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drive.cockpit.car_state import Snapshot, describe
from drive.cockpit.connected_car import Car
from drive.cockpit.control_authority import ControlAuthority, ManualControl, NotHolderError
from drive.cockpit.corrections import Corrections, Decision
from drive.cockpit.marks import Marks
from drive.cockpit.saliency_maps import SaliencyMaps
from drive.pilot import Pilot, RecorderPool
from drive.speed_control import SpeedController
from models.policy import Policy
from simulator_bridge.errors import RecordingError
from simulator_bridge.pages.live_channel import CommandError, Update
from simulator_bridge.pages.live_viewer import Viewer
from simulator_bridge.serving.client_connection import ClientFacts
from simulator_bridge.serving.driver import Driver
from simulator_bridge.udacity_car import MAX_SPEED_MPH


@dataclass(frozen=True)
class PageView:
    """What one page wants to see: a car (None: the one that came last), with its saliency or without."""

    car: int | None = None
    saliency: bool = False


@dataclass(frozen=True)
class DrivingSetup:
    """What all cars of a server share.

    Attributes:
        model: The file that drives.
        policy: Read from it.
        speed_mph: Set speed at first.
        recorders: Of the drives.
        records: Record from the start; else when a page asks for it.
        corrections: Folder for takeovers and marks; made when there are some.
    """

    model: Path
    policy: Policy
    speed_mph: float
    recorders: RecorderPool
    records: bool
    corrections: Path


class Cockpit:
    """Makes the drivers of a server's cars, and lets pages watch and command them.

    Args:
        fleet: What the cars share.

    Attributes:
        clients: Gives what the server knows of its clients; to be set when there is one.
    """

    def __init__(self, setup: DrivingSetup) -> None:
        self._fleet = setup
        self._cars: dict[int, Car] = {}
        self._numbers = itertools.count(1)
        self._views: Callable[[], Sequence[Hashable]] = tuple
        self.clients: Callable[[], list[ClientFacts]] = list
        self.marks = Marks(setup.corrections)
        self.saliency = SaliencyMaps(setup.model, self._wanted_maps)

    def new_driver(self) -> Driver:
        """Make the driver of a car that has just come."""
        setup, number = self._fleet, next(self._numbers)
        car = Car(
            number,
            Pilot(setup.policy, SpeedController(setup.speed_mph)),
            ControlAuthority(setup.speed_mph),
            Corrections(setup.corrections, {"model": str(setup.model), "car": number}),
            setup.recorders,
            setup.records,
            self._forget,
        )
        self._cars[number] = car
        return car

    def close(self) -> None:
        """End what the cockpit has started."""
        self.saliency.close()

    def watch_views(self, views: Callable[[], Sequence[Hashable]]) -> None:
        """Let the desk know what the pages want to see."""
        self._views = views

    def newest(self, view: Hashable) -> Update:
        """Give what a page with this view shall see now."""
        view = view if isinstance(view, PageView) else PageView()
        car = self._car(view.car)
        seen = car.newest if car is not None else None
        snapshot = Snapshot(
            car=car,
            seen=seen,
            clients=self.clients(),
            marks=self.marks,
            maps=self.saliency,
            wants_map=view.saliency,
            n_viewers=len(self._views()),
        )
        pictures: dict[str, bytes] = {}
        if seen is not None:
            pictures["camera"] = seen.jpeg()
        overlay = self.saliency.newest(car.number) if view.saliency and car is not None else None
        if overlay is not None:
            pictures["saliency"] = overlay
        return Update(describe(snapshot), pictures, number=hash((car and car.number, car and car.n_seen)))

    def take(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        """Do what a page asks for.

        Raises:
            CommandError: If that cannot be done.
        """
        name = command.get("do")
        handler = _COMMANDS.get(name) if isinstance(name, str) else None
        if handler is None:
            raise CommandError(f"unknown command {name!r:.40}")
        handler(self, viewer, command)

    def left(self, viewer: Viewer) -> None:
        """Take note that a page has gone: what it drove stops."""
        for car in list(self._cars.values()):
            car.wheel.let_go(viewer.number)

    def _forget(self, car: Car) -> None:
        self._cars.pop(car.number, None)

    def _car(self, number: int | None) -> Car | None:
        cars = self._cars
        if number is not None:
            return cars.get(number)
        return cars[max(cars)] if cars else None

    def _car_of(self, command: Mapping[str, Any]) -> Car:
        number = command.get("car")
        car = self._cars.get(number) if isinstance(number, int) else None
        if car is None:
            raise CommandError("that car has left")
        return car

    def _wanted_maps(self) -> dict[int, Decision]:
        wanted: dict[int, Decision] = {}
        for view in self._views():
            car = self._car(view.car) if isinstance(view, PageView) and view.saliency else None
            if car is not None and car.newest is not None:
                wanted[car.number] = car.newest
        return wanted

    def _watch(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        number = command.get("car")
        if number is not None and not isinstance(number, int):
            raise CommandError("expected the number of a car")
        viewer.view = replace(_view(viewer), car=number)

    def _show_saliency(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        viewer.view = replace(_view(viewer), saliency=command.get("on") is True)
        if command.get("on") is True:
            self.saliency.wake()

    def _pause(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        self._car_of(command).wheel.pause("somebody pressed pause")

    def _resume(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        self._car_of(command).wheel.resume()

    def _take_over(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        car = self._car_of(command)
        try:
            car.corrections.begin()
        except RecordingError as error:
            viewer.notify(f"this takeover is not recorded: {error}", "error")
        try:
            car.wheel.take(viewer.number, time.monotonic())
        except NotHolderError:
            raise CommandError("another page holds the wheel") from None

    def _drive(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        car = self._car_of(command)
        try:
            steering, throttle, brake = (_number(command, name) for name in ("steering", "throttle", "brake"))
            given = ManualControl(steering, throttle, brake, at_s=time.monotonic())
        except ValueError as error:
            raise CommandError(str(error)) from None
        car.wheel.drive(viewer.number, given)

    def _set_speed(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        car, speed_mph = self._car_of(command), _number(command, "mph")
        if not 0.0 < speed_mph <= MAX_SPEED_MPH:
            raise CommandError(f"expected a speed above 0 and up to {MAX_SPEED_MPH:g} mph")
        car.pilot.set_speed_mph = car.wheel.set_speed_mph = speed_mph

    def _hold_speed(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        self._car_of(command).wheel.holds_speed = command.get("on") is True

    def _record(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        recording = self._car_of(command).recording
        if command.get("on") is not True:
            recording.pause()
            return
        is_new = recording.recorder is None
        try:
            recording.record()
        except RecordingError as error:
            raise CommandError(str(error)) from None
        if is_new and recording.recorder is not None:
            viewer.notify(f"recording into {recording.recorder.folder}")

    def _mark(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        car = self._car_of(command)
        if car.newest is None:
            raise CommandError("there is nothing to mark yet: no frame has come")
        progress = next((facts.progress for facts in self.clients() if facts.driver is car), None)
        try:
            wire = None if progress is None else progress.to_wire()
            self.marks.add(car.number, car.newest, wire, str(command.get("note", "")))
        except RecordingError as error:
            raise CommandError(str(error)) from None


_COMMANDS: dict[str, Callable[[Cockpit, Viewer, Mapping[str, Any]], None]] = {
    "watch": Cockpit._watch,
    "saliency": Cockpit._show_saliency,
    "pause": Cockpit._pause,
    "resume": Cockpit._resume,
    "take over": Cockpit._take_over,
    "drive": Cockpit._drive,
    "set speed": Cockpit._set_speed,
    "hold speed": Cockpit._hold_speed,
    "record": Cockpit._record,
    "mark": Cockpit._mark,
}


def _view(viewer: Viewer) -> PageView:
    return viewer.view if isinstance(viewer.view, PageView) else PageView()


def _number(command: Mapping[str, Any], name: str) -> float:
    value = command.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CommandError(f"expected a number as {name}")
    return float(value)
