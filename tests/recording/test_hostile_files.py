"""Recordings of anybody's: huge files, pipes, links in circles, cells made to take time. Nothing waits, all is said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.pages.document import write_document
from simulator_bridge.recording import find_recordings, load_recording
from simulator_bridge.recording.folder_scan import RECORDING, SKIPPED, scan_folders
from simulator_bridge.recording.images.image_files import read_frame_file
from simulator_bridge.recording.recording_file import MAX_IMAGE_BYTES, MAX_LOG_BYTES, read_file
from tests.support.made_recording import make_recording
from train.reports.recording_facts import gather_facts

GIGABYTE = 1 << 30
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="no such files there")


def first_image(folder: Path) -> Path:
    return min((folder / "IMG").glob("center_*"))


def make_huge(path: Path, n_bytes: int) -> None:
    """A file that claims so much, and takes no room on the disk."""
    with path.open("r+b") as file:
        file.truncate(n_bytes)


def refusal(recording: Path) -> str:
    """Why a recording is refused; empty if it is not."""
    try:
        load_recording(recording)
    except RecordingError as error:
        return str(error)
    return ""


def test_an_image_of_gigabytes_is_one_bad_row_and_never_read(tmp_path: Path) -> None:
    recording = make_recording(tmp_path, n=5)
    image = first_image(recording)
    make_huge(image, 8 * GIGABYTE)
    assert len(load_recording(recording)) == 4
    with pytest.raises(RecordingError, match=r"8,192 MB, expected at most 8 MB"):
        read_file(image, MAX_IMAGE_BYTES)


def test_a_log_of_gigabytes_is_refused_and_never_read(tmp_path: Path) -> None:
    recording = make_recording(tmp_path, n=2)
    make_huge(recording / "driving_log.csv", 8 * GIGABYTE)
    with pytest.raises(RecordingError, match="expected at most"):
        load_recording(recording)


@needs_posix
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)], ids=["pipe", "device"])
def test_a_pipe_or_a_device_instead_of_an_image_is_refused_and_not_waited_for(tmp_path: Path, make: object) -> None:
    recording = make_recording(tmp_path, n=3)
    image = first_image(recording)
    image.unlink()
    make(image)  # type: ignore[operator]
    assert len(load_recording(recording)) == 2
    with pytest.raises(RecordingError, match=r"a (pipe|device)"):
        read_frame_file(image)


@needs_posix
def test_a_pipe_instead_of_a_log_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    recording = make_recording(tmp_path, n=3)
    (recording / "driving_log.csv").unlink()
    os.mkfifo(recording / "driving_log.csv")
    with pytest.raises(RecordingError, match="a pipe"):
        load_recording(recording)
    with pytest.raises(RecordingError, match="a pipe"):
        find_recordings([recording])


@needs_posix
def test_links_in_circles_and_to_nowhere_hide_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "z").mkdir()
    good = [make_recording(tmp_path / "a", n=2), make_recording(tmp_path / "z", n=2)]
    os.symlink("loop", tmp_path / "loop")
    os.symlink("nowhere", tmp_path / "dangling")
    os.symlink(tmp_path, tmp_path / "z" / "up")
    os.symlink(tmp_path.parent, tmp_path / "above")
    assert find_recordings([tmp_path]) == good
    skipped = [item.path.name for item in scan_folders([tmp_path]) if item.kind == SKIPPED]
    assert sorted(skipped) == ["above", "dangling", "loop"]
    assert "loop" in caplog.text


@pytest.mark.parametrize("n_chars", [200_000, 2_000_000])
@pytest.mark.parametrize(
    "cell",
    ["center" * 4, "center_", "a b-c.", " ,", '"', "1e", "0" * 8, "-", "\x00", "IMG/", "1,", '""', ";", "\t", "1.2.3"],
    ids=repr,
)
@pytest.mark.timeout(60)
def test_cells_made_to_take_time_take_none(tmp_path: Path, cell: str, n_chars: int) -> None:
    recording = make_recording(tmp_path, n=3)
    log = recording / "driving_log.csv"
    hostile = cell * (n_chars // len(cell))
    row = log.read_text(encoding="utf-8").splitlines()[0]
    for text in (f"{hostile}\n{row}\n", f"{row}\n{hostile}\n{row}\n", f"{row.rpartition(',')[0]},{hostile}\n{row}\n"):
        log.write_text(text, encoding="utf-8")
        assert len(refusal(recording)) < 2000


def test_a_line_without_an_end_is_refused_by_its_length_not_by_its_memory(tmp_path: Path) -> None:
    recording = make_recording(tmp_path, n=2)
    log = recording / "driving_log.csv"
    make_huge(log, MAX_LOG_BYTES // 8)  # zeros to the end: one line
    assert "characters" in refusal(recording) or len(load_recording(recording)) <= 2


@needs_posix
def test_a_sidecar_that_names_a_pipe_as_its_track_is_not_waited_for(tmp_path: Path) -> None:
    recording = load_recording(make_recording(tmp_path, n=3))
    os.mkfifo(tmp_path / "pipe.csv")
    header = "image,track,kind,s_m,x,y,heading\n"
    (tmp_path / "driving_log.sidecar.csv").write_text(f"{header}a.jpg,{tmp_path / 'pipe.csv'},lap,0,0,0,0\n")
    assert gather_facts(recording).laps is None


def test_folders_thousands_deep_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    deep = Path(*["d"] * 1100)  # deeper than Python calls itself
    for depth in range(1, 1101):
        os.mkdir("/".join(["d"] * depth))
    make_recording(tmp_path / "made", n=1).rename(deep / "made")
    found = find_recordings([Path()])
    (tmp_path / deep / "made").rename(tmp_path / "made")  # or what clears up after tests would call itself as often
    for depth in range(1100, 0, -1):
        os.rmdir("/".join(["d"] * depth))
    assert found == [deep / "made"]


@needs_posix
def test_a_link_that_was_skipped_does_not_hide_what_it_leads_to(tmp_path: Path) -> None:
    outer = make_recording(tmp_path, n=1)
    inner = make_recording(tmp_path / "inner", n=1)
    os.symlink(tmp_path, inner / "up")
    assert [item.path for item in scan_folders([inner, outer]) if item.kind == RECORDING] == [inner, outer]


@needs_posix
def test_links_among_images_make_no_more_folders_than_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_recording(tmp_path, n=3)
    for name in ("a", "b"):
        os.symlink(".", folder / name)
    os.symlink("self", folder / "self")
    listed: list[str] = []
    scan = os.scandir

    def note(path: str) -> object:
        listed.append(path)
        return scan(path)

    monkeypatch.setattr("simulator_bridge.recording.images.image_finder.os.scandir", note)
    log = folder / "driving_log.csv"
    lines = log.read_text().splitlines()
    log.write_text("".join(line.replace("IMG/", "a/b/" * i + "IMG/") + "\n" for i, line in enumerate(lines)))
    assert len(load_recording(folder)) == 3
    assert len(listed) == 2


@needs_posix
def test_a_name_that_is_no_text_is_shown_in_a_report(tmp_path: Path) -> None:
    write_document(tmp_path / "page.html", "lap\udcff")
    assert (tmp_path / "page.html").read_text() == "lap\\udcff"
