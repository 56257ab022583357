"""The files that a training writes: locked for it, kept before they are replaced, elsewhere if a disk is full."""
