"""The training of a round: `train/clone.py` as a process, on the recordings and on what all rounds added to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from simulator_bridge.cli.child_process import script
from simulator_bridge.cli.output_file import discard_abandoned, previous_of, write_json
from simulator_bridge.errors import UserError
from simulator_bridge.recording.gathering import load_gathered
from simulator_bridge.recording.weighted_path import MAX_WEIGHT, split_weight
from train.aggregation.begun_model import BegunModel, weighted
from train.comparison.child_script import run_script

CLONE = script("train/clone.py")
MODEL_NAME, RESULT_NAME, LOG_NAME = "model.h5", "training.json", "training.log"


def train_round(
    begun: BegunModel,
    last: Path,
    recordings: Sequence[Path],
    added: Sequence[Path],
    keep: float,
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Train on all rows, unless that was done before; returns what `clone.py --json` writes.

    Args:
        begun: The model of the beginning: how it was trained.
        last: The model of the last round, whose weights are trained on if they are not solved.
        recordings: What the first model was trained on.
        added: Recordings that show how to get back.
        keep: Share of the weight that `recordings` have, at least.
        folder: Of the round.
        say: Called with lines for a person.

    Raises:
        UserError: If it fails.
        KeyboardInterrupt: If Ctrl-C ended it.
    """
    model, result = folder / MODEL_NAME, folder / RESULT_NAME
    if result.is_file() and model.is_file():
        content: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return content
    folder.mkdir(parents=True, exist_ok=True)
    for place in (model, previous_of(model), model.with_name(f"{MODEL_NAME}.checkpoint")):  # of a training that ended
        discard_abandoned(place)
        place.unlink(missing_ok=True)
    factor = weight_to_keep(count_rows(recordings), count_rows(added), keep)
    say(f"  training on {count_rows(recordings)} rows, {factor:.3g} times each, and {count_rows(added)} added ones")
    arguments = [weighted(path, factor) for path in recordings]
    arguments += [f"--corrections={path}" for path in added]
    under_way = folder / "training.under_way.json"
    places = ["--output", str(model), "--json", str(under_way), "--status", "--end-with-parent"]
    ended = run_script(
        CLONE, [*arguments, *begun.arguments(last), *places], folder / LOG_NAME, lambda line: _say_epoch(line, say)
    )
    if ended.interrupted:
        raise KeyboardInterrupt
    if ended.code or not under_way.is_file():
        raise UserError(f"{folder}: the training failed: {ended.reason}")
    content = json.loads(under_way.read_text(encoding="utf-8"))
    write_json(result, content)
    under_way.unlink()
    return content


def weight_to_keep(n_rows: int, n_added: int, keep: float) -> float:
    """How many times each row counts so that `n_rows` keep their share of the weight; at least once.

    >>> weight_to_keep(100, 400, 0.5), weight_to_keep(400, 100, 0.5)
    (4.0, 1.0)
    """
    return min(max(1.0, keep / (1 - keep) * n_added / max(n_rows, 1)), MAX_WEIGHT)


def count_rows(paths: Sequence[Path]) -> int:
    """Rows with a center image in some recordings; 0 for none."""
    if not paths:
        return 0
    return sum(len(recording) for recording in load_gathered([split_weight(path)[0] for path in paths]).recordings)


def digest_of_rows(paths: Sequence[Path]) -> str:
    """Tells some recordings from others by what is in their logs, wherever they are; empty for none."""
    if not paths:
        return ""
    digest = hashlib.sha256()
    for path in paths:
        plain, weight = split_weight(path)
        digest.update(f"{weight:g}".encode())
        for recording in load_gathered([plain]).recordings:
            digest.update(recording.steering_angle.tobytes())
    return digest.hexdigest()


def _say_epoch(line: str, say: Callable[[str], None]) -> None:
    try:
        event = json.loads(line)
    except ValueError:
        return
    if isinstance(event, dict) and event.get("event") == "epoch" and event.get("epochs", 1) > 1:
        say(f"  epoch {event['epoch']} of {event['epochs']}{'*' if event['best'] else ''}")
