"""A picture of what the simulator's camera sees: `python simulator_bridge/look.py --track lake --beside REC out.png`.

Frames of a track, and with --beside those of a recording under them, to compare by eye. Needs no screen.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not simulator_bridge/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
from dataclasses import dataclass

from simulator_bridge.cli.command import exit_code
from simulator_bridge.errors import UserError
from simulator_bridge.simulator.scene.scene_options import BACKENDS, WEATHERS

SUFFIXES = (".png", ".jpg")


@dataclass(frozen=True)
class LookConfig:
    """What to show; `look.py --help` says what the fields mean.

    Raises:
        ValueError: If a value is out of range.
    """

    out: Path
    track: str = "lake"
    beside: Path | None = None
    labels: bool = False
    frames: int = 8
    seed: int = 0
    weather: str = "clear"
    backend: str = "auto"

    def __post_init__(self) -> None:
        if self.out.suffix.lower() not in SUFFIXES:
            raise ValueError(f"expected a picture that ends in {' or '.join(SUFFIXES)}, got {str(self.out)!r}")
        if self.frames < 1:
            raise ValueError(f"expected --frames of at least 1, got {self.frames}")
        if self.seed < 0:
            raise ValueError(f"expected --seed of at least 0, got {self.seed}")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    try:
        config = LookConfig(**vars(parser.parse_args(argv)))
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: run(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    defaults = LookConfig(out=Path("out.png"))
    parser = argparse.ArgumentParser(
        description="Frames of a track in one picture, and those of a recording under them, to compare by eye.",
        epilog="Exit code: 0 when the picture is written, 1 if it could not be made, 2 for a wrong command line.",
    )
    parser.add_argument("out", type=Path, help="the picture to write: .png or .jpg")
    parser.add_argument(
        "--track", default=defaults.track,
        help="lake, jungle, random:SEED, or a CSV file with x_m,y_m,w_tr_right_m,w_tr_left_m (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--beside", type=Path, metavar="RECORDING", help="a recording to show frames of (default: none)"
    )
    parser.add_argument("--labels", action="store_true", help="also show the classes of all pixels, coloured")
    parser.add_argument("--frames", type=int, default=defaults.frames, help="how many of each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="of the scenery (default: %(default)s)")
    parser.add_argument("--weather", choices=WEATHERS, default=defaults.weather, help="(default: %(default)s)")
    parser.add_argument("--backend", choices=BACKENDS, default=defaults.backend, help="renderer (default: %(default)s)")
    return parser


def run(config: LookConfig) -> int:
    """Draw and write the picture."""
    if not config.out.absolute().parent.is_dir():
        raise UserError(f"{config.out}: there is no folder {str(config.out.parent)!r} to write it into")
    from simulator_bridge.simulator.run import contact_sheet
    from simulator_bridge.track import build_track

    track = build_track(config.track)
    strips = [] if config.beside is None else contact_sheet.recorded(config.beside, config.frames)
    seen = contact_sheet.simulated(
        track, config.frames, config.seed, config.weather, config.backend, with_labels=config.labels
    )
    contact_sheet.save(contact_sheet.draw([*seen, *strips]), config.out)
    print(config.out)  # noqa: T201 - the command's result
    return 0


if __name__ == "__main__":
    sys.exit(main())
