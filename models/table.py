"""Print the architectures and what each costs: `python models/table.py [NAME...]`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not models/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import json_option, quiet_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result

if TYPE_CHECKING:
    from models.costs import Costs

USUAL = (
    "pilotnet", "lenet", "alexnet", "squeezenet", "mobilenet", "mobilenet_v2", "mobilenet_v3_small",
    "efficientnet_lite0", "efficientnet_b0", "efficientnet_v2_b0", "densenet121", "inception_v3", "resnet50_v2",
    "resnet152_v2", "vgg16", "vgg19",
)  # fmt: skip
ALL = "all"
EPILOG = (
    "Parameters in thousands; MFLOPs of one frame, a multiplication and an addition counting as two; ms a frame of "
    "LiteRT with one thread, the median on this machine now; MB that Keras downloads for the ImageNet weights ('yes': "
    "there are some at this alpha; 'file': only from --weights FILE; '-': trained from scratch); top-1 accuracy on "
    "ImageNet in percent."
)


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """Settings of one table; the help of each field is that of its flag."""

    names: tuple[str, ...] = argument(
        "architectures in any spelling, or 'all' (default: the usual ones)", default=USUAL, metavar="NAME"
    )
    alpha: float = option(1.0, "width multiplier of MobileNets", metavar="A", above=0)
    timing: bool = option(True, "convert each model to LiteRT and time it: minutes for large ones")
    json: Path | None = json_option()
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        TableConfig,
        run,
        argv,
        description="Print the architectures and what each costs as train/clone.py builds it: with its default image "
        "size, cut and head, steering as the only output.",
        epilog=EPILOG,
    )


def run(config: TableConfig) -> int:
    """Check the names, build one architecture after the other, print what they cost."""
    from models.architectures.registry import ARCHITECTURES, ModelConfig

    names = tuple(ARCHITECTURES) if ALL in config.names else config.names
    entries = [ARCHITECTURES.find(name) for name in names]
    configs = [ModelConfig(entry.name, alpha=config.alpha if entry.alphas else None) for entry in entries]
    check_output("--json", config.json)

    from models.quiet_import import import_tensorflow

    import_tensorflow()
    from models.costs import measure
    from models.costs_table import build_table
    from simulator_bridge.cli.terminal import counting

    rows: list[Costs] = []
    with counting("measuring", len(configs)) as on_progress:
        for model_config in configs:
            rows.append(measure(model_config, config.timing))
            on_progress(len(rows))
    print_result(build_table(rows))
    if config.json:
        write_json(config.json, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
