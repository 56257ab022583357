"""How models of other programs load, and steer: `python docs/models_table.py RECORDING MODEL...`.

For each model the usual preprocessings are tried on the recording, and the best is shown. The same command goes on
where it was ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not docs/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import logging
from dataclasses import dataclass
from typing import Any

from drive.model_argument import calibrated, check_model
from models.files.file_kind import digest_of_model
from models.model_file import load_model_file
from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import quiet_option
from simulator_bridge.cli.json_file import read_results
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.cli.output_file import check_output, write_json
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.errors import ModelFileError

logger = logging.getLogger(__name__)
COLUMNS = (
    TextColumn("model", numeric=False),
    TextColumn("Keras", numeric=False),
    TextColumn("loads", numeric=False),
    TextColumn("preprocessing", numeric=False),
    TextColumn("r", 2),
)


@dataclass(frozen=True, kw_only=True)
class ModelsTableConfig:
    """Settings; the help of each field is that of its flag."""

    recording: Path = argument("of a driver")
    models: tuple[Path, ...] = argument("model files", metavar="MODEL")
    results: Path = option(Path("models_table.json"), "what is done; the same command goes on", metavar="FILE")
    quiet: bool = quiet_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(ModelsTableConfig, run, argv, description="Load models, and compare them with a driver.")


def run(config: ModelsTableConfig) -> int:
    """Try each model that was not tried yet; print the table."""
    check_output("--results", config.results)
    for model in config.models:
        check_model(model)
    rows = [_row(config, model) for model in config.models]
    print_result(text_table(COLUMNS, rows))
    return 0


def _row(config: ModelsTableConfig, model: Path) -> tuple[Any, ...]:
    done = read_results(config.results)
    key = f"{digest_of_model(model)} {config.recording.name}"
    if key not in done:
        done[key] = _tried(config, model)
        write_json(config.results, done)
    result = done[key]
    name = model.parent.name if model.stem == "model" else model.name
    return name, result["keras"], result["loads"], result["preprocessing"], result["correlation"]


def _tried(config: ModelsTableConfig, model: Path) -> dict[str, Any]:
    version = "?"
    try:
        version = load_model_file(model).keras_version
        best = calibrated(model, config.recording)[0]
    except ModelFileError as error:
        logger.warning("%s", error)
        return {"keras": version, "loads": "no", "preprocessing": "", "correlation": None}
    return {
        "keras": version, "loads": "yes", "preprocessing": best.preprocessing.name, "correlation": best.correlation,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
