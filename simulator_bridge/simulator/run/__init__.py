"""One run of the simulator: who drives, what is recorded, filmed and reported."""
