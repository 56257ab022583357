"""Measuring the drive server: how fast it answers, and how it stands long loads."""
