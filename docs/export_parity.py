"""What each format of `models/export.py` changes and costs: `python docs/export_parity.py RECORDING MODEL...`.

Each model is written in each format, and compared on 32 frames of the recording. Then all of a model's files take turns
at those frames, one frame each, so that a busy machine slows all alike; the median time is shown. The same command goes
on where it was ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import logging
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.export import FORMATS
from models.files.file_kind import digest_of_model
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import quiet_option
from simulator_bridge.cli.json_file import read_results
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output_folder, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import Frame

logger = logging.getLogger(__name__)

ORIGINAL = "model"  # the server's own way: the LiteRT copy in the file
COMPARED = tuple(each for each in FORMATS if each != "donkeycar")
N_WARM = 2  # rounds that are not timed
COLUMNS = (
    TextColumn("model", numeric=False),
    TextColumn("format", numeric=False),
    TextColumn("kB", 0),
    TextColumn("largest difference", numeric=False),
    TextColumn("p50 ms", 2),
)


@dataclass(frozen=True, kw_only=True)
class ParityConfig:
    """Settings; the help of each field is that of its flag."""

    recording: Path = argument("to take 32 frames from")
    models: tuple[Path, ...] = argument("model files of train/clone.py", metavar="MODEL")
    to: tuple[str, ...] = option(
        COMPARED, "formats with commas", choices=COMPARED, is_list=True, metavar="FORMAT[,FORMAT...]"
    )
    rounds: int = option(6, "times that each file is asked about all frames", at_least=1)
    folder: Path = option(
        Path("runs/parity"), "where the files go, and what is done: the same command goes on", metavar="DIR"
    )
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(ParityConfig, run, argv, description="Export models, compare the files, and time them.")


def run(config: ParityConfig) -> int:
    """Export and time each model that was not done yet; print the table."""
    check_output_folder("--folder", config.folder)
    config.folder.mkdir(parents=True, exist_ok=True)
    results = config.folder / "parity.json"
    rows: list[Sequence[Any]] = []
    for model in config.models:
        if not model.is_file():
            raise ModelFileError(f"{model}: no such model file; train one first with train/clone.py")
        done = read_results(results)
        key = f"{digest_of_model(model)} {config.recording.name} {','.join(config.to)} {config.rounds}"
        if key not in done:
            done[key] = measure(config, model)
            write_json(results, done)
        rows += [(model.stem, *_cells(name, file)) for name, file in done[key].items()]
    print_result(text_table(COLUMNS, rows))
    return 0


def measure(config: ParityConfig, model: Path) -> dict[str, Any]:
    """Of each format size, difference, and the median time of an answer; or why there is no such file."""
    from models.exports.exporting import export_all, frames_of
    from models.loading import load_policy

    folder = config.folder / model.stem
    measured: dict[str, Any] = {ORIGINAL: {"n_bytes": model.stat().st_size, "max_difference": {}}}
    policies = {ORIGINAL: load_policy(model)}
    for each in config.to:
        try:
            [export] = export_all(model, folder, [each], config.recording, None, 0.0)
        except ModelFileError as error:
            logger.warning("%s", error)
            measured[each] = {"problem": str(error)}
            continue
        measured[each] = {"n_bytes": export.n_bytes, "max_difference": export.max_difference}
        policies[each] = load_policy(folder / export.file)
    logger.info("%s: timing %d files", model, len(policies))
    for name, seconds in time_in_turns(policies, frames_of(config.recording), config.rounds).items():
        measured[name]["p50_ms"] = 1000 * statistics.median(seconds)
    return measured


def time_in_turns(policies: Mapping[str, Any], frames: Sequence[Frame], rounds: int) -> dict[str, list[float]]:
    """Seconds of each answer of each policy: all are asked about a frame, in changing order, then about the next."""
    seconds: dict[str, list[float]] = {name: [] for name in policies}
    names = list(policies)
    for number in range(N_WARM + rounds):
        for turn, frame in enumerate(frames):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                begin_s = time.perf_counter()
                policies[name](frame)
                if number >= N_WARM:
                    seconds[name].append(time.perf_counter() - begin_s)
    return seconds


def _cells(name: str, file: Mapping[str, Any]) -> tuple[Any, ...]:
    if "problem" in file:
        return name, None, "not written", None
    difference = file["max_difference"].get("steering_angle")
    return name, file["n_bytes"] / 1000, "" if difference is None else f"{difference:.1g}", file["p50_ms"]


if __name__ == "__main__":
    sys.exit(main())
