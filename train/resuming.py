"""What a training takes over: from the unfinished one that it resumes, and from the chief of its workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.architectures.registry import ModelConfig
from simulator_bridge.cli.terminal import say
from simulator_bridge.errors import UserError
from train.checkpoint import Checkpoint, load_checkpoint
from train.data.image_store import FrameReader
from train.data.rows import Rows
from train.data.splits import Split
from train.distributed.worker_group import WorkerGroup
from train.train_config import TrainConfig
from train.transfer.regimes import RegimePlan, make_plan
from train.transfer.similarity import measure_similarity


def checkpoint_to_resume(config: TrainConfig, identity: Mapping[str, Any], group: WorkerGroup) -> Checkpoint | None:
    """The unfinished training to go on with, the same on all workers; None without --resume.

    Args:
        config: Settings of this run.
        identity: Its `config` and the fingerprint of its `data`.
        group: The workers that train together; the chief reads the file.

    Raises:
        UserError: If the file cannot be read, or was written with other settings or recordings.
    """
    path = config.checkpoint
    content = group.share(path.read_bytes() if group.is_chief and config.resume else None)
    if content is None:
        if group.is_chief and path.exists():
            say(f"{path}: an unfinished training; replaced after the first epoch, --resume goes on with it")
        return None
    checkpoint = load_checkpoint(path, content)
    if not group.is_chief:
        return checkpoint
    earlier = checkpoint.run["config"]
    differences = config.differences(earlier)
    if checkpoint.run.get("regime") == "fine-tune" and earlier["epochs"] != config.epochs:
        differences.append(f"epochs: {earlier['epochs']} -> {config.epochs} (fine-tune divides them)")
    if differences:
        raise UserError(f"{path}: cannot resume with other settings: {'; '.join(differences)}")
    if checkpoint.run["data"] != identity["data"]:
        raise UserError(f"{path}: cannot resume: the recordings are not those that the training began with")
    say(f"resuming after epoch {checkpoint.progress.epochs_done}")
    return checkpoint


def choose_plan(
    config: TrainConfig,
    model_config: ModelConfig,
    rows: Rows,
    split: Split,
    reader: FrameReader,
    resumed: Checkpoint | None,
    group: WorkerGroup,
) -> RegimePlan:
    """The regime and its stages: the chief's, and that of a training that is resumed."""
    chosen = resumed.run.get("regime") if resumed else None
    if not group.is_chief:
        chosen = group.share(None)
    plan = make_plan(
        config,
        model_config,
        len(split.train),
        lambda: measure_similarity(model_config, rows, split, reader),
        chosen=chosen,
    )
    if group.is_chief:
        group.share(plan.regime)
    say(f"regime: {plan.regime}; {plan.reason}")
    return plan
