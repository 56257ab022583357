"""The simulator's side of the world: messages, recordings, transport and the built-in simulator."""
