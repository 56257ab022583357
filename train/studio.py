"""Drive the built-in simulator from a web page, record, train, watch: `python train/studio.py --track lake`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not train/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import logging

from simulator_bridge.cli.command import exit_code
from simulator_bridge.cli.parent_watch import end_with_parent
from simulator_bridge.simulator.scene.scene_options import BACKENDS, WEATHERS
from train.studio_page.studio_config import StudioConfig


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = build_parser()
    arguments = vars(parser.parse_args(argv))
    if arguments.pop("end_with_parent"):
        end_with_parent()
    try:
        config = StudioConfig(**arguments)
    except ValueError as error:
        parser.error(str(error))
    return exit_code(lambda: run(config))


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    defaults = StudioConfig()
    parser = argparse.ArgumentParser(
        description="Drive the built-in simulator from a web page: record, train a network, watch it drive."
    )
    parser.add_argument(
        "--track", default=defaults.track,
        help="lake, jungle, random:SEED, or a CSV file with x_m,y_m,w_tr_right_m,w_tr_left_m (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--scale", type=float, default=defaults.scale, help="stretch the track (default: %(default)s)")
    parser.add_argument("--reverse", action="store_true", help="drive the track the other way")
    parser.add_argument("--seed", type=int, help="of scenery and weather (default: none)")
    parser.add_argument("--weather", choices=WEATHERS, default=defaults.weather, help="(default: %(default)s)")
    parser.add_argument("--backend", choices=BACKENDS, default=defaults.backend, help="renderer (default: %(default)s)")
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="record into this folder (default: recordings/browser-N)"
    )
    parser.add_argument("--host", default=defaults.host, help="address of the page (default: %(default)s)")
    parser.add_argument("--port", type=int, default=defaults.port, help="port of the page (default: %(default)s)")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="say more on standard error")
    loudness.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and the address")
    parser.add_argument("--end-with-parent", action="store_true", help="end when standard input closes")
    return parser


def run(config: StudioConfig) -> int:
    """Serve the page until Ctrl-C."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    level = logging.DEBUG if config.verbose else logging.WARNING if config.quiet else logging.INFO
    for package in ("simulator_bridge", "train"):
        logging.getLogger(package).setLevel(level)
    from train.studio_page.studio_server import serve_studio

    return serve_studio(config)


if __name__ == "__main__":
    sys.exit(main())
