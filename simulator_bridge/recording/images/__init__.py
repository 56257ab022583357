"""The camera images of a recording: finding, checking and reading the files."""
