"""The address at which a phone in the same network opens a page, and its QR code for a terminal and for a page."""

from __future__ import annotations

import socket
import sys
import urllib.parse
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from simulator_bridge.cli.standard_output import print_result
from simulator_bridge.transport.address import is_loopback

ANYWHERE = ("", "0.0.0.0", "::")  # a server that listens on all addresses of its computer
SOMEBODY = ("192.0.2.1", 9)  # an address of nobody (RFC 5737): to find which of ours looks outwards; nothing is sent
QUIET_ZONE = 2  # light modules around the code; the standard's 4 are for paper
BLACK_ON_WHITE, USUAL_COLOURS = "\x1b[30;107m", "\x1b[0m"
HALVES = {(False, False): " ", (True, False): "\N{UPPER HALF BLOCK}", (False, True): "\N{LOWER HALF BLOCK}",
          (True, True): "\N{FULL BLOCK}"}  # fmt: skip


@dataclass(frozen=True)
class PhoneLink:
    """An address that a phone reaches.

    Attributes:
        url: With the token, if there is one: who has it can drive.
    """

    url: str

    @property
    def code(self) -> Any:
        """Its QR code."""
        import segno  # only where it is shown

        return segno.make(self.url, error="l", micro=False)

    def svg(self) -> Markup:
        """The code for a page, dark on light in either theme."""
        return Markup(self.code.svg_inline(scale=4, border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True))

    def text(self) -> str:
        """The code for a terminal, two rows of modules a line."""
        rows = [[bool(module) for module in row] for row in self.code.matrix_iter(border=QUIET_ZONE)]
        rows += [[False] * len(rows[0])] * (len(rows) % 2)
        lines = ["".join(HALVES[pair] for pair in zip(*rows[i : i + 2], strict=True)) for i in range(0, len(rows), 2)]
        return "\n".join(f"{BLACK_ON_WHITE}{line}{USUAL_COLOURS}" for line in lines)


def phone_link(host: str, port: int, path: str, token: str | None) -> PhoneLink | None:
    """The link to a page of a server.

    Args:
        host: Where it listens, as it was asked to.
        port: Of the server.
        path: Of the page, such as "/cockpit".
        token: That the server asks for.

    Returns:
        None if no other computer reaches the server, or this one is in no network.
    """
    if is_loopback(host):
        return None
    address = own_address() if host in ANYWHERE else host
    if not address or is_loopback(address):
        return None
    query = "" if token is None else "?" + urllib.parse.urlencode({"token": token})
    return PhoneLink(f"http://{_in_url(address)}:{port}{path}{query}")


def host_here(host: str) -> str:
    """What a browser on this computer opens of a server that listens on `host`: no 0.0.0.0, which is no place.

    >>> host_here("0.0.0.0"), host_here("192.0.2.7"), host_here("::1")
    ('127.0.0.1', '192.0.2.7', '[::1]')
    """
    return "127.0.0.1" if host in ANYWHERE else _in_url(host)


def host_elsewhere(host: str) -> str:
    """What another computer connects to; where this one is in no network, what it does so itself."""
    address = own_address() if host in ANYWHERE else host
    return _in_url(address) if address else host_here(host)


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def own_address() -> str | None:
    """The address of this computer in its network; None if it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outwards:
        try:
            outwards.connect(SOMEBODY)
        except OSError:
            return None
        address: str = outwards.getsockname()[0]
        return address


def print_phone_link(link: PhoneLink | None) -> None:
    """Print the link; with its QR code, if a person sees it on a terminal."""
    if link is None:
        return
    print_result(f"on a phone in the same network: {link.url}")
    if sys.stdout.isatty():
        print(link.text(), flush=True)  # noqa: T201 - colours, which print_result would escape
