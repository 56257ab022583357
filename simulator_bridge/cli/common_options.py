"""Options that several commands have: the same flag means the same in each.

Every function takes further facts of `OptionFacts`, such as the `group` that the command shows it in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from simulator_bridge.cli.options import argument, option
from simulator_bridge.errors import UsageError


def recordings_argument() -> Any:
    """`RECORDING...`: recordings wherever they stand; see `find_recordings`."""
    return argument("folders with recordings, folders of such folders, or logs", metavar="RECORDING")


def json_option(**facts: Any) -> Any:
    """`--json FILE`: the result for programs; with `-` standard output holds nothing else."""
    return option(None, "also write the result as JSON; - is standard output", metavar="FILE", **facts)


def report_option(what: str, **facts: Any) -> Any:
    """`--report FILE.html`: the result as a page."""
    return option(None, f"also write {what}, in one HTML file", metavar="FILE.html", **facts)


def video_option(what: str, **facts: Any) -> Any:
    """`--video FILE.mp4`: a film."""
    return option(None, what, metavar="FILE.mp4", suffixes=(".mp4",), **facts)


def verbose_option(**facts: Any) -> Any:
    """`-v`: more on standard error."""
    return option(False, "say more on standard error", short="-v", **facts)


def quiet_option(**facts: Any) -> Any:
    """`-q`: less on standard error."""
    return option(False, "say nothing but errors and the result", short="-q", **facts)


def end_with_parent_option() -> Any:
    """`--end-with-parent`: for programs that another one of ours starts."""
    return option(False, "end when standard input closes", is_hidden=True)


PHONE = (
    "To watch and drive from a phone in the same network: --host 0.0.0.0. The server asks for a token then; it prints "
    "the address with it, and a QR code. Who has it can drive; whoever listens in that network can see it."
)


def host_option(default: str = "127.0.0.1", **facts: Any) -> Any:
    """`--host`: where a server listens."""
    return option(default, "address to listen on", **facts)


def port_option(default: int, **facts: Any) -> Any:
    """`--port`: where a server listens."""
    return option(default, "port to listen on; 0: any free one", at_least=0, at_most=65535, **facts)


def transport_option(default: str = "threading", **facts: Any) -> Any:
    """`--transport`: of a server; the type of its field lists them."""
    return option(default, "how connections are served; eventlet is in maintenance, and slower", **facts)


def speed_option(default_mph: float, **facts: Any) -> Any:
    """`--speed`: the set speed of a car, mph."""
    return option(
        default_mph, "set speed in mph, up to 30; less in bends", flag="--speed", metavar="MPH", above=0, at_most=30,
        unit="mph", **facts,
    )  # fmt: skip


def silence_option(**facts: Any) -> Any:
    """`--silence`: after how many seconds without progress a drive has failed."""
    return option(
        60.0, "a drive without progress for so many seconds has failed", flag="--silence", metavar="S", above=0,
        unit="s", **facts,
    )  # fmt: skip


MAX_RANGE = 1000  # of random tracks
TRACKS = "lake, jungle, random:SEED, mountain:SEED, or a CSV file with x_m,y_m,w_tr_right_m,w_tr_left_m"


def track_option(**facts: Any) -> Any:
    """`--track`: one track."""
    return option("lake", TRACKS, **facts)


def tracks_option(**facts: Any) -> Any:
    """`--track`: one track or several."""
    return option(
        ("lake",), f"{TRACKS}; several with commas or by saying it again, random:1-5 is five", flag="--track",
        metavar="TRACK[,TRACK...]", is_list=True, repeats=True, **facts,
    )  # fmt: skip


def expand_tracks(tracks: Sequence[str]) -> tuple[str, ...]:
    """Tracks with each range of random or mountain ones written out.

    >>> expand_tracks(("lake", "random:1-3", "mountain:7-8"))
    ('lake', 'random:1', 'random:2', 'random:3', 'mountain:7', 'mountain:8')

    Raises:
        UsageError: If a range is empty, or has more than `MAX_RANGE` tracks.
    """
    expanded: list[str] = []
    for track in tracks:
        match = re.fullmatch(r"(random|mountain):(\d+)-(\d+)", track)
        if match is None:
            expanded.append(track)
            continue
        kind, first, last = match[1], int(match[2]), int(match[3])
        if not 0 <= last - first < MAX_RANGE:
            raise UsageError(f"{track}: expected {kind}:FIRST-LAST of 1 to {MAX_RANGE} tracks, the smaller one first")
        expanded += [f"{kind}:{seed}" for seed in range(first, last + 1)]
    return tuple(expanded)


def search_tracks_option(**facts: Any) -> Any:
    """`--track`: tracks to look for a recording on."""
    return option(
        ("lake", "jungle"), f"where to look: {TRACKS}; several with commas or by saying it again",
        metavar="TRACK[,TRACK...]", is_list=True, repeats=True, **facts,
    )  # fmt: skip


def scale_option(**facts: Any) -> Any:
    """`--scale`: of a track."""
    return option(1.0, "stretch the track", above=0, **facts)


def reverse_option(**facts: Any) -> Any:
    """`--reverse`: on a track."""
    return option(False, "drive the track the other way", **facts)


def weather_option(default: str = "clear", **facts: Any) -> Any:
    """`--weather`: of the built-in simulator; the type of its field lists them."""
    return option(default, "light and colours: those of the track, or the seed's own", **facts)


def backend_option(**facts: Any) -> Any:
    """`--backend`: of the built-in simulator; the type of its field lists them."""
    return option("auto", "renderer", **facts)


def seed_option(default: int | None, what: str, **facts: Any) -> Any:
    """`--seed`: of whatever has chance in it."""
    return option(default, what, at_least=0, **facts)


def max_interventions_option(**facts: Any) -> Any:
    """`--max-interventions`: of a drive in the built-in simulator."""
    return option(None, "give a drive up after so many; not given: 10 a lap", at_least=1, **facts)


def pair(text: str) -> tuple[str, str]:
    """A name and its value, written NAME=VALUE.

    Raises:
        ValueError: If one of them is missing.
    """
    name, _, value = (part.strip() for part in text.partition("="))
    if not (name and value):
        raise ValueError(f"expected NAME=VALUE, got {text!r}")
    return name, value
