"""The view from another place: a recorded frame as the camera of a car beside, before or askew of it would see it."""
