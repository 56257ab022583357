"""The text of driving_log.csv: what is written, and every dialect that is read."""
