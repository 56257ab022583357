"""The architectures by name, and how a model is put together."""
