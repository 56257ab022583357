"""Drive the built-in simulator from a web page, record, train, watch: `python train/studio.py --track lake`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

from simulator_bridge.cli.command import run_command
from simulator_bridge.cli.common_options import PHONE
from train.studio_page.studio_config import StudioConfig


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run_command(
        StudioConfig,
        run,
        argv,
        description="Drive the built-in simulator from a web page: record, train a network, watch it drive.",
        epilog=f"Ctrl-C closes the recording; a training that runs saves its best model so far.\n\n{PHONE}",
    )


def run(config: StudioConfig) -> int:
    """Serve the page until Ctrl-C."""
    from train.studio_page.studio_server import serve_studio

    return serve_studio(config)


if __name__ == "__main__":
    sys.exit(main())
