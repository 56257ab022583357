"""Models: architectures, preprocessing inside the model, the model file, and what runs a model on a frame."""
