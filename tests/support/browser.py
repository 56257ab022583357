"""A real browser for tests of pages: Debian's Chromium without a screen and without a network.

The fixture `browser` fails the test at its end if a page wrote an error to the console, which includes whatever the
content-security policy of the page blocked.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # containers run tests as root
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
DESKTOP = (1280, 900)
PHONE = (390, 844)
# A live page whose server has ended asks again, and Chromium logs it; one that is turned away by a server is an error
SERVER_ENDED = ("net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET", "closed before receiving a handshake")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chrome]:
    """One browser for all tests; use `browser`."""
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        pytest.skip("no Chromium: apt-get install chromium chromium-driver to run this test")
    chrome = start_chromium()
    yield chrome
    chrome.quit()


def start_chromium() -> Chrome:
    """Start Debian's Chromium, which must be installed; to be ended by `quit`."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver") or "chromedriver"))


@pytest.fixture
def browser(chromium: Chrome) -> Iterator[Chrome]:
    """The browser with an empty page of desktop size, light; a console error fails the test at its end."""
    chromium.get("about:blank")
    set_size(chromium, *DESKTOP)
    set_media(chromium)
    console_errors(chromium)
    requested_urls(chromium)
    yield chromium
    errors = console_errors(chromium)
    chromium.get("about:blank")
    assert not errors, errors


def open_page(browser: Chrome, path: Path) -> None:
    """Open a file."""
    browser.get(path.resolve().as_uri())


def set_size(browser: Chrome, width_px: int, height_px: int, *, is_phone: bool = False) -> None:
    """Give the page a size; `set_window_size` cannot make a window as narrow as a phone."""
    metrics = {"width": width_px, "height": height_px, "deviceScaleFactor": 2 if is_phone else 1, "mobile": is_phone}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def set_phone(browser: Chrome) -> None:
    """Make it a phone, held upright."""
    set_size(browser, *PHONE, is_phone=True)


def set_media(browser: Chrome, *, dark: bool = False, paper: bool = False) -> None:
    """Choose between light and dark, screen and print."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print" if paper else "", "features": [scheme]})


def console_errors(browser: Chrome) -> list[str]:
    """Errors that pages wrote to the console since the last call, but for those of a server that the test has ended."""
    entries: list[dict[str, str]] = browser.get_log("browser")  # type: ignore[no-untyped-call]
    errors = [entry["message"] for entry in entries if entry["level"] == "SEVERE"]
    return [error for error in errors if not ("WebSocket" in error and any(end in error for end in SERVER_ENDED))]


def requested_urls(browser: Chrome) -> list[str]:
    """What pages asked the network for since the last call: no files, and nothing that is inside the page."""
    events: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"]
        for entry in browser.get_log("performance")  # type: ignore[no-untyped-call]
    ]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("file:", "data:", "about:", "blob:"))]


def overflow_px(browser: Chrome) -> int:
    """By how much the page is wider than the window: 0 unless it scrolls sideways."""
    script = "const page = document.documentElement; return page.scrollWidth - page.clientWidth;"
    return int(browser.execute_script(script))


def screenshot(browser: Chrome, path: Path) -> Path:
    """A picture of the whole page, also of what lies below the window."""
    height = browser.execute_script("return document.documentElement.scrollHeight;")
    width = browser.execute_script("return document.documentElement.clientWidth;")
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
    )
    path.write_bytes(base64.b64decode(shot["data"]))
    return path
