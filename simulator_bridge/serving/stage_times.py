"""How the time of one answer is spent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StageTimes:
    """The time that one telemetry spent in each stage of the server, seconds.

    There is no stage for preprocessing: cropping and scaling are layers of the model, so they are part of `infer`.
    """

    client: int  # which connection, counted from 1
    receive: float  # from its first bytes to its last, unmasked; mostly the sender's pace
    decode: float  # waiting in the queue, JSON, base64, JPEG
    infer: float  # the driver: preprocessing, network, speed control
    encode: float  # the answer's text
    send: float  # until the operating system has taken it
    was_driven: bool  # False if a newer one had arrived, or if it was malformed
