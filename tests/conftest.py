"""Fixtures shared by all tests."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from simulator_bridge.cli.command import PACKAGES
from tests.support.browser import browser as browser  # a fixture for every test
from tests.support.browser import chromium as chromium

settings.register_profile("any machine", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("any machine")


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs under test also where the tests run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_loudness() -> Iterator[None]:
    """What a command run in a test sets with `-q` or `-v` ends with the test."""
    loggers = [logging.getLogger(package) for package in PACKAGES]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="session")
def driving_data() -> Path:
    """The folder of real recordings, weights and models: `$DRIVING_DATA`, or `shared` beside the checkout."""
    folder = Path(os.environ.get("DRIVING_DATA", Path(__file__).resolve().parents[2] / "shared"))
    if not (folder / "recordings").is_dir():
        pytest.skip(f"no real driving data in {folder}: set DRIVING_DATA to run this test")
    return folder
