"""Models for tests whose outputs depend on the frame, as trained ones do, without training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from models.architectures.registry import ModelConfig, build_model
from models.quiet_import import import_tensorflow
from simulator_bridge.messages import FRAME_SHAPE

if TYPE_CHECKING:
    import keras


def made_model(config: ModelConfig | None = None, seed: int = 7) -> keras.Model:
    """A seeded model with random weights."""
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(seed)
    return build_model(config or ModelConfig())


def made_frames(n: int, seed: int = 7) -> npt.NDArray[np.uint8]:
    """(n, 160, 320, 3): smooth random colours with hard edges across, somewhat like a scene."""
    rng = np.random.default_rng(seed)
    frames = np.empty((n, *FRAME_SHAPE), np.uint8)
    for frame in frames:
        coarse = rng.integers(0, 256, (8, 16, 3), dtype=np.uint8)
        frame[:] = cv2.resize(coarse, (320, 160), interpolation=cv2.INTER_CUBIC)
        cv2.line(frame, (int(rng.integers(320)), 50), (int(rng.integers(320)), 159), (255, 220, 0), 4)
    return frames


def real_frames(driving_data: Path, n: int = 24) -> npt.NDArray[np.uint8]:
    """(n, 160, 320, 3) RGB, spread over all real recordings."""
    paths = sorted((driving_data / "recordings").glob("*/IMG/center_*.jpg"))
    chosen = paths[:: max(1, len(paths) // n)][:n]
    return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in chosen])
