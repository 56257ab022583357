"""Pages for a person: one about recordings, one about a finished training."""
