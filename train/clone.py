"""Train a driver from recordings: `python train/clone.py RECORDING... --output model.h5`.

Parsing and wiring only. Everything cheap is checked before TensorFlow is imported.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import dataclasses
import importlib.util
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from simulator_bridge.cli.output_file import check_output
from simulator_bridge.cli.parent_watch import end_with_parent
from simulator_bridge.errors import UserError, exit_code
from simulator_bridge.recording import Recording, load_recordings
from train.cluster import workers_of_tf_config
from train.data.rows import Rows, gather_rows, without_copies
from train.data.splits import Split, split_blocks, split_episodes, split_recordings
from train.distributed.worker_group import WorkerGroup
from train.terminal import quiet, say
from train.train_config import KEYS_SMOOTH_S, LOSSES, OUTPUTS, REGIMES, SPLITS, TrainConfig

if TYPE_CHECKING:
    from models.architectures.registry import ModelConfig
    from train.training_result import TrainingResult

CTRL_C = 130  # what shells report for a program that Ctrl-C ended


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0 done, 1 foreseen failure, 2 usage, 130 Ctrl-C."""
    arguments = vars(build_parser().parse_args(argv))
    if arguments.pop("end_with_parent"):
        end_with_parent()
    arguments |= {name: tuple(arguments[name]) for name in ("recordings", "validate_on")}
    with quiet(arguments.pop("quiet")):
        return exit_code(lambda: run(_config_of(arguments)))


def _config_of(arguments: dict[str, Any]) -> TrainConfig:
    """The settings; without `--workers`, those that the environment variable `TF_CONFIG` names, if it is set."""
    if not arguments["workers"] and os.environ.get("TF_CONFIG"):
        arguments["workers"], arguments["worker"] = workers_of_tf_config(os.environ["TF_CONFIG"])
    return TrainConfig(**arguments)


def run(config: TrainConfig) -> int:
    """Check, train, report. After Ctrl-C the best model so far is written, and the code is 130."""
    check_paths(config)
    model_config = model_config_of(config)
    recordings, n_own = load(config)
    for recording in recordings:
        for note in recording.notes:
            say(f"{recording.log}: {note}")
    rows = gather_rows(recordings, config.outputs)
    split, dropped = split_rows(config, rows, n_own)

    with WorkerGroup.join(config.cluster) as group:
        return _train(config, model_config, rows, split, dropped, group)


def _train(
    config: TrainConfig,
    model_config: ModelConfig,
    rows: Rows,
    split: Split,
    dropped: dict[str, int],
    group: WorkerGroup,
) -> int:
    from models.quiet_import import import_tensorflow

    import_tensorflow()
    from train.training import train
    from train.training_progress import say_status
    from train.training_result import print_result, write_summary

    result = train(config, model_config, rows, split, dropped, group)
    if result is None:
        return CTRL_C if group.interrupted else 0
    if config.status:
        say_status("done", **result.to_json())
    else:
        print_result(result)
    if config.json:
        write_summary(config.json, result)
    if config.report:
        write_report(config.report, config, rows, split, result)
    return CTRL_C if result.interrupted else 0


def write_report(path: Path, config: TrainConfig, rows: Rows, split: Split, result: TrainingResult) -> None:
    """Write the page about a finished training."""
    from simulator_bridge.pages.document import write_document
    from train.reports.training_report import training_report

    say("making the report")
    write_document(path, training_report(config, rows, split, result))
    say(f"report: {path}")


def check_paths(config: TrainConfig) -> None:
    """Refuse what would fail only later: places that cannot be written, nothing to resume, a package not there."""
    if config.cluster and config.cluster.index:
        return  # only worker 0 writes and reads these
    for flag, path in (("--output", config.output), ("--json", config.json), ("--report", config.report)):
        if path is not None:
            check_output(flag, path)
    if config.resume and not config.checkpoint.is_file():
        raise UserError(f"{config.checkpoint}: no unfinished training to resume; start it without --resume")
    if config.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise UserError("--tensorboard needs the package tensorboard: pip install tensorboard")
    if config.output.suffix != ".h5":
        raise UserError(f"--output must end in .h5, got {config.output}")


