"""Failures that we foresee, and how a command reports them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


class UserError(ValueError):
    """Something outside the program is wrong; the message says what was expected, what came and what to do."""


class ProtocolError(UserError):
    """A message on the wire that does not follow the simulator's protocol."""


class RecordingError(UserError):
    """A recording that cannot be read or written."""


class ModelFileError(UserError):
    """A model file that is missing, foreign or damaged."""


def exit_code(command: Callable[[], int]) -> int:
    """Run a command's body; report a foreseen failure in one line on standard error, without a traceback.

    Returns:
        What `command` returns (0 done), 1 after a `UserError`, 130 after Ctrl-C, 141 when what reads our output has
        ended (`| head`). Anything else is a bug and keeps its traceback.
    """
    try:
        code = command()
        sys.stdout.flush()
        return code
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the one place where failures are printed
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # What is still to be flushed when Python ends goes nowhere, or it would fail once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
