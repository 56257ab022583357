"""What a training came to, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from train.data.learnability import constant_steering
from train.data.rows import FloatArray
from train.validation.metrics import Score


def verdict_on(model: Score, baselines: Mapping[str, Score], trained_on: FloatArray, validated_on: FloatArray) -> str:
    """Whether a model learned to steer.

    Args:
        model: Its score on the validation rows.
        baselines: Those of predictors that learn nothing deep, on the same rows.
        trained_on: (n,) recorded steering of the training rows.
        validated_on: (m,) recorded steering of the validation rows.
    """
    constant = constant_steering(trained_on)
    if constant is not None:
        return f"nothing to learn: the steering of all {len(trained_on)} rows is {constant:g}"
    if constant_steering(validated_on) is not None:
        return "cannot be told: the validation rows all steer the same"
    mean_mse = float(np.square(validated_on.astype(np.float64) - trained_on.mean(dtype=np.float64)).mean())
    if model.mse >= min([mean_mse, *(score.mse for name, score in baselines.items() if name == "always zero")]):
        return "nothing learned: no better than a wheel held still"
    better = min(baselines, key=lambda name: baselines[name].mse, default=None)
    if better is not None and baselines[better].mse < model.mse:
        return f"learned something, but less than {better}: train longer"
    return "learned to steer, better than all predictors above"
