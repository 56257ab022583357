"""Pretrain RoadNet on rendered roads: `python train/pretrain.py --output models/architectures/roadnet.weights.h5`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass

from models.quiet_import import import_tensorflow
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option
from simulator_bridge.cli.interrupts import take_sigterm_as_ctrl_c
from simulator_bridge.cli.options import check_options, option
from simulator_bridge.cli.output_file import check_output, replacing, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.terminal import say
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.errors import UsageError, UserError

UNSEEN_SHARE = 0.05  # of the worlds, the last ones: only for the scores


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Settings; the help of each field is that of its flag."""

    output: Path = option(
        Path("roadnet.weights.h5"),
        "the weights, and beside them those of the heads for the road's geometry and for segmentation; files that are "
        "there are replaced",
        metavar="FILE",
    )
    reader: Path | None = option(
        None, "also the whole network, with its heads for the road's geometry and for classes", metavar="FILE.keras"
    )
    start: Path | None = option(
        None, "go on from an earlier --output, with the heads beside it", flag="--from", metavar="FILE.weights.h5"
    )
    segmentation_only: bool = option(
        False,
        "teach the head for segmentation alone, on the weights that come with the project; only its file is written",
    )
    folder: Path = option(
        Path("runs/pretraining"), "for what was rendered, and for a training that was stopped", metavar="DIR"
    )
    worlds: int = option(500, "roads to render", at_least=2)
    mountain_share: float = option(
        0.0, "share that winds and climbs, mountain:SEED", flag="--mountain", metavar="SHARE", at_least=0, at_most=1
    )
    frames: int = option(120, "of each road", at_least=1)
    epochs: int = option(8, "times that all frames are seen", at_least=1)
    seed: int = option(0, "of the training; the worlds are always the same")
    jobs: int = option(2, "processes that render at a time", at_least=1)
    json: Path | None = json_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)
        if not self.output.name.endswith(".weights.h5"):
            raise UsageError(f"expected an --output that ends in .weights.h5, got {self.output}")
        if self.reader is not None and self.reader.suffix != ".keras":
            raise UsageError(f"expected a --reader that ends in .keras, got {self.reader}")
        if self.start and self.segmentation_only:
            raise UsageError("expected --from or --segmentation-only, got both")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        PretrainConfig,
        run,
        argv,
        description="Pretrain RoadNet: render random roads and learn to see where the road is, how it bends and what "
        "each pixel shows. No recording enters.",
        epilog="What is rendered is kept in --folder: the same command goes on after anything that stopped it.",
    )


def run(config: PretrainConfig) -> int:
    """Render, train, score, save."""
    for flag, path in (("--output", config.output), ("--reader", config.reader), ("--json", config.json)):
        check_output(flag, path, is_model=flag != "--json")
    take_sigterm_as_ctrl_c()
    try:
        config.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--folder {config.folder}: cannot be made: {error.strerror}") from error

    from models.architectures.registry import ModelConfig
    from models.architectures.roadnet import SEGMENTATION, head_file, weights_files
    from simulator_bridge.simulator.truth.rendered_truth import Picture
    from train.pretraining.worlds import list_worlds, load_worlds, render_worlds

    for path in weights_files(config.start) if config.start else ():
        if not path.is_file():  # said before an hour of rendering
            raise UserError(f"{path}: no such file; a pretraining writes the network and its two heads together")
    model_config = ModelConfig("roadnet", weights="own" if config.segmentation_only else None)
    picture = Picture(model_config.crop_px, *model_config.size)
    worlds = list_worlds(config.folder, config.worlds, config.mountain_share)
    files = render_worlds(worlds, config.frames, picture, config.jobs)
    n_unseen = max(1, round(UNSEEN_SHARE * len(files)))
    seen, unseen = load_worlds(files[:-n_unseen]), load_worlds(files[-n_unseen:])
    say(f"{len(seen)} frames of {len(files) - n_unseen} roads; scored on {len(unseen)} of {n_unseen} others")

    import_tensorflow()
    import keras

    from train.learning.devices import make_deterministic
    from train.pretraining.reading_roads import score_reading, teach
    from train.pretraining.road_reader import build_road_reader, load_reader, parts_of

    make_deterministic(config.seed)
    reader = build_road_reader(model_config)
    if config.start:
        load_reader(reader, config.start)
    teach(reader, seen, unseen, config.epochs, config.folder / "training", config.seed)
    score = score_reading(reader, unseen)
    parts = parts_of(reader, config.output)
    for path in (head_file(config.output, SEGMENTATION),) if config.segmentation_only else parts:
        _write(path, parts[path].save_weights, config.folder / "finished.weights.h5")
    if config.reader is not None:
        whole = keras.Model(reader.input, reader.output, name=reader.name)  # without the losses it was taught with
        _write(config.reader, whole.save, config.folder / "finished.keras")
    rows = [[name, score.r[name], score.mae[name]] for name in score.r]
    table = text_table((TextColumn("seen", numeric=False), TextColumn("r", 3), TextColumn("mean error", 2)), rows)
    print_result(f"{table}\nmean IoU {score.mean_iou:.3f}; {config.output}")
    if config.json:
        write_json(config.json, asdict(score) | {"mean_iou": score.mean_iou})
    return 0


def _write(path: Path, save: Callable[[Path], None], finished: Path) -> None:
    """Write a file whole or not at all; Keras asks for an ending that an unfinished file has not: `finished` has it."""
    save(finished)
    with replacing(path) as partial:
        shutil.copyfile(finished, partial)


if __name__ == "__main__":
    sys.exit(main())
