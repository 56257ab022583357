"""The server that simulators connect to, and the state of its clients."""
