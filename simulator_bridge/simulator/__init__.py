"""The built-in simulator: a process of its own that speaks the wire protocol."""
