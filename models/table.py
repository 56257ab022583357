"""Print the architectures and what each costs: `python models/table.py [NAME...]`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not models/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.costs_table import Costs, build_table
from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError, script
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import end_with_parent_option, json_option, quiet_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.terminal import ProgressDisplay
from simulator_bridge.cli.whole_time import WholeTime
from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    from models.architectures.registry import ModelConfig

USUAL = (
    "roadnet", "pilotnet", "lenet", "alexnet", "squeezenet", "mobilenet", "mobilenet_v2", "mobilenet_v3_small",
    "efficientnet_lite0", "efficientnet_b0", "efficientnet_v2_b0", "densenet121", "inception_v3", "resnet50_v2",
    "resnet152_v2", "vgg16", "vgg19",
)  # fmt: skip
ALL = "all"
POLL_S = 1.0  # from one look at the model that is measured to the next
EXIT_S = 60.0  # from the last line of a table to its end; the system needs far less
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
    end_with_parent: bool = end_with_parent_option()

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

    timing = config.timing
    rows = [measure_here(configs[0], timing)] if len(configs) == 1 else measure_each(configs, timing)
    print_result(build_table(rows))
    if config.json:
        write_json(config.json, rows)
    return 0


def measure_here(config: ModelConfig, timing: bool) -> Costs:
    """Measure one model in this process, which imports TensorFlow for it."""
    from models.quiet_import import import_tensorflow

    import_tensorflow()
    from models.costs import measure

    return measure(config, timing)


def measure_each(configs: Sequence[ModelConfig], timing: bool) -> list[Costs]:
    """Measure one model after the other, each by a table of its own: what one took is free for the next."""
    rows: list[Costs] = []
    whole = WholeTime(len(configs))
    with ProgressDisplay() as display:
        bar = display.add("measuring")
        for config in configs:
            whole.begin()

            def show(config: ModelConfig = config) -> None:
                done = len(rows) / len(configs)
                bar.update(done, f"{config.arch}, {len(rows) + 1} of {len(configs)}", whole.left_s())

            rows.append(measure_alone(config, timing, show))
    return rows


def measure_alone(config: ModelConfig, timing: bool, show: Callable[[], None]) -> Costs:
    """Measure one model in a process of its own; `show` is called again and again meanwhile.

    Raises:
        UserError: If that fails, or is killed, as for want of memory.
    """
    alpha = [] if config.alpha is None else ["--alpha", str(config.alpha)]
    arguments = [config.arch, *alpha, "--timing" if timing else "--no-timing", "--json", "-", "--end-with-parent"]
    lines: list[str] = []
    with ChildProcess(script("models/table.py"), arguments) as table:
        with contextlib.suppress(EndedError):
            while True:
                with contextlib.suppress(SilentError):
                    lines.append(table.read_line(POLL_S))
                show()
        if table.wait(EXIT_S) != 0:
            raise UserError(f"{config.arch}: could not be measured: {table.last_words()}")
    (row,) = json.loads("\n".join(lines))
    return Costs(**{**row, "image_size": tuple(row["image_size"])})


if __name__ == "__main__":
    sys.exit(main())
