"""The page of driven laps: where the car went, how far off its line, and what it saw before each intervention."""
