"""Recordings of other programs, read into the same rows as a log: Donkey car tubs, LeRobot datasets."""
