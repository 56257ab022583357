"""The text of driving_log.csv: the format that is written, and the dialects that are read."""
