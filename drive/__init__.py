"""model.h5 in, driving out: the server, the pilot, laps and latency."""
