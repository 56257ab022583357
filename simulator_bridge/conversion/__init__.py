"""Recordings written in the formats of other programs: `simulator_bridge/convert.py`."""
