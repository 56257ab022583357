"""Segmentation: what a model sees, beside its answers."""
