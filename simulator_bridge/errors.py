"""User errors: something outside the program is wrong. `cli/command.py` reports them in one line."""

from __future__ import annotations


class UserError(ValueError):
    """Something outside the program is wrong; the message says what was expected, what was found and what to do."""


class UsageError(UserError):
    """A wrong command line, or an invalid setting in code; a command exits with 2."""


class ProtocolError(UserError):
    """A message does not follow the simulator's protocol."""


class RecordingError(UserError):
    """A recording cannot be read or written."""


class ModelFileError(UserError):
    """A model file is missing, of another kind, or damaged."""
