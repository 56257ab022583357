"""Comparing trainings: the same recordings, split and budget, different networks, regimes and settings."""
