"""Let a model drive, and learn what the expert would have done: `python train/dagger.py model.h5 --track random:1-5`.

DAgger, of Ross, Gordon and Bagnell 2011. Parsing and wiring only: drives and trainings are processes of their own.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

from drive.model_argument import check_model
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.interrupts import take_sigterm_as_ctrl_c
from simulator_bridge.cli.output_file import check_output, check_output_folder, linked_file, replacing, write_json
from simulator_bridge.cli.standard_output import STANDARD_OUTPUT, print_result
from simulator_bridge.cli.terminal import say
from simulator_bridge.track import build_track
from train.aggregation.dagger_config import DaggerConfig
from train.outputs.output_lock import lock_rounds

if TYPE_CHECKING:
    from train.aggregation.begun_model import BegunModel
    from train.aggregation.rounds import DrivenRound

EPILOG = """\
In a round the model drives every track, pushed about (--noise), and the frames that it comes to see are recorded, with
what the expert would steer there. When it has left the road it is put back, and the expert drives for 3 s. Then the
network is trained on the recordings and on all that was added: RoadNet's head is solved anew, other networks are
trained on from the last model. The last model drives once more in the end.

It stops when a round has no intervention and no wheel off the road. What is done is kept in --folder: the same command
goes on after anything that stopped it, and with more --rounds after its end. Each recording there is one of Udacity's
format, which every command reads.

Tracks of drive/exam.py (lake, jungle, some random ones) are refused, unless --exam-track names them.

Exit code: 0 when it is done, 1 if a drive or a training failed, 2 for a wrong command line, 130 after Ctrl-C.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        DaggerConfig,
        run,
        argv,
        description="Let a model drive in the built-in simulator, and train it on what the expert would have done.",
        epilog=EPILOG,
    )


def run(config: DaggerConfig) -> int:
    """Check everything cheap, then carry out the rounds."""
    from train.aggregation.begun_model import BegunModel
    from train.aggregation.exam_roads import check_tracks
    from train.aggregation.round_drives import check_names

    check_tracks(config.tracks, config.exam_tracks)
    check_names(config)
    check_model(config.model)
    config = dataclasses.replace(config, output=linked_file(config.output))
    check_output("--output", config.output, is_model=True)
    check_output("--json", config.json)
    check_output_folder("--folder", config.folder)
    for track in (*config.tracks, *config.exam_tracks):
        build_track(track)
    begun = BegunModel.load(config.model)
    recordings, note = begun.check_recordings(config.recordings)
    if note:
        say(note)
    take_sigterm_as_ctrl_c()
    with lock_rounds(config.folder):
        try:
            return learn(config, begun, recordings)
        except KeyboardInterrupt:
            say("interrupted; the same command goes on")
            raise


def learn(config: DaggerConfig, begun: BegunModel, recordings: tuple[Path, ...]) -> int:
    """Carry out the rounds, print the table after each, write the best model; returns the exit code."""
    from train.aggregation.round_table import build_table
    from train.aggregation.rounds import best_of, claim_folder, run_rounds

    claim_folder(config, decisive(config, recordings))
    rounds: list[DrivenRound] = []
    try:
        for driven in run_rounds(config, begun, recordings, say):
            rounds.append(driven)
            if config.json not in (None, STANDARD_OUTPUT):
                write_json(config.json, to_json(config, rounds))
    finally:
        if rounds:
            print_result(build_table(rounds))
            if config.json == STANDARD_OUTPUT:
                write_json(config.json, to_json(config, rounds))
    best = best_of(rounds)
    with replacing(config.output, keep_previous=config.output.is_file()) as partial:
        shutil.copyfile(best.model, partial)
    given = ", the one that was given: no round drove better" if best.number == 1 else ""
    print_result(f"\n{config.output}: the model that drove in round {best.number}{given}")
    return 0


def decisive(config: DaggerConfig, recordings: tuple[Path, ...]) -> dict[str, Any]:
    """What all rounds in one folder have in common: model, rows and settings."""
    from models.files.file_kind import digest_of_model
    from train.aggregation.round_training import digest_of_rows

    return {
        "model": digest_of_model(config.model),
        "recordings": digest_of_rows(recordings),
        "corrections": digest_of_rows(config.corrections),
        **config.decisive(),
    }


def to_json(config: DaggerConfig, rounds: list[DrivenRound]) -> dict[str, Any]:
    """The numbers of all rounds so far."""
    from simulator_bridge.software_versions import versions
    from train.aggregation.round_table import rounds_to_json
    from train.aggregation.rounds import best_of

    return {
        "settings": config.decisive(),
        "rounds": rounds_to_json(rounds),
        "best_round": best_of(rounds).number,
        "versions": versions(),
    }


if __name__ == "__main__":
    sys.exit(main())
