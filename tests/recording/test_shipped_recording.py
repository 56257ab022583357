from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from simulator_bridge.recording import CAMERAS, Recording, load_recordings
from tests.support.paths import ROOT

SHIPPED = ROOT / "recordings"
LARGEST_BYTES = 15e6  # every clone of the project carries it, for ever


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return load_recordings([SHIPPED])


def test_every_row_that_the_project_ships_can_be_trained_on(recordings: list[Recording]) -> None:
    assert [recording.folder.name for recording in recordings] == ["forward", "reverse"]
    assert [len(recording) for recording in recordings] == [189, 189]
    assert not any(recording.dropped for recording in recordings)
    for recording in recordings:
        assert set(recording.images) == set(CAMERAS)
        assert len(set(recording.episode)) == 1


def test_it_shows_bends_to_both_sides(recordings: list[Recording]) -> None:
    for recording in recordings:
        assert np.percentile(recording.steering_angle, 10) < -0.1
        assert np.percentile(recording.steering_angle, 90) > 0.1


def test_it_is_small_and_holds_nothing_but_data() -> None:
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]

    assert sum(path.stat().st_size for path in files) <= LARGEST_BYTES
    assert {path.suffix for path in files} == {".jpg", ".csv"}


def texts() -> Iterator[str]:
    for path in SHIPPED.rglob("*.csv"):
        yield path.read_text(encoding="ascii")


def test_its_logs_name_images_relative_to_themselves() -> None:
    for text in texts():
        assert "/" not in text.replace("IMG/", "")
        assert "\\" not in text
