"""What the cockpit lays over the camera: saliency or segmentation, one at a time on each page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from drive.cockpit.overlay_process import OverlayProcessConfig, load_painter, to_png
from drive.overlay import OVERLAYS, Overlay
from drive.server import find_unavailable
from models import occlusion_saliency, segmentation
from simulator_bridge.messages import FRAME_SHAPE, decode_frame
from simulator_bridge.simulator.truth.classes import CLASSES
from tests.support.browser import browser, chromium, screenshot, set_phone
from tests.support.drivable_model import drivable_model, segmenting_model
from tests.support.made_cockpit import CockpitPage, DrivingCar, running_cockpit, wait_until
from tests.support.made_model import made_frames
from tests.support.page_viewer import PageViewer
from tests.support.running_server import JPEG, connect

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

__all__ = ["browser", "chromium"]  # fixtures

REASON = "m.h5 has no segmentation; train it with --predict steering,segmentation"


def overlay_of(page: PageViewer) -> npt.NDArray[np.uint8]:
    """The next map that a page gets, RGBA."""
    seen = page.see_until(lambda seen: "overlay" in seen.pictures, n=4000)  # it gives way to all else
    return decode_rgba(seen.pictures["overlay"])


def decode_rgba(png: bytes) -> npt.NDArray[np.uint8]:
    bgra = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert bgra is not None
    return np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA), np.uint8)


def without_overlay(page: PageViewer) -> None:
    page.see_until(lambda seen: seen.state["overlay"]["shows"] is None and "overlay" not in seen.pictures)


@pytest.mark.parametrize("shows", OVERLAYS)
def test_a_map_over_a_frame_looks_as_in_a_film(shows: Overlay) -> None:
    frame = made_frames(1)[0]
    config = OverlayProcessConfig(model=segmenting_model(), shows=shows)
    rgba = decode_rgba(to_png(*load_painter(config)(frame)))
    opacity = rgba[..., 3:] / 255
    over = frame * (1 - opacity) + rgba[..., :3] * opacity
    if shows == "segmentation":
        film = segmentation.overlay(frame, segmentation.load_segmenter(config.model)(frame))
    else:
        film = occlusion_saliency.overlay(frame, occlusion_saliency.load_saliency(config.model)(frame))
    np.testing.assert_allclose(over, film, atol=1.5)


def test_pages_get_the_overlay_that_each_wants_and_one_at_a_time() -> None:
    frame = decode_frame(JPEG)
    with (
        running_cockpit(model=segmenting_model()) as cockpit,
        DrivingCar(cockpit.server),
        cockpit.page() as page,
        cockpit.page() as other,
    ):
        page.send(do="overlay", shows="segmentation")
        other.send(do="overlay", shows="saliency")
        seen, others = overlay_of(page), overlay_of(other)
        page.send(do="overlay", shows="saliency")
        page.see_until(lambda seen: seen.state["overlay"]["shows"] == "saliency")
        switched = overlay_of(page)
        page.send(do="overlay", shows=None)
        without_overlay(page)
        assert not any(maps.failure for maps in cockpit.cockpit.overlays.values())
    classes = segmentation.load_segmenter(segmenting_model())(frame)
    assert seen.shape == (*FRAME_SHAPE[:2], 4)
    is_seen = classes != segmentation.NOT_SEEN
    assert (seen[is_seen][:, :3] == np.array(segmentation.COLOURS_RGB)[classes[is_seen]]).all()
    assert (seen[~is_seen][:, 3] == 0).all()
    np.testing.assert_array_equal(switched, others)
    assert (switched[..., 3] != seen[..., 3]).any()


def test_a_person_switches_between_what_it_looks_at_and_what_it_sees(browser: Chrome, tmp_path: Path) -> None:
    with running_cockpit(model=segmenting_model()) as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.shows("who", "The model drives")
        assert not page.element("legend").is_displayed()
        page.click("segmentation")
        wait_until(browser, lambda: page.is_on("segmentation"), "it is on")
        wait_until(browser, page.element("legend").is_displayed, "the colours are explained")
        assert page.text("legend").split() == list(CLASSES)
        wait_until(browser, lambda: page.colourfulness() > 10, "colours over the grey frame", 60)
        screenshot(browser, tmp_path / "segmentation.png")
        page.press("l")
        wait_until(browser, lambda: page.is_on("saliency") and not page.is_on("segmentation"), "one at a time")
        assert not page.element("legend").is_displayed()
        page.press("v")
        wait_until(browser, lambda: page.is_on("segmentation") and not page.is_on("saliency"), "one at a time")
        page.press("v")
        wait_until(browser, lambda: not page.is_on("segmentation") and page.colourfulness() < 3, "it is off")
        assert "what it sees" not in page.text("now")  # nothing failed


def test_a_phone_shows_the_colours_in_place_of_the_wheels(browser: Chrome) -> None:
    set_phone(browser)
    with running_cockpit(model=segmenting_model()) as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.shows("below", "the wheel")
        page.click("segmentation")
        wait_until(browser, lambda: page.text("below").split() == list(CLASSES), "the colours, and nothing else")


def test_a_model_without_segmentation_says_how_to_get_it(browser: Chrome) -> None:
    with running_cockpit(unavailable={"segmentation": REASON}) as cockpit, DrivingCar(cockpit.server):
        page = CockpitPage(browser, cockpit.url)
        page.shows("segmentation", "not in this model")
        assert not page.element("segmentation").is_enabled()
        assert page.element("segmentation").get_attribute("title") == REASON
        assert page.element("saliency").is_enabled()
        page.press("v")  # does nothing
        page.press("m")
        wait_until(browser, lambda: browser.find_elements("css selector", "#marks li"), "a later command was done")
        assert not page.is_on("segmentation")
        assert not page.element("notice").is_displayed()


def test_an_overlay_that_the_model_lacks_is_refused_and_another_stays() -> None:
    unavailable: dict[Overlay, str] = {"segmentation": REASON}
    with running_cockpit(unavailable=unavailable) as cockpit, connect(cockpit.server), cockpit.page() as page:
        page.send(do="overlay", shows="saliency")
        page.send(do="overlay", shows="segmentation")
        seen = page.see_until(lambda seen: bool(seen.notices))
    assert seen.notices == [{"text": REASON, "kind": "error"}]
    assert seen.state["overlay"]["shows"] == "saliency"


def test_the_server_finds_out_what_a_model_lacks() -> None:
    assert find_unavailable(segmenting_model()) == {}
    unavailable = find_unavailable(drivable_model())
    assert list(unavailable) == ["segmentation"]
    assert unavailable["segmentation"].startswith("model.h5 has no segmentation; train it with --predict")
