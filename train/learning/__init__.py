"""How a network is trained: loss, learning rate, initial state, devices, time."""
