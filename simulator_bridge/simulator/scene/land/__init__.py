"""The land around a road, and what stands on it."""
