"""A policy of your own behind the drive server: this one has learned nothing, it steers to the middle of what is grey.

    python examples/custom_policy.py                # drives a lap of the built-in lake
    python examples/custom_policy.py --serve        # waits on port 4567 for Udacity's simulator, or any other

A policy is any function from a frame to an `Action`. Replace `GreyRoadPolicy` by yours.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file: put the project root, not examples/, first on the path
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    import simulator_bridge.cli.python_check  # noqa: F401 - first: a wrong Python ends here, with one line

import argparse
import subprocess
import threading

import numpy as np

from drive.pilot import Pilot
from drive.speed_control import SpeedController
from models.policy import Action, check_frame
from simulator_bridge.messages import FRAME_WIDTH_PX, Frame
from simulator_bridge.serving.bridge_server import BridgeServer

SIMULATE = Path(__file__).resolve().parents[1] / "simulator_bridge" / "simulate.py"
SPEED_MPH = 15.0


class GreyRoadPolicy:
    """Steers to the middle of the pixels that look like asphalt: grey, and darker than a kerb."""

    rows = slice(66, 80)  # of the frame: the road some 10 to 25 m ahead
    most_colour = 30  # largest difference between red, green and blue, of 255
    brightest = 150  # of 255
    gain = 1.5  # steering for a road whose middle is at the frame's edge

    def __call__(self, frame: Frame) -> Action:
        """Decide on one frame, uint8 (160, 320, 3) RGB; raises ValueError for anything else."""
        check_frame(frame)
        band = frame[self.rows].astype(np.int16)
        is_road = (np.ptp(band, axis=2) < self.most_colour) & (band.mean(axis=2) < self.brightest)
        columns = np.nonzero(is_road)[1]
        if not len(columns):
            return Action(steering_angle=0.0)
        center = (FRAME_WIDTH_PX - 1) / 2
        return Action(steering_angle=self.gain * float(columns.mean() - center) / center)


def build_server(port: int) -> BridgeServer:
    """A server that drives each car that connects by the policy; 0 takes any free port."""
    policy = GreyRoadPolicy()
    return BridgeServer(lambda: Pilot(policy, SpeedController(SPEED_MPH)), port=port)


def drive(track: str, laps: int) -> int:
    """Drive the built-in simulator, a process of its own that connects as Udacity's does; returns its exit code."""
    server = build_server(port=0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        server.listening.wait()
        address = f"ws://127.0.0.1:{server.port}"
        command = [sys.executable, str(SIMULATE), "--track", track, "--laps", str(laps), "--connect", address]
        return subprocess.run(command, check=False).returncode
    finally:
        server.stop()
        thread.join()


def main() -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Drive by a policy that has learned nothing: to the middle of grey.")
    parser.add_argument("--track", default="lake", help="as of simulate.py (default: %(default)s)")
    parser.add_argument("--laps", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--serve", action="store_true", help="serve on port 4567 until Ctrl-C, and drive nothing")
    arguments = parser.parse_args()
    if not arguments.serve:
        return drive(arguments.track, arguments.laps)
    server = build_server(port=4567)
    try:
        server.serve()
    except KeyboardInterrupt:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
