"""The cockpit: a live page on the drive server's own port, to watch a car, stop it and take over control."""
