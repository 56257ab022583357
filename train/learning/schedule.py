"""The learning rate of each epoch."""

from __future__ import annotations

import math

END_SHARE = 0.02  # of the peak, at the end


def cosine_rate(peak: float, share_done: float) -> float:
    """A learning rate that falls from `peak` to a fiftieth of it along half a cosine.

    Args:
        peak: The rate at the beginning.
        share_done: How much of the training is done, in [0, 1].

    Source: Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", without restarts.

    >>> [round(cosine_rate(1e-3, share), 5) for share in (0, 0.5, 1)]
    [0.001, 0.00051, 2e-05]
    """
    return peak * (END_SHARE + (1 - END_SHARE) * 0.5 * (1 + math.cos(math.pi * share_done)))
