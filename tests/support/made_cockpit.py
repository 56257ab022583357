"""A drive server with its cockpit, in this process, and its page in a browser, for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drive.cockpit.cockpit import Cockpit
from drive.cockpit.cockpit_pages import LIVE, build_pages
from drive.cockpit.connected_cars import DrivingSetup
from drive.drive_recorder import RecorderPool
from drive.overlay import Overlay
from models.policy import Action, Policy
from simulator_bridge.messages import Frame
from simulator_bridge.pages.phone_link import PhoneLink
from simulator_bridge.serving.bridge_server import BridgeServer
from simulator_bridge.transport.simulator_client import ConnectionLostError
from tests.support.page_viewer import PageViewer
from tests.support.running_server import connect, running_server, wire_telemetry

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

MODEL_STEERING = 0.1


def steer_steadily(frame: Frame) -> Action:
    return Action(MODEL_STEERING)


@dataclass
class MadeCockpit:
    server: BridgeServer
    cockpit: Cockpit

    def page(self) -> PageViewer:
        return PageViewer(self.server.port, LIVE)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/cockpit"


@contextmanager
def running_cockpit(
    corrections: Path | None = None,
    record: Path | None = None,
    record_when_asked: Path | None = None,
    model: Path = Path("model.h5"),
    phone: Callable[[], PhoneLink | None] = lambda: None,
    policy: Policy = steer_steadily,
    unavailable: Mapping[Overlay, str] = MappingProxyType({}),
    **options: Any,
) -> Iterator[MadeCockpit]:
    records = record is not None
    with (
        TemporaryDirectory() as elsewhere,
        closing(RecorderPool(record or record_when_asked or Path(elsewhere, "drive"), at_once=records)) as pool,
    ):
        cockpit = Cockpit(
            DrivingSetup(
                model,
                policy,
                15.0,
                pool,
                records,
                corrections or Path(elsewhere, "corrections"),
                unavailable=unavailable,
            )
        )
        pages = build_pages(cockpit, {"architecture": "none", "file": "<model>"}, phone)
        with running_server(cockpit.new_driver, pages=pages, **options) as server, closing(cockpit):
            cockpit.clients = server.clients
            yield MadeCockpit(server, cockpit)


class DrivingCar:
    """A simulator that drives in a thread, about 25 frames a second; `steering` are the answers it got."""

    def __init__(self, server: BridgeServer, **telemetry: Any) -> None:
        self._client = connect(server)
        self._payload = wire_telemetry(**telemetry)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.n_sent = 0
        self.steering: list[float] = []

    def __enter__(self) -> DrivingCar:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._client.close()

    def _run(self) -> None:
        while not self._stop.wait(0.04):
            try:
                self._client.emit("telemetry", self._payload)
                self.n_sent += 1
                self.steering.append(float(self._client.wait_for("steer").payload["steering_angle"]))
            except ConnectionLostError:
                return


def wait_until(browser: Chrome, is_so: Callable[[], object], what: str, patience_s: float = 15.0) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, patience_s, poll_frequency=0.05).until(lambda _: is_so(), what)


class CockpitPage:
    """The cockpit in a browser, as a person uses it."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser = browser
        browser.get(url)

    def element(self, id_: str) -> Any:
        return self.browser.find_element("id", id_)

    def text(self, id_: str) -> str:
        return str(self.element(id_).text)

    def click(self, id_: str) -> None:
        wait_until(self.browser, lambda: self.element(id_).is_enabled(), f"{id_} can be clicked")
        self.element(id_).click()

    def is_on(self, id_: str) -> bool:
        return str(self.element(id_).get_attribute("aria-pressed")) == "true"

    def press(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def shows(self, id_: str, text: str) -> None:
        wait_until(self.browser, lambda: text in self.text(id_), f"{id_} shows {text!r}")

    def brightness(self) -> float:
        """Mean of the middle of what the camera's canvas shows, in [0, 255]."""
        return float(self._camera_rgb(0.25).mean())

    def colourfulness(self) -> float:
        """How far red, green and blue are apart below the middle of the camera's canvas: 0 of a grey one."""
        return float(np.ptp(self._camera_rgb(0.55).mean(axis=0)))

    def _camera_rgb(self, down: float) -> npt.NDArray[np.float64]:
        """40 x 40 pixels (1600, 3) of what the camera's canvas shows, a share of its height down."""
        script = """
            const canvas = document.getElementById("camera");
            const [x, y] = [canvas.width / 3, canvas.height * arguments[0]];
            return Array.from(canvas.getContext("2d").getImageData(x, y, 40, 40).data);
        """
        return np.array(self.browser.execute_script(script, down), np.float64).reshape(-1, 4)[:, :3]
