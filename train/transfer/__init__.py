"""Transfer learning: the regimes, how one is chosen, and training a head on features that are computed once."""
