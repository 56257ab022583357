"""What happens to a frame before a model sees it, where that is not in the model."""
