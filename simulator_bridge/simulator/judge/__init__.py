"""The referee, and what a judged drive comes to."""
