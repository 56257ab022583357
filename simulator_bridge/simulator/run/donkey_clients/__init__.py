"""The built-in simulator for clients of Donkey's simulator, such as gym-donkeycar."""
