"""Writes a model in the formats of other programs, loads each file again, and compares its answers."""

from __future__ import annotations

import logging
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.architectures.recovery import TOLD
from models.architectures.registry import SEGMENTATION
from models.exports import formats
from models.litert_conversion import load_keras_model
from models.loading import load_foreign, load_policy
from models.model_file import ModelFile, load_model_file
from models.policy import Policy
from models.preprocessing.steps import Preprocessing, parse_preprocessing
from models.varied_frames import varied_frames
from simulator_bridge.cli.output_file import replacing
from simulator_bridge.errors import ModelFileError, UserError
from simulator_bridge.messages import Frame
from simulator_bridge.printable_text import one_line

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

N_FRAMES = 32
LIMITS = {"int8": math.inf, "float16": 0.05, "donkeycar": math.inf}  # of steering; the others, EXACT
EXACT = 1e-3
SMALL_PX = (120, 160)  # of a Donkey car


@dataclass(frozen=True)
class Export:
    """A file that was written.

    Attributes:
        format: One of `models.export.FORMATS`.
        file: Its name in the folder.
        n_bytes: Its size.
        max_difference: From the model's answers, by output, over all frames; in the output's unit.
        n_frames: Frames compared.
        frames: Where they are from.
    """

    format: str
    file: str
    n_bytes: int
    max_difference: dict[str, float]
    n_frames: int
    frames: str


def export_all(
    model: Path, folder: Path, to: Sequence[str], recording: Path | None, preprocessing: str | None, throttle: float
) -> list[Export]:
    """Write a model in several formats.

    Args:
        model: Of `train/clone.py`, or a Keras model of another program.
        folder: Made if it is not there.
        to: Formats.
        recording: Frames to compare on; None: drawn ones.
        preprocessing: Of a model of another program.
        throttle: Of a Donkey car whose model has none.

    Raises:
        ModelFileError: If it is no Keras model, or a file differs from it by more than its format explains.
        UserError: If the recording cannot be read, or a file not be written.
    """
    file = load_model_file(model)
    if not file.architecture:
        raise ModelFileError(f"{model}: expected a Keras model; what is exported already cannot be exported again")
    chosen = None if preprocessing is None else parse_preprocessing(preprocessing)
    policy = load_policy(model, chosen)
    network = without_what_is_told(load_keras_model(file))
    frames = frames_of(recording)
    folder.mkdir(parents=True, exist_ok=True)
    exports = []
    for each in to:
        logger.info("%s: writing %s", model, each)
        path = folder / formats.file_name(model, each)
        _write(path, each, _writer(each, network, policy, frames, throttle, file))
        exports.append(_compared(each, path, policy, frames, chosen, recording))
    return exports


def _writer(
    to: str, network: keras.Model, policy: Policy, frames: Sequence[Frame], throttle: float, file: ModelFile
) -> Callable[[Path], None]:
    if to == "donkeycar":
        if file.flatbuffer is None:
            raise ModelFileError(f"{file.path}: only a model of train/clone.py is exported to a Donkey car")
        network = formats.for_donkey_car(network, throttle)
    images = [formats.image_of(policy, frame) for frame in with_mirrored(frames)]
    return lambda path: formats.WRITERS[to](network, path, images)


def without_what_is_told(model: keras.Model) -> keras.Model:
    """The model with the outputs that drive: other programs take what an output is by their order."""
    import keras

    outputs = [
        output
        for name, output in zip(model.output_names, model.outputs, strict=True)
        if name not in (*TOLD, SEGMENTATION)
    ]
    if len(outputs) == len(model.outputs):
        return model
    return keras.Model(model.inputs, outputs if len(outputs) > 1 else outputs[0], name=model.name)


def with_mirrored(frames: Sequence[Frame]) -> list[Frame]:
    """Frames and their mirror images: 8 bits that are fitted to bends to one side alone cannot steer to the other."""
    return [*frames, *(np.ascontiguousarray(frame[:, ::-1]) for frame in frames)]


def _write(path: Path, to: str, write: Callable[[Path], None]) -> None:
    """Write whole or not at all; a folder takes the place of one that was exported before."""
    try:
        if to != "saved_model":
            with replacing(path, ModelFileError) as partial:
                write(partial)
            return
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            write(Path(folder, "new"))
            if path.is_dir() and (path / "saved_model.pb").is_file():
                path.rename(Path(folder, "old"))
            Path(folder, "new").rename(path)
    except UserError:
        raise
    except Exception as error:  # whatever a converter raises
        reason = one_line(error) or type(error).__name__
        raise ModelFileError(f"{path}: cannot be written as {to}: {reason}") from error


def _compared(
    to: str,
    path: Path,
    policy: Policy,
    frames: Sequence[Frame],
    preprocessing: Preprocessing | None,
    where: Path | None,
) -> Export:
    if to == "donkeycar":
        differences = formats.donkey_differences(path, policy, frames)
    else:
        written = load_foreign(load_model_file(path), preprocessing)
        pairs = [(asdict(policy(frame)), asdict(written(frame))) for frame in frames]
        differences = {
            name: max(abs(expected[name] - got[name]) for expected, got in pairs)
            for name, value in pairs[0][0].items()
            if value is not None and pairs[0][1][name] is not None
        }
    if not differences.get("steering_angle", math.nan) <= LIMITS.get(to, EXACT):  # also catches NaN
        _remove(path)
        by = differences.get("steering_angle", math.nan)
        raise ModelFileError(
            f"{path}: not kept: its steering differs from the model's by {by:.2g}, at most "
            f"{LIMITS.get(to, EXACT):g} is explained by the format"
        )
    size = sum(each.stat().st_size for each in (path.rglob("*") if path.is_dir() else [path]))
    return Export(to, path.name, size, differences, len(frames), str(where) if where else "drawn roads")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def frames_of(recording: Path | None) -> list[Frame]:
    """The frames on which an export is compared: N_FRAMES of a recording, spread evenly, or drawn roads."""
    if recording is None:
        return list(varied_frames())
    from simulator_bridge.recording import load_only_recording, read_frame

    driven = load_only_recording(recording)
    rows = np.unique(np.linspace(0, len(driven) - 1, N_FRAMES).astype(int))
    return [read_frame(driven.image_path("center", int(row))) for row in rows]
