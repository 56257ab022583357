"""Time a head's training with and without kept features: `python train/feature_speed.py RECORDING... --arch vgg16`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import exit_code
from simulator_bridge.recording import load_recordings
from train.data.rows import gather_rows
from train.data.splits import split_blocks
from train.train_config import TrainConfig

if TYPE_CHECKING:
    from train.benchmark.head_speed import HeadSpeed


@dataclass(frozen=True)
class FeatureSpeedConfig:
    """Settings of one measurement.

    Attributes:
        recordings: Folders with recordings.
        arch: Architectures, one table row each.
        views: Of each training image; changes the length of an epoch, not the ratio.
        json: Whether to print JSON.
    """

    recordings: tuple[Path, ...]
    arch: tuple[str, ...] = ("mobilenet_v2", "vgg16")
    views: int = 1
    json: bool = False


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0 done, 1 foreseen failure, 2 usage."""
    arguments = vars(build_parser().parse_args(argv))
    arguments["recordings"] = tuple(arguments["recordings"])
    return exit_code(lambda: run(FeatureSpeedConfig(**arguments)))


def build_parser() -> argparse.ArgumentParser:
    """The command line; every default is that of `FeatureSpeedConfig`."""
    parser = argparse.ArgumentParser(
        prog="feature_speed.py",
        description="Train the head of a frozen network with its features kept on disk, and with the backbone run for "
        "every image, in turns, and print how long an epoch takes each way.",
        epilog="Random weights: the time does not depend on their values. The backbone is cut as --regime early-layers "
        "cuts it. Images are kept in memory, so the backbone waits for no disk.",
    )
    parser.add_argument("recordings", nargs="+", type=Path, metavar="RECORDING", help="folder with a driving_log.csv")
    parser.add_argument(
        "--arch",
        type=lambda text: tuple(text.split(",")),
        default=FeatureSpeedConfig.arch,
        metavar="NAMES",
        help=f"architectures, comma-separated (default: {','.join(FeatureSpeedConfig.arch)})",
    )
    parser.add_argument(
        "--views", type=int, default=FeatureSpeedConfig.views, metavar="N", help="of each image (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def run(config: FeatureSpeedConfig) -> int:
    """Measure each architecture and print the table."""
    from models.architectures.registry import ModelConfig
    from train.transfer.regimes import check_backbone

    models = [ModelConfig(arch=arch) for arch in config.arch]
    for model in models:
        check_backbone(model)
    training = TrainConfig(recordings=config.recordings, views=config.views)
    rows = gather_rows(load_recordings(config.recordings), training.outputs)
    split = split_blocks(
        rows.recording, rows.time_s, training.validation_fraction, training.validation_blocks, training.guard_s
    )

    from models.quiet_import import import_tensorflow

    import_tensorflow()
    from train.benchmark.head_speed import measure_head_speed

    speeds = [measure_head_speed(training, model, rows, split) for model in models]
    if config.json:
        print(json.dumps([speed.to_json() for speed in speeds], indent=2))  # noqa: T201 - the command's result
    else:
        _print_table(speeds)
    return 0


def _print_table(speeds: list[HeadSpeed]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 80
    table = Table(title=f"an epoch of the head, {speeds[0].n_samples} images", title_justify="left")
    table.add_column("architecture", no_wrap=True)
    for column in ("features", "backbone s", "kept s", "ratio", "once s"):
        table.add_column(column, justify="right", no_wrap=True)
    for speed in speeds:
        figures = speed.to_json()
        table.add_row(
            speed.arch,
            str(speed.n_features),
            f"{figures['backbone_epoch_s']:.0f}",
            f"{figures['cached_epoch_s']:.1f}",
            f"{speed.ratio:.0f}",
            f"{speed.filling_s:.0f}",
        )
    console.print(table)
    console.print("once: computing the features of all views, in the first training only", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
