"""Laps in the built-in simulator: run, judged, summed up in a table and on a page."""
