"""The classes that pixels of a frame are told apart by."""

CLASSES = ("road", "edge", "land", "sky", "car")
"""Road with its lines; kerbs and shoulders; everything beside it; the sky; the car's own hood."""
REDUCTION = 4  # a segmentation has a pixel for each 4x4 of the network's image
