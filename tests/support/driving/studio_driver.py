"""A person, or the expert, at the driving page, without a browser; fixtures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from simulator_bridge.simulator.expert import Expert, ExpertConfig
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import Track, build_track
from tests.support.driving.small_track import write_oval
from train.studio_page import commands
from train.studio_page.manual_input import DriverInput
from train.studio_page.studio_session import StudioSession

PAGE = 1  # its number
DEADLINE_S = 300.0  # of a loaded machine; nothing waits for it to pass


class Page:
    """A page that collects the notices for it."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notify(self, text: str, kind: str = "info") -> None:
        self.notices.append(text)


class Driver:
    """Drives a session as the expert would, frame by frame, as fast as it simulates."""

    def __init__(self, session: StudioSession, track: Track) -> None:
        self.session, self.page, self.length_m = session, Page(), track.length_m
        self._expert = Expert(track, ExpertConfig(top_speed_mph=15))

    @property
    def state(self) -> SimpleNamespace:
        return SimpleNamespace(**self.session.newest().state)

    def do(self, command: commands.Command) -> None:
        self.session.request(self.page, command)
        self.session.tick()

    def drive(self, n_frames: int) -> None:
        for _ in range(n_frames):
            car = self.state.car
            wanted = self._expert(SimpleNamespace(**car, z=0.0), car["speed_mph"])
            self.hold(DriverInput(wanted.steering_angle, max(wanted.throttle, 0.0), 0.0, is_active=True))

    def hold(self, driver_input: DriverInput) -> None:
        self.session.manual_input.update(PAGE, driver_input, time.monotonic())
        self.session.tick()

    def let_go(self) -> None:
        self.session.manual_input.update(PAGE, DriverInput(), time.monotonic())

    def wait_until(self, is_so: Callable[[SimpleNamespace], bool]) -> SimpleNamespace:
        deadline_s = time.monotonic() + DEADLINE_S
        while not is_so(self.state):
            assert time.monotonic() < deadline_s, self.state
            self.session.tick()
        return self.state


@pytest.fixture(scope="module")
def oval(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_oval(tmp_path_factory.mktemp("track") / "oval.csv")


@pytest.fixture(scope="module")
def simulation(oval: Path) -> Iterator[Simulation]:
    with Simulation(build_track(str(oval)), cameras=("center",)) as simulation:
        yield simulation


@pytest.fixture
def driver(simulation: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    monkeypatch.setattr("simulator_bridge.simulator.run.real_time.RealTimePace.__call__", lambda pace, time_s: None)
    monkeypatch.setattr("train.studio_page.studio_session.PAUSE_S", 0.001)
    session = StudioSession(simulation, tmp_path / "mine")
    session.has_viewers = True
    try:
        yield Driver(session, simulation.track)
    finally:
        session.close()
