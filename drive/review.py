"""Judge recorded drives: `python drive/review.py RECORDING...`.

What `drive/server.py --record` recorded of a model in Udacity's own simulator or ours, or a simulator of a person, is
found on its track; how well it was driven is told, and what is wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not drive/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option, recordings_argument, search_tracks_option
from simulator_bridge.cli.options import check_options
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result

EPILOG = """\
Each recording is placed as simulator_bridge/place.py does it, 0.03 s a row, and that is saved beside its log. Where a
car that was at the road's edge is lost to sight and goes on, it counts as off the road. Takeovers in the cockpit are
found in the folder DIR-corrections beside the recording DIR.

Exit code: 0 if every recording was found on a track and driven without leaving the road and without a takeover, 1 if
not, 2 for a wrong command line.
"""


@dataclass(frozen=True, kw_only=True)
class ReviewConfig:
    """What to judge; the help of each field is that of its flag.

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
        ReviewConfig,
        run,
        argv,
        description="Judge how well recorded drives were driven, and say what is wrong with them.",
        epilog=EPILOG,
    )


def run(config: ReviewConfig) -> int:
    """Judge every recording, print the table; 1 if not all meet the rubric."""
    check_output("--json", config.json)
    from drive.judgement.judgement import judge_recording
    from drive.judgement.judgement_table import judgement_text, judgement_to_json
    from simulator_bridge.cli.terminal import say
    from simulator_bridge.placement.placing import build_tracks
    from simulator_bridge.recording import find_recordings

    tracks = build_tracks(config.track)
    judged = []
    for path in find_recordings(config.recordings):
        say(f"judging {path}")
        judged.append(judge_recording(path, tracks))
    print_result(judgement_text(judged))
    if config.json is not None:
        write_json(config.json, [judgement_to_json(each) for each in judged])
    return 0 if all(each.meets_rubric for each in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
