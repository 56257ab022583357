"""Make the pictures of docs/images/ again, with this project's own tools: `python docs/make_pictures.py model.h5`.

The film of a lap and its report come from drive/laps.py; the screenshot of the cockpit needs Debian's chromium and
chromium-driver, and selenium (the extra `dev`). docs/images/architecture.svg is written by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import argparse
import base64
import contextlib
import io
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import av
from PIL import Image

from tests.support.browser import set_size, start_chromium
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

IMAGES = ROOT / "docs" / "images"
LAP_WIDTH_PX = 640
LAP_FRAMES = 90
LAP_PERIOD_S = 1.3  # of the lap, between two pictures: a lap of two minutes in 90 pictures
LAP_SHOWN_MS = 110  # each picture
LAP_QUALITY = 60
PAGE_QUALITY = 75
PAGE_PX = (1280, 840)
MARGIN_PX = 16  # above and below a section
PORT = 4579  # of the server that is photographed
COCKPIT_S = 25.0  # until the cockpit has a trace, a map and a saliency map to show


def make_lap(film: Path, out: Path) -> None:
    """A moving picture from the film of a lap: a picture every `LAP_PERIOD_S`, small."""
    pictures: list[Image.Image] = []
    with av.open(str(film)) as opened:
        for frame in opened.decode(video=0):
            if frame.time is not None and frame.time >= len(pictures) * LAP_PERIOD_S and len(pictures) < LAP_FRAMES:
                picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
                height_px = round(LAP_WIDTH_PX * picture.height / picture.width)
                pictures.append(picture.resize((LAP_WIDTH_PX, height_px), Image.Resampling.LANCZOS))
    first, *rest = pictures
    first.save(out, save_all=True, append_images=rest, duration=LAP_SHOWN_MS, loop=0, quality=LAP_QUALITY, method=6)


@contextlib.contextmanager
def browser() -> Iterator[Chrome]:
    """A headless Chromium with a page of `PAGE_PX`."""
    chrome = start_chromium()
    try:
        set_size(chrome, *PAGE_PX)
        yield chrome
    finally:
        chrome.quit()


def photograph(chrome: Chrome, out: Path, section: str = "", height_px: int | None = None) -> None:
    """Save what the window shows, or the section with that id, down to `height_px`, as a small picture."""
    clip = {"x": 0, "y": 0, "width": PAGE_PX[0], "height": PAGE_PX[1]}
    if section:
        script = "return document.getElementById(arguments[0]).getBoundingClientRect().toJSON();"
        box = chrome.execute_script(script, section)
        width_px = chrome.execute_script("return document.documentElement.clientWidth;")
        height_px = height_px or box["height"] + 2 * MARGIN_PX
        clip = {"x": 0, "y": box["y"] - MARGIN_PX, "width": width_px, "height": height_px}
    options = {"format": "png", "captureBeyondViewport": True, "clip": {**clip, "scale": 1}}
    shot = base64.b64decode(chrome.execute_cdp_cmd("Page.captureScreenshot", options)["data"])
    Image.open(io.BytesIO(shot)).convert("RGB").save(out, quality=PAGE_QUALITY, method=6)


@contextlib.contextmanager
def process(*command: str | Path) -> Iterator[None]:
    """A program of ours that runs while the body does."""
    running = subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait()


def make_cockpit(model: Path, out: Path) -> None:
    """The cockpit while the model drives the built-in lake, saliency on."""
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.by import By

    simulator = (ROOT / "simulator_bridge/simulate.py", "--track", "lake", "--laps", "3", "--seed", "3", "-q")
    connect = ("--connect", f"ws://127.0.0.1:{PORT}", "--wait", "60")
    server = (ROOT / "drive/server.py", model, "--port", str(PORT))
    with process(*server), process(*simulator, *connect), browser() as chrome:
        chrome.implicitly_wait(60)
        while True:  # until the server listens
            with contextlib.suppress(WebDriverException):
                chrome.get(f"http://127.0.0.1:{PORT}/cockpit")
                break
            time.sleep(0.5)
        chrome.find_element(By.CSS_SELECTOR, "#saliency:enabled").click()  # enabled once a car is there
        time.sleep(COCKPIT_S)
        photograph(chrome, out)


def make_reports(model: Path) -> None:
    """The film of a lap, and parts of the reports on laps and data."""
    with tempfile.TemporaryDirectory() as made, browser() as chrome:
        laps, data, film = Path(made) / "laps.html", Path(made) / "data.html", Path(made) / "lap.mp4"
        run("drive/laps.py", model, "--laps", "1", "--seeds", "1", "--report", laps, "--video", film)
        make_lap(film, IMAGES / "lap.webp")
        set_size(chrome, 760, 900)
        chrome.get(laps.as_uri())
        photograph(chrome, IMAGES / "lap-report.webp", "lake-seed-0", 945)
        set_size(chrome, *PAGE_PX)
        run("train/checkup.py", ROOT / "recordings", "--report", data)
        chrome.get(data.as_uri())
        photograph(chrome, IMAGES / "augmentation.webp", "augmentation")
        photograph(chrome, IMAGES / "side-cameras.webp", "side-cameras")


def run(script: str, *arguments: str | Path) -> None:
    """Run a command of this project to its end."""
    subprocess.run([sys.executable, str(ROOT / script), *map(str, arguments)], check=True)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Make the pictures of docs/images/ again.")
    parser.add_argument("model", type=Path, help="model that drives, such as that of `make drive`")
    arguments = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    make_cockpit(arguments.model, IMAGES / "cockpit.webp")
    make_reports(arguments.model)


if __name__ == "__main__":
    main()
