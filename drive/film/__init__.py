"""Films of recorded drives, with what a model makes of them."""
