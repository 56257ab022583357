"""Time a head's training on cached features and without: `python train/feature_speed.py RECORDING... --arch vgg16`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.text_table import TextColumn, text_table
from train.data.training_rows import load_rows
from train.train_config import TrainConfig

if TYPE_CHECKING:
    from train.benchmark.head_speed import HeadSpeed


@dataclass(frozen=True, kw_only=True)
class FeatureSpeedConfig:
    """Settings of one measurement; the help of each field is that of its flag."""

    recordings: tuple[Path, ...] = argument("folder with a driving_log.csv, or of such", metavar="RECORDING")
    arch: tuple[str, ...] = option(
        ("mobilenet_v2", "vgg16"), "architectures, comma-separated", metavar="NAMES", is_list=True
    )
    views: int = option(1, "of each training image: the length of an epoch, not the ratio", at_least=1)
    json: Path | None = json_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        FeatureSpeedConfig,
        run,
        argv,
        description="Train the head of a frozen network on features cached on disk and, in turns, with the backbone "
        "run for every image; print how long an epoch takes each way.",
        epilog="Random weights: the time does not depend on their values. The backbone is cut as --regime early-layers "
        "cuts it. Images are cached in memory, so the backbone waits for no disk.",
    )


def run(config: FeatureSpeedConfig) -> int:
    """Measure each architecture and print the table."""
    from models.architectures.registry import ModelConfig
    from train.transfer.regimes import check_backbone

    models = [ModelConfig(arch=arch) for arch in config.arch]
    for model in models:
        check_backbone(model)
    check_output("--json", config.json)
    training = TrainConfig(recordings=config.recordings, views=config.views)
    data = load_rows(training)
    rows, split = data.rows, data.split

    from models.quiet_import import import_tensorflow

    import_tensorflow()
    from train.benchmark.head_speed import measure_head_speed

    speeds = [measure_head_speed(training, model, rows, split) for model in models]
    print_result(build_table(speeds))
    if config.json:
        write_json(config.json, [speed.to_json() for speed in speeds])
    return 0


def build_table(speeds: Sequence[HeadSpeed]) -> str:
    """The figures for a person, in at most 80 columns."""
    columns = (
        TextColumn("architecture", numeric=False),
        TextColumn("features"),
        TextColumn("backbone s", 0),
        TextColumn("cached s", 1),
        TextColumn("ratio", 0),
        TextColumn("once s", 0),
    )
    rows = []
    for speed in speeds:
        epoch_s = speed.to_json()
        seconds = (epoch_s["backbone_epoch_s"], epoch_s["cached_epoch_s"], speed.ratio, speed.filling_s)
        rows.append([speed.arch, speed.n_features, *seconds])
    table = text_table(columns, rows, f"an epoch of the head, {speeds[0].n_samples} images")
    return f"{table}\nonce: computing the features of all views, in the first training only"


if __name__ == "__main__":
    sys.exit(main())
