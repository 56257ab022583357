"""A film of a recorded drive: `python drive/video.py RECORDING out.mp4 --model model.h5 --saliency`.

The camera with steering wheel, speed, map and a scrolling steering trace; with a model what it would have done beside
what was done, and what moves its steering. At recorded speed; H.264 that browsers play.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import math
from dataclasses import dataclass

from simulator_bridge.cli.command import exit_code
from simulator_bridge.errors import UserError

EPILOG = """\
A recording is any folder with driving_log.csv and IMG/: of Udacity's simulator, of the built-in one, or of a drive by
a model (drive/server.py model.h5 --record DIR). Laps driven for a score are filmed by drive/laps.py --video.

The map is where the built-in simulator had the car; of other recordings it is reckoned from speed and steering, drifts,
and says so. Gaps of more than a second are cut out.

Exit code: 0 when the film is written, 1 if it could not be made, 2 for a wrong command line.
"""


@dataclass(frozen=True)
class VideoConfig:
    """What to film; `video.py --help` says what the fields mean.

    Raises:
        ValueError: If a value is out of range, or two do not go together.
    """

    recording: Path
    out: Path
    model: Path | None = None
    saliency: bool = False
    start_s: float = 0.0
    seconds: float = math.inf
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.out.suffix.lower() != ".mp4":
            raise ValueError(f"expected a video file that ends in .mp4, got {str(self.out)!r}")
        if self.saliency and self.model is None:
            raise ValueError("--saliency shows what moves a model's steering: name the model with --model")
        if not 0 <= self.start_s < math.inf or not self.seconds > 0:
            raise ValueError("expected --start of at least 0 and --seconds above 0")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    try:
        config = VideoConfig(**vars(parser.parse_args(argv)))
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: run(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        description="Film a recorded drive.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recording", type=Path, help="folder with driving_log.csv and IMG/")
    parser.add_argument("out", type=Path, help="the film to write: .mp4")
    parser.add_argument("--model", type=Path, metavar="FILE.h5", help="show what this model would have done")
    parser.add_argument("--saliency", action="store_true", help="show what moves its steering, some 0.1 s a picture")
    parser.add_argument(
        "--start", dest="start_s", type=float, default=0.0, metavar="S", help="begin that late (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=math.inf, metavar="S", help="end after so long (default: all)")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on standard error")
    return parser


def run(config: VideoConfig) -> int:
    """Make the film."""
    if not config.out.absolute().parent.is_dir():
        raise UserError(f"{config.out}: there is no folder {str(config.out.parent)!r} to write it into")
    from drive.visualization.recording_film import make_film

    film = make_film(
        config.recording, config.out, config.model,
        with_saliency=config.saliency, start_s=config.start_s, seconds=config.seconds, quiet=config.quiet,
    )  # fmt: skip
    print(film)  # noqa: T201 - the command's result
    return 0


if __name__ == "__main__":
    sys.exit(main())
