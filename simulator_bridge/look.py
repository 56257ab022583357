"""A picture of what the simulator's camera sees: `python simulator_bridge/look.py --track lake --beside REC out.png`.

Frames of a track, and with --beside those of a recording under them, to compare by eye. Needs no screen. With --csv
also, or only, the numbers of its road.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not simulator_bridge/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import backend_option, seed_option, track_option, weather_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.errors import UsageError
from simulator_bridge.simulator.scene.scene_options import Backend, Weather

if TYPE_CHECKING:
    from simulator_bridge.track import Track


@dataclass(frozen=True, kw_only=True)
class LookConfig:
    """What to show; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range.
    """

    out: Path | None = argument(
        "the picture to write: .png or .jpg; needed unless there is --csv", default=None, suffixes=(".png", ".jpg")
    )
    track: str = track_option()
    beside: Path | None = option(None, "a recording to show frames of", metavar="RECORDING")
    place: bool = option(
        False, "with --beside: each recorded frame beside the rendered one of the same pose, and a table of regions"
    )
    labels: bool = option(False, "also show the classes of all pixels, coloured")
    frames: int = option(8, "how many of each", at_least=1)
    csv: Path | None = option(
        None,
        "write the track's centre line, widths and heights, which drives again with --track FILE",
        metavar="FILE",
        suffixes=(".csv",),
    )
    seed: int = seed_option(0, "of the scenery")
    weather: Weather = weather_option()
    backend: Backend = backend_option()

    def __post_init__(self) -> None:
        check_options(self)
        if self.out is None and self.csv is None:
            raise UsageError("expected OUT, the picture to write, or --csv FILE, or both; got neither")
        if self.place and (self.beside is None or self.out is None):
            raise UsageError(
                "--place: expected --beside RECORDING and OUT, the frames to place and the picture to write"
            )


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        LookConfig,
        run,
        argv,
        description="Frames of a track in one picture, and those of a recording under them, to compare by eye.",
        epilog="Exit code: 0 when all is written, 1 if it could not be made, 2 for a wrong command line.",
    )


def run(config: LookConfig) -> int:
    """Write what is asked for."""
    check_output("OUT", config.out)
    check_output("--csv", config.csv)
    from simulator_bridge.track import build_track

    track = build_track(config.track)
    if config.csv is not None:
        track.write_csv(config.csv)
        print_result(config.csv)
    if config.out is not None and config.place:
        print_result(_draw_pairs(config, config.out))
    elif config.out is not None:
        _draw(config, config.out, track)
        print_result(config.out)
    return 0


def _draw_pairs(config: LookConfig, out: Path) -> str:
    """The picture of real frames and rendered ones of the same pose; returns the table of their regions."""
    from simulator_bridge.simulator.run import contact_sheet
    from simulator_bridge.simulator.run.same_pose import region_table, render_pairs

    assert config.beside is not None
    name, pairs = render_pairs(config.beside, config.frames, config.seed, config.backend, (config.track,))
    contact_sheet.save(contact_sheet.draw([contact_sheet.paired(config.beside, name, pairs)]), out)
    return region_table(pairs)


def _draw(config: LookConfig, out: Path, track: Track) -> None:
    """The picture."""
    from simulator_bridge.simulator.run import contact_sheet

    strips = [] if config.beside is None else contact_sheet.recorded(config.beside, config.frames)
    seen = contact_sheet.simulated(
        track, config.frames, config.seed, config.weather, config.backend, with_labels=config.labels
    )
    contact_sheet.save(contact_sheet.draw([*seen, *strips]), out)


if __name__ == "__main__":
    sys.exit(main())
