"""The LiteRT copy, and an exported file, do what the Keras model does, by operations that LiteRT runs fast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from models.architectures.preprocessing import build_preprocessing
from models.exports.formats import WRITERS
from models.litert_conversion import convert_to_litert
from models.quiet_import import import_tensorflow
from simulator_bridge.messages import FRAME_SHAPE

N_FRAMES = 20
OUTPUTS = ((1.0, "as_it_is"), (0.5, "besides"))


@pytest.fixture(scope="module", params=["copy", "export"])
def flatbuffer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model that returns the image which its network gets; the network tells something besides."""
    import_tensorflow()
    import keras

    preprocessing = build_preprocessing((64, 160), (56, 24))
    image = keras.Input((64, 160, 3), name="image")
    outputs = [keras.layers.Rescaling(scale, dtype="float32", name=name)(image) for scale, name in OUTPUTS]
    network = keras.Model(image, outputs, name="network")
    frame = keras.Input(FRAME_SHAPE, dtype="uint8", name="frame")
    model = keras.Model(frame, network(preprocessing(frame))[0])
    if request.param == "copy":
        return convert_to_litert(model)
    path: Path = tmp_path_factory.mktemp("export") / "model.tflite"
    WRITERS["tflite"](model, path, [])
    return path.read_bytes()


def test_the_network_gets_the_same_whole_numbers_as_in_keras(flatbuffer: bytes) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (N_FRAMES, *FRAME_SHAPE), np.uint8)
    frames[0], frames[1] = 0, 255
    expected = np.asarray(build_preprocessing((64, 160), (56, 24))(frames))
    interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
    interpreter.allocate_tensors()
    for frame, image in zip(frames, expected, strict=True):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], frame[np.newaxis])
        interpreter.invoke()
        got = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
        np.testing.assert_array_equal(got, image.astype(np.float32))


def test_only_the_crop_and_one_cast_are_left_to_the_slow_operations(flatbuffer: bytes) -> None:
    interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
    names = [operation["op_name"] for operation in interpreter._get_ops_details()]  # there is no public way to them
    assert names.count("CAST") == 1
    assert "STRIDED_SLICE" not in names
