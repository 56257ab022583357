"""What a page may ask for: each command of its JSON has a function here. Runs in the threads of the pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drive.cockpit.connected_car import ConnectedCar
from drive.cockpit.connected_cars import ConnectedCars
from drive.cockpit.control_authority import AlreadyTakenError, ManualControl
from drive.cockpit.marks import Marks
from drive.cockpit.overlay_maps import OverlayMaps
from drive.overlay import OVERLAYS, Overlay
from simulator_bridge.drive_progress import DriveProgress
from simulator_bridge.errors import RecordingError
from simulator_bridge.pages.live_channel import CommandError
from simulator_bridge.pages.live_viewer import Viewer
from simulator_bridge.udacity_car import MAX_SPEED_MPH

Command = Mapping[str, Any]


@dataclass(frozen=True)
class PageView:
    """What one page wants to see: a car (None: the newest that drives), and what is laid over its camera."""

    car: int | None = None
    shows: Overlay | None = None


class PageCommands:
    """Carries out the commands of pages.

    Args:
        cars: To be commanded.
        marks: Where marked moments go.
        overlays: Woken when a page wants maps.
        unavailable: What this model has no maps of, and why.
        progress_of: How far a car's drive is, if its simulator reports it.
    """

    def __init__(
        self,
        cars: ConnectedCars,
        marks: Marks,
        overlays: Mapping[Overlay, OverlayMaps],
        unavailable: Mapping[Overlay, str],
        progress_of: Callable[[ConnectedCar], DriveProgress | None],
    ) -> None:
        self._cars, self._marks, self._progress_of = cars, marks, progress_of
        self._overlays, self._unavailable = overlays, unavailable

    def run(self, viewer: Viewer, command: Command) -> None:
        """Carry out one command.

        Raises:
            CommandError: If that cannot be done.
        """
        name = command.get("do")
        handler = _HANDLERS.get(name) if isinstance(name, str) else None
        if handler is None:
            raise CommandError(f"unknown command {name!r:.40}")
        handler(self, viewer, command)

    def _car_of(self, command: Command) -> ConnectedCar:
        number = command.get("car")
        car = self._cars.find(number) if isinstance(number, int) else None
        if car is None:
            raise CommandError("that car has left")
        return car

    def _watch(self, viewer: Viewer, command: Command) -> None:
        number = command.get("car")
        if number is not None and not isinstance(number, int):
            raise CommandError("expected the number of a car")
        viewer.view = replace(_view(viewer), car=number)

    def _lay_over(self, viewer: Viewer, command: Command) -> None:
        wanted = command.get("shows")
        shows = next((known for known in OVERLAYS if known == wanted), None)
        if shows is None and wanted is not None:
            raise CommandError(f"expected {' or '.join(OVERLAYS)} to lay over the camera, or null")
        if shows is not None:
            if shows in self._unavailable:
                raise CommandError(self._unavailable[shows])
            self._overlays[shows].wake()
        viewer.view = replace(_view(viewer), shows=shows)

    def _pause(self, viewer: Viewer, command: Command) -> None:
        self._car_of(command).authority.pause("somebody pressed Stop")

    def _resume(self, viewer: Viewer, command: Command) -> None:
        self._car_of(command).authority.resume()

    def _take_over(self, viewer: Viewer, command: Command) -> None:
        car = self._car_of(command)
        try:
            car.corrections.begin()
        except RecordingError as error:
            viewer.notify(f"this takeover is not recorded: {error}", "error")
        try:
            car.authority.take_over(viewer.number, time.monotonic())
        except AlreadyTakenError:
            raise CommandError("another page drives this car") from None

    def _give_back(self, viewer: Viewer, command: Command) -> None:
        self._car_of(command).authority.give_back(viewer.number)

    def _drive(self, viewer: Viewer, command: Command) -> None:
        car = self._car_of(command)
        try:
            steering, throttle, brake = (_number(command, name) for name in ("steering", "throttle", "brake"))
            manual = ManualControl(steering, throttle, brake, at_s=time.monotonic())
        except ValueError as error:
            raise CommandError(str(error)) from None
        car.authority.drive(viewer.number, manual)

    def _set_speed(self, viewer: Viewer, command: Command) -> None:
        car, speed_mph = self._car_of(command), _number(command, "mph")
        if not 0.0 < speed_mph <= MAX_SPEED_MPH:
            raise CommandError(f"expected a speed above 0 and up to {MAX_SPEED_MPH:g} mph")
        car.pilot.set_speed_mph = car.authority.set_speed_mph = speed_mph

    def _hold_speed(self, viewer: Viewer, command: Command) -> None:
        self._car_of(command).authority.holds_speed = _is_on(command)

    def _record(self, viewer: Viewer, command: Command) -> None:
        drive_recorder = self._car_of(command).drive_recorder
        if not _is_on(command):
            drive_recorder.pause()
            return
        is_first = drive_recorder.recorder is None
        try:
            drive_recorder.start()
        except RecordingError as error:
            raise CommandError(str(error)) from None
        if is_first and drive_recorder.recorder is not None:
            viewer.notify(f"recording into {drive_recorder.recorder.folder}")

    def _mark(self, viewer: Viewer, command: Command) -> None:
        car = self._car_of(command)
        if car.newest is None:
            raise CommandError("there is nothing to mark yet: no frame has come")
        try:
            self._marks.add(car.number, car.newest, self._progress_of(car), str(command.get("note", "")))
        except RecordingError as error:
            raise CommandError(str(error)) from None


_HANDLERS: dict[str, Callable[[PageCommands, Viewer, Command], None]] = {
    "watch": PageCommands._watch,
    "overlay": PageCommands._lay_over,
    "pause": PageCommands._pause,
    "resume": PageCommands._resume,
    "take over": PageCommands._take_over,
    "give back": PageCommands._give_back,
    "drive": PageCommands._drive,
    "set speed": PageCommands._set_speed,
    "hold speed": PageCommands._hold_speed,
    "record": PageCommands._record,
    "mark": PageCommands._mark,
}


def _view(viewer: Viewer) -> PageView:
    return viewer.view if isinstance(viewer.view, PageView) else PageView()


def _is_on(command: Command) -> bool:
    return command.get("on") is True


def _number(command: Command, name: str) -> float:
    value = command.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CommandError(f"expected a number as {name}")
    return float(value)
