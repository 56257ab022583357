"""From recordings to batches: rows, splits, labels, images, augmentation, the tf.data pipeline."""
