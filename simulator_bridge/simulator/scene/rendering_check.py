"""Opens a renderer and says which: a process of its own, because Mesa and TensorFlow do not share one.

Started by doctor.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not scene/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[3])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from dataclasses import dataclass

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import backend_option
from simulator_bridge.cli.options import check_options
from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.simulator.scene.scene_options import Backend


@dataclass(frozen=True, kw_only=True)
class RenderingCheckConfig:
    """Settings of the check; the help of each field is that of its flag."""

    backend: Backend = backend_option()

    def __post_init__(self) -> None:
        check_options(self)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(RenderingCheckConfig, run, argv, description="Say which renderer opens here.")


def run(config: RenderingCheckConfig) -> int:
    """Print its name."""
    from simulator_bridge.simulator.scene.renderer import open_pipe

    print_result(open_pipe(config.backend)[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
