"""Behavioral cloning in one file, over the parts that `train/clone.py` is made of. Read it from top to bottom.

    python examples/minimal_training.py recordings --output runs/minimal.h5
    python drive/server.py runs/minimal.h5

What it leaves out, `train/clone.py` has: pretrained networks, early stopping, resuming after a kill, several workers,
baselines, reports.
"""

# ruff: noqa: T201 - an example prints
from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not examples/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow says much on import

import keras
import numpy as np
import tensorflow as tf

from models.architectures.registry import ModelConfig, build_model
from models.saving import save_model_file
from simulator_bridge.recording import load_recordings
from train.data.image_store import FrameReader
from train.data.rows import gather_rows
from train.data.splits import split_blocks
from train.dataset import load_dataset
from train.train_config import TrainConfig

N_PARITY_FRAMES = 32  # on so many real frames the saved model must drive as the trained one


def train(config: TrainConfig) -> float:
    """Train PilotNet on recordings and save `model.h5`; returns the best validation error (MSE)."""
    # Rows: every usable line of every driving_log.csv. Contiguous blocks of them are for validation: neighbouring
    # frames are nearly equal, so a network could score on shuffled rows by remembering.
    rows = gather_rows(load_recordings(config.recordings), config.outputs)
    split = split_blocks(
        rows.recording, rows.time_s, config.validation_fraction, config.validation_blocks, config.guard_s
    )

    # Model: frame -> preprocessing (crop, resize) -> network -> steering angle. Only the network is trained; saved and
    # served is the whole, so that driving sees exactly the pixels that training saw.
    keras.utils.set_random_seed(config.seed)
    model = build_model(ModelConfig(arch=config.arch, outputs=config.outputs))
    network = model.get_layer("network")

    # Images are decoded and preprocessed once. Every epoch changes them anew (mirror, shift, light) and their labels
    # with them; a left camera's image is one more sample, with a label that steers right.
    dataset = load_dataset(config, rows, split, model, FrameReader())
    batches = dataset.image_batches(config)
    validation = dataset.validation_set
    validation_images = dataset.store.read(validation.image)[0].astype(np.float32)

    n_steps = batches.n_samples(0) // config.batch_size
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-4, config.epochs * n_steps))

    def step(images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            error = network(tf.cast(images, tf.float32), training=True) - labels
            loss = tf.reduce_mean(weights * tf.square(error)[:, 0])  # weight 0: padding of the last batch
        variables = network.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    compiled_step = tf.function(step)
    best_mse, best_weights = float("inf"), model.get_weights()
    for epoch in range(config.epochs):
        losses = [compiled_step(*batch) for batch in batches.batches(epoch, tf.distribute.InputContext())]
        score = validation.score(network.predict(validation_images, verbose=0)[:, 0])
        is_best = score.mse < best_mse
        if is_best:
            best_mse, best_weights = score.mse, model.get_weights()
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, validation MSE {score.mse:.5f}{'*' * is_best}")

    model.set_weights(best_weights)
    save_model_file(config.output, model, {}, dataset.validation_frames(N_PARITY_FRAMES))
    print(f"best validation MSE {best_mse:.5f}; python drive/server.py {config.output}")
    return best_mse


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Train PilotNet on recordings: behavioral cloning in one file.")
    parser.add_argument("recordings", type=Path, nargs="+", help="folders with a driving_log.csv, or of such")
    parser.add_argument("--output", type=Path, default=Path("runs/minimal.h5"), help="(default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=6, help="(default: %(default)s)")
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    train(TrainConfig(recordings=arguments.recordings, output=arguments.output, epochs=arguments.epochs))


if __name__ == "__main__":
    main()
