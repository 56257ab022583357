"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.browser import browser as browser  # a fixture for every test
from tests.support.browser import chromium as chromium

settings.register_profile("any machine", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("any machine")


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs under test also where the tests run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def driving_data() -> Path:
    """The folder of real recordings, weights and models: `$DRIVING_DATA`, or `shared` beside the checkout."""
    folder = Path(os.environ.get("DRIVING_DATA", Path(__file__).resolve().parents[2] / "shared"))
    if not (folder / "recordings").is_dir():
        pytest.skip(f"no real driving data in {folder}: set DRIVING_DATA to run this test")
    return folder
