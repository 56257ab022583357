"""Pretraining of RoadNet on rendered roads: worlds rendered to files, a network that learns what they show."""
