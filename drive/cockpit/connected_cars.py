"""The cars that are connected to the drive server: made, numbered, found and forgotten."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drive.cockpit.connected_car import ConnectedCar
from drive.cockpit.control_authority import ControlAuthority
from drive.cockpit.corrections import Corrections
from drive.cockpit.drive_summary import DriveSummary
from drive.drive_recorder import DriveRecorder, RecorderPool
from drive.overlay import Overlay
from drive.pilot import Pilot
from drive.speed_control import SpeedController
from models.policy import Policy

N_SUMMED_UP = 10  # cars in the summary of all drives


@dataclass(frozen=True)
class DrivingSetup:
    """What all cars of a server share.

    Attributes:
        model: The file that drives.
        policy: Loaded from it.
        speed_mph: Set speed at first.
        recorders: Of the drives.
        records: Record from the start; else when a page asks for it.
        corrections: Folder for takeovers and marks; made when there are some.
        preprocessing: Of a model of another program, as on a command line.
        unavailable: What cannot be laid over the camera, and why, for people.
    """

    model: Path
    policy: Policy
    speed_mph: float
    recorders: RecorderPool
    records: bool
    corrections: Path
    preprocessing: str | None = None
    unavailable: Mapping[Overlay, str] = field(default_factory=dict)


class ConnectedCars:
    """All connected cars, by number; used from any thread.

    Args:
        setup: What the cars share.
    """

    def __init__(self, setup: DrivingSetup) -> None:
        self._setup = setup
        self._cars: dict[int, ConnectedCar] = {}
        self._numbers = itertools.count(1)
        self._driven: deque[DriveSummary] = deque(maxlen=N_SUMMED_UP)  # cars that have left
        self._n_driven = 0

    def add(self) -> ConnectedCar:
        """Make the driver of a car that has just connected; it is forgotten when its connection ends."""
        setup, number = self._setup, next(self._numbers)
        car = ConnectedCar(
            number,
            Pilot(setup.policy, SpeedController(setup.speed_mph)),
            ControlAuthority(setup.speed_mph),
            DriveRecorder(setup.recorders, is_on=setup.records),
            Corrections(setup.corrections, {"model": str(setup.model), "car": number}),
            on_close=self._forget,
        )
        self._cars[number] = car
        return car

    def find(self, number: int | None) -> ConnectedCar | None:
        """The car of a number; None if it has left. Without one the newest that drives, or has at least connected."""
        if number is not None:
            return self._cars.get(number)
        return max(self.all(), key=lambda car: (car.n_decisions > 0, car.number), default=None)

    def all(self) -> list[ConnectedCar]:
        """Every connected car."""
        return list(self._cars.values())

    def summary(self) -> list[str]:
        """What each car drove, in a line each; of many, the last ones."""
        driven = [*self._driven, *(car.summed_up() for car in self.all() if car.n_decisions)]
        n_more = self._n_driven - len(self._driven)
        more = [f"{n_more} more before"] if n_more else []
        return [*more, *map(str, driven)]

    def _forget(self, car: ConnectedCar) -> None:
        self._cars.pop(car.number, None)
        if car.n_decisions:
            self._n_driven += 1
            self._driven.append(car.summed_up())
