"""What each reader and writer does with files that are none, and with endless lines and names."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import struct
import sys
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from simulator_bridge.errors import RecordingError
from simulator_bridge.recording import Recording, find_recordings, image_name, load_recording, read_frame
from simulator_bridge.recording.appender import LOCK_NAME, RecordingAppender
from simulator_bridge.recording.folder_scan import SKIPPED, scan_folders
from simulator_bridge.recording.images.image_lookup import Check
from simulator_bridge.recording.log.csv_cells import is_number, refit, split_cells, split_lines, to_number
from simulator_bridge.recording.log.log_rows import OTHER_REASONS
from simulator_bridge.recording.log.sidecar_rows import read_sidecar
from simulator_bridge.recording.recording_file import MAX_LOG_BYTES
from tests.support.made_recording import START, make_recording
from train.data.image_store import FrameReader
from train.reports.frame_pictures import frame_and_damage

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes, sockets and links")
HUGE = 8 << 30  # sparse: it takes no room on the disk
CELL = 2_000_000  # characters
ACCENTS = "\u0327\u0301" * 8_000


def drops(recording: Recording) -> dict[str, tuple[int, int]]:
    return {reason: (drop.count, drop.first_line) for reason, drop in recording.dropped.items()}


def first_image(folder: Path) -> Path:
    return folder / "IMG" / image_name("center", START)


def make_huge(path: Path) -> None:
    with path.open("ab"):
        os.truncate(path, HUGE)


def make_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the address of a socket has 108 bytes
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path.name)
    finally:
        os.chdir(here)


def png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"IEND"


REPLACED: dict[str, tuple[Callable[[Path], object], str]] = {
    "8 GB": (make_huge, "a file of 8,192 MB, expected at most 8 MB"),
    "a pipe": (lambda path: os.mkfifo(path), "a pipe, expected a file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "a device, expected a file"),
    "a link to itself": (lambda path: path.symlink_to(path), "unreadable image (Too many levels of symbolic links)"),
    "a link to nothing": (lambda path: path.symlink_to("nothing"), "missing image"),
    "a folder": (lambda path: path.mkdir(), "missing image"),
    "a PNG bomb": (
        lambda path: path.write_bytes(png(50_000, 50_000)),
        "image of 50000x50000 pixels, expected a camera's, such as 320x160",
    ),
}


@POSIX
@pytest.mark.parametrize("check", ["header", "decode"])
@pytest.mark.parametrize("what", REPLACED)
def test_what_is_no_image_costs_its_row_and_is_not_read(tmp_path: Path, what: str, check: Check) -> None:
    folder = make_recording(tmp_path, n=3)
    first_image(folder).unlink()
    replace, reason = REPLACED[what]
    replace(first_image(folder))
    recording = load_recording(folder, check)
    assert len(recording) == 2
    assert drops(recording) == {f"center: {reason}": (1, 1)}


@POSIX
@pytest.mark.parametrize("what", REPLACED)
def test_nobody_else_reads_it_either(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a.jpg"
    REPLACED[what][0](path)
    with pytest.raises(RecordingError, match=r"a\.jpg: "):
        read_frame(path)
    reader = FrameReader()
    reader([path])
    assert list(reader.bad) == [path]
    assert frame_and_damage(path)[1] is not None


@POSIX
def test_a_socket_is_no_image(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=2)
    first_image(folder).unlink()
    make_socket(first_image(folder))
    (reason,) = load_recording(folder).dropped
    assert reason.startswith("center: unreadable image (")


@POSIX
@pytest.mark.parametrize("make", [os.mkfifo, make_socket], ids=["a pipe", "a socket"])
def test_a_log_that_is_no_file_is_said_and_hides_no_recording(
    tmp_path: Path, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path / "driving_log.csv")
    good = make_recording(tmp_path / "good", n=1)
    with caplog.at_level(logging.WARNING):
        assert find_recordings([tmp_path]) == [good]
    assert [record.getMessage().partition("skipped: ")[2] for record in caplog.records] in (["a pipe"], ["a socket"])
    with pytest.raises(RecordingError):
        load_recording(tmp_path / "driving_log.csv")


@POSIX
def test_links_that_lead_around_and_closed_folders_hide_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    top = tmp_path / "top"
    good = [make_recording(top / name, n=1) for name in ("a", "z")]
    (top / "itself").symlink_to("itself")
    (top / "ping").symlink_to("pong")
    (top / "pong").symlink_to("ping")
    (top / "above").symlink_to("..")
    (top / "here").symlink_to(".")
    (top / "nowhere").symlink_to("nothing")
    (top / "closed").mkdir()
    scandir = os.scandir

    def refuse(path: str | os.PathLike[str]) -> object:
        if os.path.basename(path) == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with caplog.at_level(logging.WARNING):
        assert find_recordings([top]) == good
    skipped = {item.path.name: item.problem for item in scan_folders([top]) if item.kind == SKIPPED}
    assert set(skipped) == {"itself", "ping", "pong", "above", "nowhere", "closed"}
    assert skipped["closed"] == "cannot be looked into: Permission denied"
    assert skipped["above"] == "a link to a folder above the one named"
    assert len(caplog.records) == 6, "five are said one by one, then how many more"


@POSIX
def test_a_looping_link_among_images_hides_no_image(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3)
    for place in (folder, folder / "IMG"):
        (place / "loop").symlink_to("loop")
        (place / "round").symlink_to(".")
    assert len(load_recording(folder)) == 3


CELLS = {
    "steering": "steering" * (CELL // 8),
    "angle": "angle" * (CELL // 5),
    "digits": "1" * CELL,
    "blanks and a letter": " " * CELL + "a",
    "letters": "a" * CELL,
    "commas and a letter": "," * CELL + "a",
    "an open quote": '"' + "x" * CELL,
    "accents": "a" + "\u0327\u0301" * (CELL // 2),
    "folders": "a/" * (CELL // 2),
    "many columns": "center," * 100_000,
}


@pytest.mark.parametrize("place", ["center,steering,{}", "{}", "IMG/{}.jpg,,,0.1,0.2,0,20"])
@pytest.mark.parametrize("cell", CELLS)
def test_an_endless_line_is_refused_before_it_is_taken_apart(tmp_path: Path, cell: str, place: str) -> None:
    """Some of these lines took minutes, with the square of their length."""
    folder = make_recording(tmp_path, n=1)
    with (folder / "driving_log.csv").open("a", encoding="utf-8") as log:
        log.write(place.format(CELLS[cell]) + "\n")
    with pytest.raises(RecordingError, match=r"driving_log\.csv:2: .* characters; at most 16,384 are read") as refused:
        load_recording(folder)
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("ending", ["\0" * CELL, "\r" * CELL, "\r\n" * 1000, ("," * 1000 + "\n") * 100])
def test_nothing_but_padding_costs_no_row(tmp_path: Path, ending: str) -> None:
    folder = make_recording(tmp_path, n=2)
    with (folder / "driving_log.csv").open("a", encoding="utf-8", newline="") as log:
        log.write(ending)
    assert len(load_recording(folder)) == 2


def test_splitting_and_numbers_take_time_in_proportion_to_the_text() -> None:
    assert split_lines("a" + "\r" * CELL + "b") == ["a", *[""] * (CELL - 1), "b"]
    assert to_number("1" * CELL + "x") != to_number("1")
    assert not is_number("1" * CELL + ".e")
    cells, separator = split_cells("a.jpg" + "," * CELL)
    assert refit("", ["a.jpg", *[""] * CELL], ",", 7) == ["a.jpg", *[""] * 6]
    assert (cells[0], separator) == ("a.jpg", ",")


def test_a_quote_that_is_never_closed_swallows_its_own_line_only(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=3)
    lines = (folder / "driving_log.csv").read_text().splitlines()
    lines.insert(1, '"' + lines[0])
    (folder / "driving_log.csv").write_text("\n".join(lines) + "\n")
    assert load_recording(folder).line.tolist()[-2:] == [3, 4]


@pytest.mark.parametrize("name", ["x" * 16_000, ACCENTS], ids=["letters", "accents"])
@pytest.mark.parametrize("check", ["listed", None])
def test_a_name_that_no_file_has_costs_its_row_and_no_memory(tmp_path: Path, name: str, check: Check) -> None:
    """All names take as much memory as the longest: 5 MB of log took 3 GB."""
    folder = make_recording(tmp_path, n=3)
    with (folder / "driving_log.csv").open("a", encoding="utf-8") as log:
        log.write(f"IMG/{name}.jpg,,,0.1,0.2,0,20\n")
    recording = load_recording(folder, check)
    assert drops(recording) == {"a file name of over 255 characters": (1, 4)}
    assert recording.images["center"].nbytes < 1000


def test_no_endless_name_is_normalised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes time with the square of a run of accents: 2 MB of log took 20 minutes."""
    normalised: list[int] = []
    normalize = unicodedata.normalize

    def note(form: Literal["NFC"], name: str) -> str:
        normalised.append(len(name))
        return normalize(form, name)

    monkeypatch.setattr(unicodedata, "normalize", note)
    folder = make_recording(tmp_path, n=1)
    row = (folder / "driving_log.csv").read_text().replace("IMG/", f"IMG/{ACCENTS}/IMG/", 1)
    (folder / "driving_log.csv").write_text(row, encoding="utf-8")
    assert len(load_recording(folder)) == 1
    assert 0 < max(normalised) <= 255


