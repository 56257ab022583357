"""A film of a recorded drive: `python drive/video.py RECORDING out.mp4 --model model.h5 --saliency`.

The camera with steering wheel, speed, map and a scrolling steering trace; with a model its predictions beside
what was recorded, and its saliency. At recorded speed; H.264 that browsers play.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass

from drive.model_argument import check_model
from drive.overlay import Overlay
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import quiet_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.errors import UsageError

EPILOG = """\
A recording is any folder with driving_log.csv and IMG/: of Udacity's simulator, of the built-in one, or of a drive by
a model (drive/server.py model.h5 --record DIR). Laps driven for a score are filmed by drive/laps.py --video.

The map is where the built-in simulator had the car, or where simulator_bridge/place.py found it, if that was run. Of
other recordings it is dead reckoning from speed and steering, drifts, and is labelled so. Gaps of more than a second
are cut out.

Exit code: 0 when the film is written, 1 if it could not be made, 2 for a wrong command line.
"""


@dataclass(frozen=True, kw_only=True)
class VideoConfig:
    """What to film; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range, or two do not go together.
    """

    recording: Path = argument("folder with driving_log.csv and IMG/")
    out: Path = argument("the film to write: .mp4", suffixes=(".mp4",))
    model: Path | None = option(None, "show what this model would have done", metavar="FILE.h5")
    saliency: bool = option(False, "show what moves its steering, some 0.1 s a picture")
    segmentation: bool = option(
        False, "show what it sees: road, edge, land, sky; of a model with --predict steering,segmentation"
    )
    start_s: float = option(0.0, "begin that late", flag="--start", metavar="S", at_least=0, unit="s")
    seconds: float | None = option(
        None, "end after so long; not given: at the recording's end", metavar="S", above=0, unit="s"
    )
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)
        if (self.saliency or self.segmentation) and self.model is None:
            raise UsageError("--saliency and --segmentation show what a model sees: name the model with --model")
        if self.saliency and self.segmentation:
            raise UsageError("--saliency and --segmentation do not go together: one of them is laid over the camera")

    @property
    def shows(self) -> Overlay | None:
        """What is laid over the camera."""
        return "saliency" if self.saliency else "segmentation" if self.segmentation else None


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(VideoConfig, run, argv, description="Film a recorded drive.", epilog=EPILOG)


def run(config: VideoConfig) -> int:
    """Make the film."""
    check_output("OUT", config.out)
    check_model(config.model)
    from drive.visualization.recording_film import make_film

    film = make_film(
        config.recording, config.out, config.model,
        shows=config.shows, start_s=config.start_s, seconds=config.seconds,
    )  # fmt: skip
    print_result(film)
    return 0


if __name__ == "__main__":
    sys.exit(main())
