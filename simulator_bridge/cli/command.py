"""The one way in which a script of this project runs: parse, build the config, run, exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from simulator_bridge.cli.interrupts import take_break_as_ctrl_c
from simulator_bridge.cli.option_parser import build_parser
from simulator_bridge.cli.parent_watch import end_with_parent
from simulator_bridge.cli.standard_output import accept_every_character, reserved_for_json
from simulator_bridge.cli.terminal import quiet
from simulator_bridge.errors import UsageError, UserError
from simulator_bridge.printable_text import printable

Config = TypeVar("Config")

USAGE = 2
CTRL_C = 130  # what shells report for a program that Ctrl-C ended
BROKEN_PIPE = 141  # ... and for one whose reader has gone (`| head`)
PACKAGES = ("train", "drive", "models", "simulator_bridge", "__main__")


def run_command(
    config_type: Callable[..., Config],
    run: Callable[[Config], int],
    argv: Sequence[str] | None,
    *,
    description: str,
    epilog: str = "",
    former: Mapping[str, str] | None = None,
    with_times: bool = False,
) -> int:
    """Run a script.

    A field `end_with_parent`, `verbose`, `quiet` or `json` of the config means the same in every script: the process
    ends with the one that started it; more or less is said on standard error; with `--json -` standard output holds the
    JSON alone, and the table goes to standard error.

    Args:
        config_type: Its settings: a dataclass, see `options.py`.
        run: Its body; returns 0 when it is done, 1 when it has failed.
        argv: The command line without the program's name; None: that of this process.
        description: For `--help`.
        epilog: For `--help`, below the options.
        former: Flags that there were once -> what to use now.
        with_times: Log the time of day too, for programs that run for long.

    Returns:
        What `run` returns; 1 after a `UserError`, said in one line without a traceback; 130 after Ctrl-C; 141 when what
        reads our output has ended. Anything else is a bug and keeps its traceback.

    Raises:
        SystemExit: With 2, for a wrong command line: usage and what is wrong on standard error.
    """
    accept_every_character()
    take_break_as_ctrl_c()
    parser = build_parser(config_type, description, epilog, former)  # type: ignore[arg-type]
    try:
        arguments = vars(parser.parse_intermixed_args(argv))  # an optional FOLDER may stand behind options
        config = config_type(**arguments)
        if arguments.get("end_with_parent"):
            end_with_parent()
        is_quiet, is_verbose = bool(arguments.get("quiet")), bool(arguments.get("verbose"))
        if is_quiet and is_verbose:
            raise UsageError("--verbose and --quiet do not go together")
        set_up_logging(verbose=is_verbose, quiet=is_quiet, with_times=with_times)

        def body() -> int:
            with reserved_for_json(arguments.get("json"), is_quiet):
                return run(config)

        with quiet(is_quiet):
            return exit_code(body)
    except UsageError as error:
        parser.exit(USAGE, f"{parser.format_usage()}{parser.prog}: error: {printable(error)}\n")


def exit_code(body: Callable[[], int]) -> int:
    """Run a command's body and turn its failures into an exit code; see `run_command`."""
    try:
        code = body()
        sys.stdout.flush()
        return code
    except UsageError:
        raise
    except UserError as error:
        print(f"error: {printable(error)}", file=sys.stderr)  # noqa: T201 - the one place where failures are printed
        return 1
    except KeyboardInterrupt:
        return CTRL_C
    except BrokenPipeError:
        # What is still to be flushed when Python ends goes nowhere, or it would fail once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def set_up_logging(*, verbose: bool = False, quiet: bool = False, with_times: bool = False) -> None:
    """Log to standard error: warnings of libraries, and of our own packages as much as is asked for."""
    line = "%(asctime)s %(message)s" if with_times else "%(message)s"
    handler = logging.StreamHandler()
    handler.setFormatter(_PrintableFormatter(line, datefmt="%H:%M:%S"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.captureWarnings(True)  # libraries name files in theirs
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    for package in PACKAGES:
        logging.getLogger(package).setLevel(level)


class _PrintableFormatter(logging.Formatter):
    """One line for a message, whatever is in it: names of files, bytes of clients."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return printable(super().formatException(ei), keep="\n")
