"""Loss by epoch, and what follows from the curves."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from simulator_bridge.pages.blocks import note
from simulator_bridge.pages.document import Section
from simulator_bridge.pages.figures import Line, line_chart
from train.training_result import TrainingResult

STILL_FALLING = 0.95  # of the loss two epochs before: more epochs would have helped
WIDE = 10.0  # greatest loss over the least: from here on a logarithmic axis
OVERFIT = 1.15  # validation loss of the last epoch, relative to the best


def curves_section(result: TrainingResult) -> Section:
    """Loss, correlation and learning rate of every epoch."""
    history = result.history
    if result.regime == "ridge":
        return _solved(result)
    epochs = [entry["epoch"] for entry in history]

    def line(label: str, name: str) -> Line:
        return Line(label, epochs, [entry.get(name, float("nan")) for entry in history], points=True)

    return Section(
        "Loss by epoch",
        _conclusion(result),
        line_chart(
            f"Loss by epoch: the best is {result.best_epoch}, its weights are in the model",
            [line("training", "loss"), line("validation", "val_loss")],
            x_label="epoch",
            y_label="loss",
            log_y=_is_wide(result),
        ),
        _r1s_chart(result, line("validation", "val_r1s")),
        line_chart(
            "Learning rate by epoch",
            [line("learning rate", "learning_rate")],
            x_label="epoch",
            y_label="learning rate",
            height_px=180,
        ),
        intro="The training loss is measured on augmented images and during the epoch, "
        "the validation loss on plain frames after it: the training loss may well be the higher one.",
    )


def _solved(result: TrainingResult) -> Section:
    losses = result.history[-1]
    said = f"{losses['loss']:.5f} on the rows that it was solved on, {losses['val_loss']:.5f} on the validation rows"
    return Section(
        "Loss",
        note(f"Mean squared error: {said}.", "plain"),
        intro="The head of the network was solved at once, by ridge regression on the features of its frozen backbone: "
        "there are no epochs. Where part of the steering aims at the road, the first error is that of the rest.",
    )


def _r1s_chart(result: TrainingResult, validation: Line) -> Markup:
    if not np.isfinite(validation.y).any():
        return note(f"No r1s by epoch: {result.model.r1s_note or 'every epoch predicted the same for all rows'}.")
    return line_chart(
        "r1s by epoch: 1 is the driver's own mean over a second",
        [validation],
        x_label="epoch",
        y_label="r1s",
        height_px=200,
    )


def _is_wide(result: TrainingResult) -> bool:
    """Whether the losses span more than a plain axis can show."""
    losses = [entry[name] for entry in result.history for name in ("loss", "val_loss")]
    return max(losses) > WIDE * min(losses)


def _conclusion(result: TrainingResult) -> Markup:
    losses = [entry["val_loss"] for entry in result.history]
    best, last = min(losses), losses[-1]
    done = f"Best epoch {result.best_epoch} of {result.epochs_done}. "
    if len(losses) < 3:
        return note(done + "Fewer than three epochs show no trend.", "plain")
    if result.best_epoch == result.epochs_done and last < STILL_FALLING * losses[-3]:
        return note(done + "The validation loss was still falling: more --epochs may help.")
    if last > OVERFIT * best:
        return note(
            f"{done}The validation loss ended {100 * (last / best - 1):.0f} % above its best: from there on the "
            "network overfits the training rows; more recordings help, more epochs do not."
        )
    return note(done + "The validation loss had levelled off: more epochs would change little.", "good")
