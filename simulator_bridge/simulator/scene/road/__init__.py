"""The road itself: its surface, lines, kerbs, shoulders, rails and walls."""
