"""Train a driving model from recordings: `python train/clone.py RECORDING... --output model.h5`.

Configures, loads and splits the rows; `training.py` does the rest. Everything cheap is checked before TensorFlow is
imported.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import importlib.util
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from models.quiet_import import import_tensorflow
from simulator_bridge.cli.command import CTRL_C, run_command
from simulator_bridge.cli.output_file import check_output, linked_file, write_json
from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import UserError
from train.cluster import workers_of_tf_config
from train.data.learnability import find_steering_flaws
from train.data.rows import Rows
from train.data.splits import Split
from train.data.training_rows import load_rows
from train.distributed.worker_group import WorkerGroup
from train.distributed.workers_key import load_workers_key
from train.outputs.output_lock import lock_model
from train.outputs.saved_so_far import SavedSoFar
from train.train_config import TrainConfig

if TYPE_CHECKING:
    from models.architectures.registry import ModelConfig
    from train.training_result import TrainingResult


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        TrainConfig,
        run,
        argv,
        description="Train a network to steer from recordings of Udacity's simulator; saves one file, model.h5.",
        epilog="Ctrl-C saves the best model so far; --resume goes on with a training that was ended by anything. A "
        "model that is replaced is kept as NAME.previous.h5, until the next is.",
    )


def run(config: TrainConfig) -> int:
    """Check what is cheap, then train. After Ctrl-C the best model so far is saved, and the code is 130."""
    config = replace(with_workers(config), output=linked_file(config.output))
    workers_key = load_workers_key(config.workers, config.workers_key_file)
    if not is_chief(config):
        return train_and_report(config, workers_key)
    check_places(config)
    with lock_model(config.output, config.checkpoint):
        saved = SavedSoFar(config)
        try:
            code = train_and_report(config, workers_key)
        except KeyboardInterrupt:
            say(saved.in_words())
            raise
    return code


def train_and_report(config: TrainConfig, workers_key: bytes) -> int:
    """Load the rows, train, report; the settings and places are checked.

    Raises:
        KeyboardInterrupt: After Ctrl-C, where no model was saved.
    """
    check_needs(config)
    model_config = model_config_of(config)
    config = replace(config, arch=model_config.arch)
    data = load_rows(config)
    for note in data.notes:
        say(note)
    for flaw in find_steering_flaws(data.rows.steering_angle[data.split.train]):
        say(f"the rows to train on: {flaw.words}")

    with WorkerGroup.join(config.cluster, workers_key) as group:
        import_tensorflow()  # takes seconds: everything cheap has been checked
        from train.training import train

        result = train(config, model_config, data.rows, data.split, data.dropped, group)
    if result:
        report(config, data.rows, data.split, result)
    elif is_chief(config):
        raise KeyboardInterrupt
    return CTRL_C if group.interrupted else 0


def report(config: TrainConfig, rows: Rows, split: Split, result: TrainingResult) -> None:
    """Print the result, and write it where that is asked for."""
    from train.progress_display import say_status
    from train.training_result import print_training_result

    if config.status:
        say_status("done", **result.to_json())
    else:
        print_training_result(result)
    if config.json:
        write_json(config.json, result.to_json())
    if config.report:
        write_report(config.report, config, rows, split, result)


def write_report(path: Path, config: TrainConfig, rows: Rows, split: Split, result: TrainingResult) -> None:
    """Write the page about a finished training."""
    from simulator_bridge.pages.document import write_document
    from train.reports.training_report import training_report

    say("making the report")
    write_document(path, training_report(config, rows, split, result))
    say(f"report: {path}")


def with_workers(config: TrainConfig) -> TrainConfig:
    """The settings; without `--workers`, those that the environment variable `TF_CONFIG` names, if it is set."""
    if config.workers or not os.environ.get("TF_CONFIG"):
        return config
    workers, worker = workers_of_tf_config(os.environ["TF_CONFIG"])
    return replace(config, workers=workers, worker=worker)


def is_chief(config: TrainConfig) -> bool:
    """Whether this process writes the files: the only one, or worker 0."""
    return config.cluster is None or config.cluster.index == 0


def check_places(config: TrainConfig) -> None:
    """Refuse places that cannot be written."""
    check_output("--output", config.output, is_model=True)
    check_output("--json", config.json)
    check_output("--report", config.report)


def check_needs(config: TrainConfig) -> None:
    """Refuse what would fail only later: nothing to resume, a package not installed."""
    if not is_chief(config):
        return
    if config.resume and not config.checkpoint.is_file():
        raise UserError(f"{config.checkpoint}: no unfinished training to resume; start it without --resume")
    if config.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise UserError("--tensorboard needs the package tensorboard: pip install tensorboard")


def model_config_of(config: TrainConfig) -> ModelConfig:
    """The model to build; checks the architecture, that a weights file is there, and that the regime fits them."""
    from models.architectures.architecture import OWN_WEIGHTS
    from models.architectures.registry import ARCHITECTURES, ModelConfig
    from train.transfer.regimes import check_regime

    if config.from_model is not None:
        from train.transfer.earlier_model import earlier_network

        return earlier_network(config.from_model, config.outputs)
    entry = ARCHITECTURES.get(config.arch)
    weights = config.weights or (entry.default_weights if entry else None)
    if weights not in (None, "none", "imagenet", OWN_WEIGHTS) and not Path(str(weights)).is_file():
        raise UserError(f"--weights {weights}: no such file; pass a file, own, imagenet or none")
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


if __name__ == "__main__":
    sys.exit(main())
