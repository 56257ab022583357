"""Replay: a virtual car that deviates from a recorded drive and sees its real frames, as a simulation to be judged."""
