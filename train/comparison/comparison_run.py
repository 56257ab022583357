"""Carry out a comparison: one run after the other, each in a process of its own; finished ones are read from disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator_bridge.cli.child_process import script
from simulator_bridge.cli.whole_time import WholeTime
from simulator_bridge.errors import ModelFileError
from train.comparison.child_script import run_script
from train.comparison.closed_loop import drive_laps
from train.comparison.comparison_config import ComparisonConfig
from train.comparison.model_costs import count_parameters, time_a_frame
from train.comparison.run_plan import ComparisonRun
from train.comparison.run_result import EPOCH_FIELDS, RunResult
from train.comparison.run_store import RunFolder, key_of
from train.train_config import TrainConfig

CLONE = script("train/clone.py")

Say = Callable[[str], None]


def carry_out(
    config: ComparisonConfig, runs: Sequence[tuple[ComparisonRun, TrainConfig]], data: str, say: Say
) -> Iterator[RunResult]:
    """Run everything; stops early after Ctrl-C, with what the interrupted run has so far.

    Args:
        config: What to compare.
        runs: From `plan_runs`, and the settings that `train/clone.py` will make of each.
        data: Fingerprint of the rows.
        say: Called with lines for a person.

    Yields:
        The result of each run when it is done.

    Raises:
        KeyboardInterrupt: After Ctrl-C, after the interrupted run's result.
    """
    whole = WholeTime(len(runs))
    for number, (run, settings) in enumerate(runs, start=1):
        whole.begin()
        folder = RunFolder(config.output, run, key_of(settings, data))
        say(f"[{number}/{len(runs)}] {run.name}{whole.left_in_words()}")
        trained = folder.load("training")
        if trained is None:
            trained = _train(config, run, folder, say, whole)
        else:
            whole.skip()
            say("  trained before, with the same settings and data")
        result = RunResult(run=run, folder=folder.path, **trained)
        if result.interrupted:
            yield result
            raise KeyboardInterrupt
        if config.laps and result.summary:
            try:
                result = replace(result, driving=_drive(config, folder, say))
            except KeyboardInterrupt:
                yield result  # it is trained
                raise
        yield result


def _train(
    config: ComparisonConfig, run: ComparisonRun, folder: RunFolder, say: Say, whole: WholeTime
) -> dict[str, Any]:
    """Train, measure, save what is finished; returns fields of `RunResult`."""
    folder.make()
    summary = folder.path / "summary.json"
    summary.unlink(missing_ok=True)
    places = ["--output", str(folder.model), "--json", str(summary), "--status", "--end-with-parent"]
    if folder.checkpoint.is_file() and config.budget_s is None:
        places.append("--resume")
        say("  resuming")
    recordings = [str(path) for path in config.recordings]
    epochs: list[Mapping[str, Any]] = []
    log = folder.path / "training.log"

    def on_line(line: str) -> None:
        _note_epoch(line, epochs, say, whole)

    ended = run_script(CLONE, [*recordings, *run.arguments, *places], log, on_line)
    if not summary.is_file() or not folder.model.is_file():
        say(f"  failed: {ended.reason}")
        history = [_epoch(entry) for entry in epochs]
        return {"failure": ended.reason, "history": history, "interrupted": ended.interrupted}
    content = json.loads(summary.read_text(encoding="utf-8"))
    fields = {
        "summary": content,
        "history": [_epoch(entry) for entry in content["history"]],
        "interrupted": ended.interrupted,
        **_measured(folder.model),
    }
    say(f"  MSE {content['validation']['mse']:.5f}, {content['seconds']:.0f} s")
    if not ended.interrupted:
        folder.save("training", fields)
    return fields


def _measured(model: Path) -> dict[str, Any]:
    try:
        return {"parameters": count_parameters(model), "ms_a_frame": round(time_a_frame(model), 3)}
    except ModelFileError as error:
        return {"failure": str(error)}


def _drive(config: ComparisonConfig, folder: RunFolder, say: Say) -> dict[str, Any]:
    settings = {"track": config.track, "laps": config.laps, "seeds": config.seeds}
    saved = folder.load("driving", **settings)
    if saved is not None:
        return saved
    say(f"  drives {config.laps} laps of {config.track}, {config.seeds} times")
    driving = drive_laps(config, folder.model, say)
    if driving.get("autonomy_percent") is not None:
        say(f"  autonomy {driving['autonomy_percent']:.1f} %, score {driving['driving_score']:.1f}")
    if driving.get("failure") is None:
        folder.save("driving", driving, **settings)
    return driving


def _note_epoch(line: str, epochs: list[Mapping[str, Any]], say: Say, whole: WholeTime) -> None:
    """Read a line of JSON from `train/clone.py --status`; an epoch is noted and shown, with the whole's time left."""
    try:
        event = json.loads(line)
    except ValueError:
        return
    if isinstance(event, dict) and event.get("event") == "epoch":
        epochs.append(event)
        left = whole.left_in_words(event["epoch"] / event["epochs"] if "epochs" in event else 0.0)
        loss, val_loss = (_number(event[name]) for name in ("loss", "val_loss"))
        say(f"  epoch {event['epoch']:>3} loss {loss} val_loss {val_loss}{'*' if event['best'] else ' '}{left}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _epoch(entry: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: entry.get(name) for name in EPOCH_FIELDS}
