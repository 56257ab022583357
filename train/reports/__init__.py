"""Pages for a person: what is in the recordings, and what came of a training."""
