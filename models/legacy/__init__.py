"""Models that old versions of Keras saved: rebuilt with the layers of today, without running anything in them."""
