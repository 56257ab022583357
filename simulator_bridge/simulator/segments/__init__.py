"""Short drives, each from its own place and under its own conditions: what an exam is made of."""
