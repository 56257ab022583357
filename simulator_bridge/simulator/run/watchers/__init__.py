"""Watchers of the drive loop: each is called with every moment, after the driver has decided, and changes nothing."""
