"""The driving page's server: the simulator in this thread, the page in others, until Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import secrets
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.pages.page_server import PageServer
from simulator_bridge.pages.phone_link import PhoneLink, host_here, phone_link, print_phone_link
from simulator_bridge.track import build_track
from simulator_bridge.transport.address import is_loopback
from train.studio_page.ongoing_recording import expect_new
from train.studio_page.studio_config import StudioConfig
from train.studio_page.studio_pages import HOME, StudioPages
from train.studio_page.studio_session import StudioSession
from train.studio_page.studio_world import StudioWorld

logger = logging.getLogger(__name__)

RECORDINGS = Path("recordings")  # folder of recordings without --record


def serve_studio(config: StudioConfig) -> int:
    """Serve the page until SIGINT or SIGTERM; both are the normal way to stop.

    Raises:
        UserError: If the track cannot be driven, the renderer or the port not be opened, or the folder not be used.
    """
    track = build_track(config.track, seed=config.seed, reverse=config.reverse, scale=config.scale)
    folder = config.record or free_folder(RECORDINGS)
    expect_new(folder)  # before the world is built, which takes seconds
    with (
        until_signal() as ended,
        contextlib.closing(StudioWorld(config, track)) as world,
        contextlib.closing(StudioSession(world.simulation, folder, world)) as session,
    ):
        token = None if is_loopback(config.host) else secrets.token_urlsafe(16)

        def phone() -> PhoneLink | None:
            return phone_link(config.host, server.port, HOME, token)

        pages = StudioPages(session, phone)
        server = PageServer(pages.served, config.host, config.port, token=token)
        web = threading.Thread(target=server.serve, name="pages", daemon=True)
        web.start()
        try:
            server.listening.wait()
            query = "" if token is None else f"?token={token}"
            print_result(f"drive at http://{host_here(config.host)}:{server.port}{HOME}{query} ; Ctrl-C ends")
            print_phone_link(phone())
            while not ended.is_set():
                session.has_viewers = pages.channel.n_viewers > 0
                session.tick()
            if session.is_training:
                logger.warning("the training stops and saves its best model so far; Ctrl-C again ends it at once")
        finally:
            server.stop()
            web.join()
    return 0


def free_folder(parent: Path) -> Path:
    """A folder that does not exist yet: `browser-1` in `parent`, or the next number."""
    number = 1
    while (folder := parent / f"browser-{number}").exists():
        number += 1
    return folder


@contextlib.contextmanager
def until_signal() -> Iterator[threading.Event]:
    """Yield an event that SIGINT or SIGTERM sets; a second signal raises KeyboardInterrupt wherever it comes."""
    ended = threading.Event()

    def end(*arguments: object) -> None:
        if ended.is_set():
            raise KeyboardInterrupt
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
