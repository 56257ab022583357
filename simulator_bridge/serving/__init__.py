"""The server that simulators connect to, and what it knows of its clients."""
