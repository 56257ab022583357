"""Drives the page of `train/studio.py` as a person with arrow keys does: looks at the page, presses, releases.

The keys are real ones as far as the page can tell: they come from the browser, not from a script in the page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from simulator_bridge.simulator.expert import Expert, ExpertConfig
from simulator_bridge.track import Track

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

KEY_CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "KeyR": 82}
DEAD_ZONE = 0.04  # of the wheel: closer than this to the wanted angle, the keys are released

State = dict[str, Any]


class KeyDriver:
    """A person at the keys who knows the road.

    Args:
        browser: With the page open.
        track: The road.
        speed_mph: At most this fast.
    """

    def __init__(self, browser: Chrome, track: Track, speed_mph: float) -> None:
        self._browser = browser
        self._expert = Expert(track, ExpertConfig(top_speed_mph=speed_mph))
        self._down: set[str] = set()

    @property
    def state(self) -> State:
        """The state that the page got last."""
        state: State = self._browser.execute_script("return page.state;")
        return state

    def drive(self, until: Callable[[State], bool], timeout_s: float) -> State:
        """Drive until the page shows something; returns what it shows then, with all keys up."""
        deadline_s = time.monotonic() + timeout_s
        try:
            while not until(state := self.state):
                assert time.monotonic() < deadline_s, state
                self.hold(self._keys(state["car"]))
        finally:
            self.hold(set())
        return state

    def wait(self, until: Callable[[State], bool], timeout_s: float) -> State:
        """Look on until the page shows something."""
        deadline_s = time.monotonic() + timeout_s
        while (state := self.state) is None or not until(state):
            assert time.monotonic() < deadline_s, state
            time.sleep(0.05)  # not waiting for a moment to pass: only not to ask without end
        return state

    def hold(self, keys: set[str]) -> None:
        """Press and release until exactly these are down."""
        for key in keys - self._down:
            self._dispatch("rawKeyDown", key)
        for key in self._down - keys:
            self._dispatch("keyUp", key)
        self._down = set(keys)

    def tap(self, key: str) -> None:
        """Press and release a key."""
        self._dispatch("rawKeyDown", key)
        self._dispatch("keyUp", key)

    def _keys(self, car: State) -> set[str]:
        wanted = self._expert(SimpleNamespace(**car, z=0.0), car["speed_mph"])
        keys = {"ArrowUp"} if wanted.throttle >= 0 else set()
        steering, angle = wanted.steering_angle, car["steering_angle"]
        if steering - angle > DEAD_ZONE and steering > 0:
            keys.add("ArrowRight")
        elif steering - angle < -DEAD_ZONE and steering < 0:
            keys.add("ArrowLeft")
        return keys

    def _dispatch(self, kind: str, key: str) -> None:
        event = {"type": kind, "code": key, "key": key, "windowsVirtualKeyCode": KEY_CODES[key]}
        self._browser.execute_cdp_cmd("Input.dispatchKeyEvent", event)
