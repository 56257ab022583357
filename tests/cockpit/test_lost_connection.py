"""What the page shows when its connection goes while a picture is being drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.browser import browser, chromium, console_errors
from tests.support.made_cockpit import CockpitPage, DrivingCar, running_cockpit, wait_until

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

__all__ = ["browser", "chromium"]  # fixtures

# Pictures are decoded only when the test lets them
HOLD = """
    const decode = window.createImageBitmap;
    window.held = [];
    window.createImageBitmap = async (blob) => {
        await new Promise((resolve) => held.push(resolve));
        return decode(blob);
    };
"""


def test_a_picture_that_comes_out_after_the_connection_has_gone_is_dropped(browser: Chrome) -> None:
    with running_cockpit() as cockpit, DrivingCar(cockpit.server) as car:
        page = CockpitPage(browser, cockpit.url)
        page.shows("who", "The model drives")
        browser.execute_script(HOLD)
        n_sent = car.n_sent
        wait_until(browser, lambda: browser.execute_script("return held.length"), "one is being decoded")
        wait_until(browser, lambda: car.n_sent > n_sent + 5, "others wait behind it")
    page.shows("connection", "No connection to the drive server")
    browser.execute_script("held.forEach((go) => go())")
    browser.execute_async_script("setTimeout(arguments[0])")  # whatever was to be drawn is
    assert not console_errors(browser)
    page.shows("connection", "No connection to the drive server")
    assert not page.element("stop").is_enabled()
