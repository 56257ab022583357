"""Small models of other programs, in every kind of file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.quiet_import import import_tensorflow, quietly


def small_network(
    shape: tuple[int, ...] = (160, 320, 3), outputs: tuple[int, ...] = (1,), *, speed: bool = False,
    activation: str | None = None, scaled: bool = True, names: tuple[str, ...] = (),
) -> Any:  # fmt: skip
    """A Keras model with weights of a fixed seed: an image, perhaps a speed, to some outputs."""
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(3)
    image = keras.Input(shape, name="image")
    x = keras.layers.Rescaling(1 / 255)(image) if scaled else image
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 5, 4, activation="relu")(keras.layers.AveragePooling2D(2)(x)))
    inputs: Any = image
    if speed:
        told = keras.Input((1,), name="speed")
        x, inputs = keras.layers.Concatenate()([x, told]), [image, told]
    heads = [
        keras.layers.Dense(size, activation=activation, name=names[i] if names else None)(x)
        for i, size in enumerate(outputs)
    ]
    return keras.Model(inputs, heads if len(heads) > 1 else heads[0])


def write_model(model: Any, folder: Path, kind: str) -> Path:
    """Save a model as one of h5, keras, tflite, saved_model, json (with weights.h5), weights; returns what to load."""
    import tensorflow as tf

    path = folder / {"saved_model": "saved", "json": "model.json", "weights": "model.weights.h5"}.get(kind, f"m.{kind}")
    with quietly():
        if kind == "tflite":
            path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
        elif kind == "saved_model":
            model.export(path)
        elif kind in ("json", "weights"):
            (folder / "model.json").write_text(model.to_json())
            model.save_weights(folder / "model.weights.h5")
        else:
            model.save(path)
    return path