def test_as_many_reasons_as_lines_are_not_all_told(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=1)
    with (folder / "driving_log.csv").open("a") as log:
        for n in range(8, 200):
            log.write(f"{image_name('center', START)}{',1.5x' * n}\n")
    recording = load_recording(folder)
    assert len(recording.dropped) <= 41
    assert sum(drop.count for drop in recording.dropped.values()) == 192
    assert OTHER_REASONS in recording.dropped


def test_more_lines_than_a_person_can_drive_are_refused(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=1)
    (folder / "driving_log.csv").write_bytes(b"x" + b"\n" * 2_500_001)
    with pytest.raises(RecordingError, match="expected at most 2,500,000 lines, got 2,500,001"):
        load_recording(folder)


@POSIX
@pytest.mark.parametrize(
    "make",
    [make_huge, os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.write_bytes(b"a,b\n" * 9)],
    ids=["huge", "pipe", "device", "other columns"],
)
def test_a_sidecar_that_is_none_is_as_if_it_were_not_there(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "driving_log.sidecar.csv")
    rows = read_sidecar(tmp_path)
    assert rows is None or "image" not in rows[0]


@POSIX
@pytest.mark.parametrize("name", ["driving_log.csv", LOCK_NAME, "IMG"])
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_nothing_is_recorded_through_pipes_and_links(tmp_path: Path, name: str, kind: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = make_recording(tmp_path / "r", n=1)
    path = folder / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    os.mkfifo(path) if kind == "pipe" else path.symlink_to(elsewhere / "target")
    with pytest.raises(RecordingError):
        RecordingAppender(folder)
    assert list(elsewhere.iterdir()) == []


def test_a_log_that_has_grown_to_its_limit_is_not_continued(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, n=1)
    os.truncate(folder / "driving_log.csv", MAX_LOG_BYTES + 1)
    with pytest.raises(RecordingError, match="has grown to 128 MB; record into another folder"):
        RecordingAppender(folder)
