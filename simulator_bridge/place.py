"""Where on a track a recording was driven: `python simulator_bridge/place.py recordings/`.

Finds the track and the direction of each recording, and gives each row its place along the lap, its distance from the
centre line and its heading error, or "unknown". What it finds is saved beside the log, and used by other commands.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not simulator_bridge/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option, recordings_argument, search_tracks_option
from simulator_bridge.cli.options import check_options
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result


@dataclass(frozen=True, kw_only=True)
class PlaceConfig:
    """What to place; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range.
    """

    recordings: tuple[Path, ...] = recordings_argument()
    track: tuple[str, ...] = search_tracks_option()
    json: Path | None = json_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        PlaceConfig,
        run,
        argv,
        description="Find the track that recordings were driven on, and the place of each row on it.",
        epilog="s is along the lap in the direction driven; an offset is positive left of the centre line, a heading "
        "error where the car points left of the road. With --json each row is told. The rows are also saved beside the "
        "log, as driving_log.placement.json. Exit code: 0 if a row was placed, 1 if none was or nothing could be "
        "read, 2 for a wrong command line.",
    )


def run(config: PlaceConfig) -> int:
    """Place every recording and print the table; 0 if a row was placed."""
    check_output("--json", config.json)
    from simulator_bridge.cli.terminal import say
    from simulator_bridge.placement.placement_table import placement_table, placement_to_json
    from simulator_bridge.placement.placing import build_tracks, place_recording
    from simulator_bridge.recording import find_recordings

    tracks = build_tracks(config.track)
    placed = []
    for path in find_recordings(config.recordings):
        say(f"placing {path}")
        placed.append((path, place_recording(path, tracks)))
    print_result(placement_table(placed))
    if config.json:
        write_json(config.json, [placement_to_json(*each) for each in placed])
    return 0 if any(placement.is_placed.any() for _, placement in placed) else 1


if __name__ == "__main__":
    sys.exit(main())
