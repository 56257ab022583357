"""`simulate.py --donkey-port` and `--donkey`, from the settings to the end."""

from __future__ import annotations

import contextlib
import signal

from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.donkey.donkey_address import DONKEY_PORT, parse_address
from simulator_bridge.donkey.donkey_connection import CalledPeer, CallingPeer, DonkeyPeer
from simulator_bridge.simulator.run.donkey_clients.donkey_service import DonkeyService, DonkeySummary
from simulator_bridge.simulator.run.simulate_config import SimulateConfig
from simulator_bridge.simulator.simulation import Simulation
from simulator_bridge.track import build_track


def run_for_donkey(config: SimulateConfig) -> DonkeySummary:
    """Serve Donkey's clients until Ctrl-C, SIGTERM or a client's `quit_app`; all three are a normal end.

    Raises:
        UserError: If the track, the renderer or the port fails.
    """
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(contextlib.closing(_peer(config)))  # first: a port in use is found before the world
        track = build_track(config.track, seed=config.seed, reverse=config.reverse, scale=config.scale)
        simulation = stack.enter_context(Simulation(track, config.seed or 0, config.weather, (), config.backend))
        service = DonkeyService(
            simulation, peer, config.track, config.control_period_s, config.realtime, config.backend
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: service.stop())
        if isinstance(peer, CallingPeer):
            print_result(f"simulating {config.track} for Donkey's clients on 127.0.0.1:{peer.port}; Ctrl-C stops")
        return service.run()


def _peer(config: SimulateConfig) -> DonkeyPeer:
    if config.donkey is not None:
        return CalledPeer(*parse_address(config.donkey, DONKEY_PORT), kind="Donkey client of 2019")
    return CallingPeer(config.donkey_port or 0, kind="Donkey client")
