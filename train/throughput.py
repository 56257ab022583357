"""Time the data pipeline against the network that it feeds: `python train/throughput.py RECORDING...`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.terminal import say
from simulator_bridge.cli.text_table import TextColumn, text_table
from train.data.training_rows import load_rows
from train.train_config import TrainConfig

if TYPE_CHECKING:
    from train.benchmark.pipeline_speed import PipelineSpeed


@dataclass(frozen=True, kw_only=True)
class ThroughputConfig:
    """Settings of one measurement; the help of each field is that of its flag."""

    recordings: tuple[Path, ...] = argument("folder with a driving_log.csv, or of such", metavar="RECORDING")
    arch: str = option(TrainConfig.arch, "architecture; its weights do not matter for the time", metavar="NAME")
    batch_size: int = option(TrainConfig.batch_size, "images of a step", at_least=1)
    cache_memory: int = option(
        TrainConfig.cache_memory, "memory for images; the rest streams from disk; 0: all of them", metavar="MB",
        at_least=0, unit="MB",
    )  # fmt: skip
    samples: int = option(TrainConfig.epoch_samples, "an epoch has at least so many", at_least=1)
    rounds: int = option(5, "epochs, and stretches with one repeated batch, in turns; medians are reported", at_least=1)
    json: Path | None = json_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        ThroughputConfig,
        run,
        argv,
        description="Train whole epochs and, in turns, as many steps on one repeated batch; print images/s of both, "
        "what each stage takes alone, and how much slower the first epoch is.",
        epilog="Everything of the network is trained. Each stage alone has the whole machine, so on a machine "
        "without a GPU, where all share the processors, their times add up to an epoch's.",
    )


def run(config: ThroughputConfig) -> int:
    """Measure, and print the table."""
    from models.architectures.registry import ModelConfig

    settings = TrainConfig(
        recordings=config.recordings,
        arch=config.arch,
        regime="scratch",
        batch_size=config.batch_size,
        cache_memory=config.cache_memory,
        epoch_samples=config.samples,
    )
    model_config = ModelConfig(arch=config.arch, outputs=settings.outputs)
    check_output("--json", config.json)
    data = load_rows(settings)
    rows, split = data.rows, data.split

    from models.quiet_import import import_tensorflow

    import_tensorflow()
    from train.benchmark.pipeline_speed import measure_pipeline

    say(f"training {config.rounds + 1} epochs and, in turns with all but the first, steps with one repeated batch")
    speed = measure_pipeline(settings, model_config, rows, split, config.rounds)
    print_result(build_table(config, speed))
    if config.json:
        write_json(config.json, speed.to_json())
    return 0


def build_table(config: ThroughputConfig, speed: PipelineSpeed) -> str:
    """The figures for a person, in at most 80 columns."""
    columns = (
        TextColumn("what", numeric=False),
        TextColumn("ms an image", 3),
        TextColumn("images/s", 0),
        TextColumn("% of the work", 0),
    )
    stages = [[name, ms, 1000 / ms, 100 * share] for name, ms, share in speed.stages()]
    wholes = [
        [name, 1000 / rate, rate, ""]
        for name, rate in (
            ("a whole epoch", speed.epoch_images_per_s),
            ("one repeated batch", speed.repeated_images_per_s),
        )
    ]
    return "\n".join(
        [
            text_table(columns, stages + wholes, f"{config.arch}, batches of {config.batch_size}, {speed.device}"),
            f"an epoch runs at {speed.ratio:.0%} of the repeated batch's rate; {speed.n_cached} images in memory, "
            f"{speed.n_streamed} streamed from disk",
            f"processor time of an image, all threads: {speed.epoch_cpu_ms:.2f} ms in an epoch, "
            f"{speed.repeated_cpu_ms:.2f} ms with the repeated batch",
            f"first epoch {speed.first_epoch_s:.1f} s (building the graph included), later ones "
            f"{speed.later_epochs_s:.1f} s; before it {speed.reading_s:.1f} s to read the images",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
