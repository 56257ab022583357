"""What a trained model's error comes to, in words: shown by the terminal, every page, and the model file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from train.validation.metrics import Score

ALWAYS_ZERO = "always zero"  # the baseline that drives straight on
UNRELATED_R1S = 0.1  # a correlation below that is none
IN_WORDS = {"ridge": "ridge regression on thumbnails", "5 nearest": "the mean of the 5 nearest"}
"""What a baseline is called in a sentence: `ridge` alone is also the regime of a model that is solved."""
RELATED_R1S = 0.5  # from there on the model follows the road, whatever pulses of a key do to its squared error


class Level(StrEnum):
    """How a training went."""

    BEATS = "beats the baselines"
    LOSES = "lost to a baseline"
    NOTHING = "learned nothing"


@dataclass(frozen=True)
class Verdict:
    """A verdict on a trained model.

    Attributes:
        level: How it went.
        text: A sentence or two, with what to do if it went badly.
    """

    level: Level
    text: str

    @property
    def is_good(self) -> bool:
        """Whether the model is worth driving."""
        return self.level == Level.BEATS

    def to_json(self) -> dict[str, str | bool]:
        """JSON types; pages read `level`, `is_good` and `text`."""
        return {"level": self.level.value, "is_good": self.is_good, "text": self.text}


def verdict_of(model: Score, baselines: Mapping[str, Score], nothing_to_learn: str = "") -> Verdict:
    """Judge a model by the baselines on the same rows: what needs no network must not be better.

    Args:
        model: Its score.
        baselines: Theirs.
        nothing_to_learn: Why the rows cannot teach or show anything, if so: nothing else then counts.
    """
    if nothing_to_learn:
        return Verdict(Level.NOTHING, f"It learned nothing: {nothing_to_learn}. See the data by train/checkup.py.")
    name, best = min(baselines.items(), key=lambda item: item[1].mse, default=("", model))
    words = IN_WORDS.get(name, name)
    if _is_unrelated(model, baselines.get(ALWAYS_ZERO)):
        return Verdict(
            Level.NOTHING,
            f"It learned nothing: its steering is unrelated to the driver's (r1s {_r1s(model)}, MSE {model.mse:.5f}). "
            "See the data by train/checkup.py; then record more bends, or train for more epochs.",
        )
    if baselines and model.mse >= best.mse:
        return Verdict(
            Level.LOSES,
            f"It lost to {words}, a baseline without a network: MSE {model.mse:.5f}, the baseline's {best.mse:.5f}. "
            "Train for more epochs, or on more recordings, before it drives.",
        )
    less = f", {100 * (1 - model.mse / best.mse):.0f} % less than {words}, the best baseline" if baselines else ""
    return Verdict(Level.BEATS, f"It misses the recorded wheel angle by {model.mae_deg:.2f}\N{DEGREE SIGN} on average "
                   f"(MSE {model.mse:.5f}{less}).")  # fmt: skip


def _is_unrelated(model: Score, zero: Score | None) -> bool:
    if math.isnan(model.r1s):  # for want of time stamps close enough, which says nothing, or one of the two is constant
        return not model.r1s_note or (zero is not None and model.mse >= zero.mse)
    return model.r1s < UNRELATED_R1S or (zero is not None and model.mse >= zero.mse and model.r1s < RELATED_R1S)


def _r1s(score: Score) -> str:
    return "undefined" if math.isnan(score.r1s) else f"{score.r1s:.2f}"
