"""What the cockpit shows of a model: overlays, and what it tells."""
