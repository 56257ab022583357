"""What `doctor.py` checks of a model: that it loads, how its images are made, and that its answers can drive."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from drive.doctor_result import CheckResult
from drive.model_argument import calibrated
from models.preprocessing.steps import Preprocessing, parse_preprocessing
from simulator_bridge.errors import UserError

if TYPE_CHECKING:
    from models.calibration import Candidate
    from models.loading import LoadedPolicy

TRAIN = "train a model: python train/clone.py recordings/"
ASSUMED = "say --preprocessing raw if that is right, else what is, or --calibrate RECORDING to find out"
N_SHOWN = 3


def check_model(
    path: Path, preprocessing: str | None = None, calibrate: Path | None = None
) -> tuple[LoadedPolicy | None, list[CheckResult]]:
    """Check a model; with a recording, the result is that of the best preprocessing.

    Args:
        path: A file or folder.
        preprocessing: How its images are made of frames, as on a command line.
        calibrate: A recording to find that out with.

    Returns:
        The policy, None if it cannot be asked; and what was found.
    """
    results: list[CheckResult] = []
    try:
        chosen = None if preprocessing is None else parse_preprocessing(preprocessing)
        if calibrate is not None:
            tried = calibrated(path, calibrate)
            chosen = tried[0].preprocessing
            results += _calibration(path, tried)
        policy, text = _load(path, chosen)
    except UserError as error:
        return None, [*results, CheckResult("bad", str(error), TRAIN, about_model=True)]
    except Exception as error:  # whatever a foreign model raises is a result, not a crash
        problem = f"{path}: fails on a frame: {error}"
        return None, [*results, CheckResult("bad", problem, TRAIN, about_model=True)]
    findings = list(_findings(path, policy, is_chosen=chosen is not None))
    fails = any(finding.kind == "bad" for finding in findings)
    return (None if fails else policy), [*results, CheckResult("ok", text, about_model=True), *findings]


def _load(path: Path, preprocessing: Preprocessing | None) -> tuple[LoadedPolicy, str]:
    import numpy as np

    from models.loading import load_warm_policy
    from simulator_bridge.messages import FRAME_SHAPE

    policy = load_warm_policy(path) if preprocessing is None else load_warm_policy(path, preprocessing)
    began_at = time.perf_counter()
    action = policy(np.full(FRAME_SHAPE, 100, np.uint8))
    took_ms = (time.perf_counter() - began_at) * 1000
    text = f"{path}: loads and answers, steering {action.steering_angle:+.3f} for a grey frame in {took_ms:.1f} ms"
    return policy, text


def _findings(path: Path, policy: LoadedPolicy, *, is_chosen: bool) -> Iterator[CheckResult]:
    from models.sanity import assumptions, check_answers

    for finding in check_answers(policy):
        fix = "train it again: python train/clone.py recordings/" if finding.is_bad else ASSUMED
        yield CheckResult(finding.kind, f"{path}: {finding.text}", fix, about_model=True)
    for finding in assumptions(policy):
        fix = (
            ASSUMED if "--preprocessing" in finding.text and not is_chosen else ""
        )  # of its answers nothing can be said
        yield CheckResult("ok" if is_chosen else "warn", f"{path}: {finding.text}", fix, about_model=True)


def _calibration(path: Path, tried: list[Candidate]) -> Iterator[CheckResult]:
    from models.calibration import BELIEVED

    believed = tried[0].correlation >= BELIEVED
    for rank, candidate in enumerate(tried[:N_SHOWN]):
        text = f"{path}: {'the best of ' + str(len(tried)) + ' tried' if rank == 0 else 'next'}: {candidate}"
        yield CheckResult("ok" if believed else "warn", text, "" if believed else TRAIN, about_model=True)
