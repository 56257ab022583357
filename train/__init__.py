"""Recordings in, model.h5 out."""
