"""Architectures, preprocessing inside the model, the model file and inference runtimes."""
