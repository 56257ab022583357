"""Print the architectures and what each costs: `python models/table.py [NAME...]`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not models/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from simulator_bridge.cli.command import exit_code

if TYPE_CHECKING:
    from models.costs import Costs

USUAL = (
    "pilotnet", "lenet", "alexnet", "squeezenet", "mobilenet", "mobilenet_v2", "mobilenet_v3_small",
    "efficientnet_lite0", "efficientnet_b0", "efficientnet_v2_b0", "densenet121", "inception_v3", "resnet50_v2",
    "resnet152_v2", "vgg16", "vgg19",
)  # fmt: skip


@dataclass(frozen=True)
class TableConfig:
    """Settings of one table.

    Attributes:
        names: Architectures in any spelling; `all` for every one.
        alpha: Width multiplier of those that take one.
        timing: Whether to convert each model and time it.
        json: Whether to print JSON.
    """

    names: tuple[str, ...] = USUAL
    alpha: float = 1.0
    timing: bool = True
    json: bool = False


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    arguments = vars(build_parser().parse_args(argv))
    arguments["names"] = tuple(arguments["names"]) or USUAL
    return exit_code(lambda: run(TableConfig(**arguments)))


def build_parser() -> argparse.ArgumentParser:
    """The command line; every default is that of `TableConfig`."""
    defaults = TableConfig()
    parser = argparse.ArgumentParser(
        prog="table.py",
        description="The architectures by name and what each costs as train/clone.py builds it: with its default image "
        "size, cut and head, steering as the only output.",
        epilog="Parameters in thousands; MFLOPs of one frame, a multiplication and an addition counting as two; ms a "
        "frame of LiteRT with one thread, the median on this machine now; MB that Keras downloads for the ImageNet "
        "weights ('yes': there are some at this alpha; 'file': only from --weights FILE; '-': trained from scratch); "
        "top-1 accuracy on ImageNet in percent.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="architectures, or 'all' (default: the usual ones)")
    parser.add_argument(
        "--alpha", type=float, default=defaults.alpha, help="width multiplier of MobileNets (default: %(default)s)"
    )
    parser.add_argument(
        "--no-timing", dest="timing", action="store_false", help="skip the conversion to LiteRT, minutes for large ones"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def run(config: TableConfig) -> int:
    """Check the names, build one architecture after the other, print what they cost."""
    from models.architectures.registry import ARCHITECTURES, ModelConfig

    names = tuple(ARCHITECTURES) if "all" in config.names else config.names
    entries = [ARCHITECTURES.find(name) for name in names]
    configs = [ModelConfig(entry.name, alpha=config.alpha if entry.alphas else None) for entry in entries]

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
    if config.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    else:
        print(build_table(rows))  # noqa: T201 - the command's result
    return 0


if __name__ == "__main__":
    sys.exit(main())
