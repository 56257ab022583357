"""User errors: what is wrong outside the program. `cli/command.py` reports them in one line."""

from __future__ import annotations


class UserError(ValueError):
    """Something outside the program is wrong; the message says what was expected, what came and what to do."""


class UsageError(UserError):
    """A command line, or a setting made in code, that cannot be meant; a command ends with 2."""


class ProtocolError(UserError):
    """A message on the wire that does not follow the simulator's protocol."""


class RecordingError(UserError):
    """A recording that cannot be read or written."""


class ModelFileError(UserError):
    """A model file that is missing, foreign or damaged."""
