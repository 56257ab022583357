"""Finds out what happened to a frame before a model: tries what is usual, and compares with what a driver did.

A wrong crop or colour order mostly costs a model its correlation with the driver; the right one stands out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.foreign_policy import ForeignPolicy
from models.preprocessing.steps import Preprocessing, parse_preprocessing
from models.runtimes.runtime import Runtime
from simulator_bridge.errors import UserError
from simulator_bridge.messages import FRAME_SHAPE, Frame

CROPS = (
    "",
    "60:135",
    "50:140",
    "60:140",
    "70:135",
    "40:140",
    "55:135",
    "35:135",
    "30:130",
    "65:140",
    "20:140",
    "80:140",
)
COLORS = ("rgb", "bgr", "yuv", "hsv", "hls", "lab")
SCALES = ("", "scale=255", "scale=127.5,offset=-1", "scale=255,offset=-0.5")
N_FRAMES = 120
N_SECOND = 3  # colours and scales that are tried with every crop
BELIEVED = 0.3  # a correlation below it says that none of what was tried is right


@dataclass(frozen=True)
class Candidate:
    """A preprocessing that was tried.

    Attributes:
        preprocessing: The steps.
        correlation: Of the steering with the driver's, Pearson's r; NaN if the model answered all the same.
    """

    preprocessing: Preprocessing
    correlation: float

    def __str__(self) -> str:
        return f"--preprocessing {self.preprocessing.name} (correlation with the driver {self.correlation:+.2f})"


def calibrate(
    runtime: Runtime,
    normalises: bool | None,
    frames: Sequence[Frame],
    steering_angle: npt.NDArray[np.float32],
    on_progress: Callable[[int], None] = lambda n_tried: None,
) -> list[Candidate]:
    """Try the usual preprocessings, the best one first.

    Args:
        runtime: Runs the model.
        normalises: Whether the model scales its image itself; None: not known.
        frames: Of a recording.
        steering_angle: The driver's, one for each frame.
        on_progress: Called with how many have been tried.

    Raises:
        UserError: If the driver hardly steers, so that nothing can be compared.
        ModelFileError: If the model takes no images.
    """
    if len(frames) < 2 or float(np.std(steering_angle)) < 1e-3:
        raise UserError("the driver of the recording hardly steers: take one with bends for --calibrate")
    tried: list[Candidate] = []

    def attempt(texts: Iterable[str]) -> None:
        known = {each.preprocessing.name for each in tried}
        for text in texts:
            if text not in known:
                tried.append(_tried(runtime, parse_preprocessing(text), frames, steering_angle))
                on_progress(len(tried))

    image = ForeignPolicy(runtime).image
    is_whole = FRAME_SHAPE[:2] in (image.shape[:2], image.shape[1:])  # it crops by itself
    crops = CROPS[:1] if is_whole else CROPS
    colors = ("grey",) if 1 in (image.shape[0], image.shape[-1]) else COLORS
    scales = _scales(image.dtype, normalises)
    attempt(_text(crop, color, scale) for crop in crops[:2] for color in colors for scale in scales)
    best = sorted(tried, key=_rank)[:N_SECOND]
    endings = {each.preprocessing.name[each.preprocessing.name.index("color=") :] for each in best}
    attempt(_text(crop, *_split(ending)) for ending in sorted(endings) for crop in crops)
    return sorted(tried, key=_rank)


def sample_rows(n_rows: int) -> list[int]:
    """The rows of a recording to compare on, spread evenly over it."""
    return sorted({int(row) for row in np.linspace(0, n_rows - 1, min(n_rows, N_FRAMES))})


def _tried(
    runtime: Runtime, preprocessing: Preprocessing, frames: Sequence[Frame], steering: npt.NDArray[np.float32]
) -> Candidate:
    policy = ForeignPolicy(runtime, preprocessing)
    answers = np.array([policy(frame).steering_angle for frame in frames])
    return Candidate(preprocessing, correlation(answers, steering))


def correlation(answers: npt.NDArray[np.floating], steering: npt.NDArray[np.floating]) -> float:
    """Pearson's r; NaN if either is constant or not finite."""
    if not np.isfinite(answers).all() or np.std(answers) < 1e-6 or np.std(steering) < 1e-6:
        return float("nan")
    return float(np.corrcoef(answers, steering)[0, 1])


def _scales(dtype: str, normalises: bool | None) -> tuple[str, ...]:
    if dtype == "uint8":
        return SCALES[:1]
    return SCALES[:2] if normalises else SCALES


def _text(crop: str, color: str, scale: str) -> str:
    return ",".join(each for each in (f"crop={crop}" if crop else "", f"color={color}", scale) if each)


def _split(ending: str) -> tuple[str, str]:
    color, _, scale = ending.removeprefix("color=").partition(",")
    return color, scale


def _rank(candidate: Candidate) -> float:
    """Smaller is better; to two decimals, so that of those that are as good the one tried first wins: the plainest."""
    return -round(candidate.correlation, 2) if np.isfinite(candidate.correlation) else np.inf