def model_config_of(config: TrainConfig) -> ModelConfig:
    """The model to build; checks the architecture, that a weights file is there, and that the regime fits them."""
    from models.architectures.registry import ARCHITECTURES, ModelConfig
    from train.transfer.regimes import check_regime

    entry = ARCHITECTURES.get(config.arch)
    weights = config.weights or (entry.default_weights if entry else None)
    if weights not in (None, "none", "imagenet") and not Path(str(weights)).is_file():
        raise UserError(f"--weights {weights}: no such file; pass a file, imagenet or none")
    model_config = ModelConfig(
        arch=config.arch,
        outputs=config.outputs,
        weights=None if weights == "none" or config.regime == "scratch" else weights,
        alpha=config.alpha,
        cut=config.cut,
        image_size=config.image_size,
    )
    check_regime(config, model_config)
    return model_config


def load(config: TrainConfig) -> tuple[list[Recording], int]:
    """Read the recordings to train on and, after them, those named to validate on; and how many are the first."""
    own = load_recordings(config.recordings)
    return own + (load_recordings(config.validate_on) if config.validate_on else []), len(own)


def split_rows(config: TrainConfig, rows: Rows, n_own: int) -> tuple[Split, dict[str, int]]:
    """Hold back rows as asked; count what was dropped so far, by reason."""
    if config.validate_on:
        split = split_recordings(rows.recording, n_own)
    elif config.split == "episodes":
        split = split_episodes(rows.episode, config.validation_fraction)
    else:
        split = split_blocks(
            rows.recording, rows.time_s, config.validation_fraction, config.validation_blocks, config.guard_s
        )
    split, n_copies = without_copies(rows, split)
    dropped: Counter[str] = Counter()
    for recording in rows.recordings:
        dropped.update({reason: drop.count for reason, drop in recording.dropped.items()})
    if n_copies:
        dropped["also held back (a copy)"] = n_copies
    return split, dict(dropped)


def build_parser() -> argparse.ArgumentParser:
    """The command line; every default is that of `TrainConfig`."""
    parser = argparse.ArgumentParser(
        prog="clone.py",
        description="Learn to steer from recordings of Udacity's simulator; writes one file, model.h5.",
        epilog="Ctrl-C keeps the best model so far; --resume goes on with a run that was ended by anything.",
        formatter_class=_HelpFormatter,
    )
    parser.add_argument(
        "recordings", nargs="+", type=Path, metavar="RECORDING", help="folder with a driving_log.csv, or of such"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="the model; replaced only by a complete one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result as JSON")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="also write a page with charts and pictures, in one HTML file"
    )
    parser.add_argument(
        "--status", action="store_true", help="say how it goes as lines of JSON, in place of the table at the end"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and the result")
    parser.add_argument("--end-with-parent", action="store_true", help="end when standard input closes")
    parser.add_argument("--resume", action="store_true", help="go on from OUTPUT.checkpoint")
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="write TensorBoard logs")
    _add_model_options(parser.add_argument_group("model"))
    _add_validation_options(parser.add_argument_group("validation"))
    _add_sample_options(parser.add_argument_group("samples"))
    _add_worker_options(parser.add_argument_group("several machines (or TF_CONFIG)"))
    _add_feature_options(parser.add_argument_group("features of a frozen backbone"))
    parser.set_defaults(**_defaults())
    return parser


