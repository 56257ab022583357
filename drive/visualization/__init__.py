"""Pictures of what a model does: films of recordings, and what moves its steering."""