def _add_model_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--arch", help="architecture; python models/table.py lists them")
    group.add_argument("--weights", help="pretrained weights of a backbone: FILE, imagenet or none")
    group.add_argument(
        "--regime",
        choices=REGIMES,
        help="head: train a new head on the frozen backbone; early-layers: on its early blocks; fine-tune: the head, "
        "then the backbone from the top; scratch: everything from random weights; auto: by the number of rows and how "
        "like ImageNet's the images are",
    )
    group.add_argument("--cut", metavar="BLOCK", help="last block of the backbone that is used, or all")
    group.add_argument("--alpha", type=float, metavar="A", help="width multiplier of a MobileNet")
    group.add_argument("--image-size", type=_size, metavar="HxW", help="of the network's image, pixels")
    group.add_argument(
        "--predict", type=_names, metavar="NAMES", help=f"outputs, comma-separated: {', '.join(OUTPUTS)}"
    )
    group.add_argument("--epochs", type=int, help="at most this many")
    group.add_argument(
        "--max-seconds", type=float, metavar="S", help="at most so long; reading images is not counted, features are"
    )
    group.add_argument(
        "--epoch-samples", type=int, metavar="N", help="go through fewer samples again until an epoch has this many"
    )
    group.add_argument("--patience", type=int, help="stop after this many epochs without a better validation loss")
    group.add_argument("--batch-size", type=int, help="images a step, over all devices")
    group.add_argument(
        "--learning-rate",
        type=float,
        help="peak rate of Adam; not given: 3e-4 for a head and from scratch, 1e-4 to fine-tune",
    )
    group.add_argument("--loss", choices=LOSSES, help="huber: no single label pulls hard")
    group.add_argument(
        "--ema",
        type=float,
        metavar="DECAY",
        help="each step keeps this share of the averaged weights, which are saved; 0: off",
    )
    group.add_argument("--seed", type=int, help="the same seed gives the same model on one machine")
    group.add_argument("--cache-memory", type=int, metavar="MB", help="memory for images; the rest streams from disk")


def _add_validation_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--split", choices=SPLITS, help="hold back contiguous blocks or whole episodes")
    group.add_argument("--validation-fraction", type=float, help="share of the rows held back")
    group.add_argument("--validation-blocks", type=int, metavar="N", help="at most this many blocks per recording")
    group.add_argument("--guard-s", type=float, metavar="S", help="unused gap around a held-back block, seconds")
    group.add_argument("--validate-on", nargs="+", type=Path, metavar="RECORDING", help="hold back these instead")


def _add_sample_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--cameras", choices=("all", "center"), help="which cameras' images to train on")
    group.add_argument(
        "--side-correction",
        type=float,
        metavar="STEERING",
        help="steering added for the left camera, taken for the right; normalised; not given: as hard as the driver "
        "of the recordings corrects",
    )
    group.add_argument("--flip", action=argparse.BooleanOptionalAction, help="mirror half of the samples")
    group.add_argument("--shift-m", type=float, metavar="M", help="largest simulated sideways displacement, metres")
    group.add_argument("--brightness", type=float, metavar="SHARE", help="largest relative change of brightness")
    group.add_argument("--shadow", type=float, metavar="SHARE", help="share of samples that get a shadow")
    group.add_argument(
        "--smooth-s",
        type=float,
        metavar="S",
        help="average recorded steering over about this many seconds before it is learned; not given: "
        f"{KEYS_SMOOTH_S} where it was steered by keys, 0 elsewhere",
    )
    group.add_argument("--lag-s", type=float, metavar="S", help="learn the steering recorded this much later, seconds")
    group.add_argument("--near-zero", type=float, metavar="STEERING", help="rows steering less count as straight")
    group.add_argument(
        "--near-zero-share",
        type=float,
        metavar="SHARE",
        help="straight rows are at most this share of an epoch; 1: as recorded",
    )


def _add_feature_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--views", type=int, metavar="N", help="of each image: itself and N - 1 changed ones")
    group.add_argument(
        "--feature-cache", type=Path, metavar="DIR", help="where they are kept; not given: in the user's cache folder"
    )
    group.add_argument(
        "--feature-cache-size", type=float, metavar="GB", help="at most so much; the longest unused are deleted"
    )


def _add_worker_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--workers",
        type=_names,
        metavar="HOST:PORT,...",
        help="train on these together, in a network that you trust: the same command on each, with its --worker; the "
        "first one writes the files",
    )
    group.add_argument("--worker", type=int, metavar="INDEX", help="which of them this is, from 0")


def _defaults() -> dict[str, object]:
    fields = dataclasses.fields(TrainConfig)
    defaults = {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}
    return {**defaults, "predict": ",".join(TrainConfig.predict)}  # as a person would type it


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, except where there is none to speak of."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        has_none = action.default is None or action.default is False or action.default == ()
        return action.help if has_none else super()._get_help_string(action)


def _size(text: str) -> tuple[int, int]:
    """Height and width, pixels, written 64x160."""
    height, width = text.lower().split("x")
    return int(height), int(width)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
