"""A phone in the same network finds the page: by an address that it reaches, with the token, and as a QR code."""

from __future__ import annotations

import pytest

from drive.server import main
from simulator_bridge.pages import phone_link as module
from simulator_bridge.pages.phone_link import (
    HALVES,
    PhoneLink,
    host_elsewhere,
    host_here,
    own_address,
    phone_link,
    print_phone_link,
)
from simulator_bridge.transport.address import is_loopback
from tests.support.made_cockpit import running_cockpit

URL = "http://192.0.2.7:4567/cockpit?token=abc"


@pytest.mark.parametrize(
    ("host", "token", "url"),
    [
        ("127.0.0.1", None, None),
        ("localhost", "abc", None),
        ("0.0.0.0", "abc", "http://198.51.100.4:4567/cockpit?token=abc"),
        ("::", "abc", "http://198.51.100.4:4567/cockpit?token=abc"),
        ("192.0.2.7", "a b/c", "http://192.0.2.7:4567/cockpit?token=a+b%2Fc"),
        ("fd00::1", None, "http://[fd00::1]:4567/cockpit"),
    ],
)
def test_the_link_is_one_that_a_phone_reaches(
    host: str, token: str | None, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "own_address", lambda: "198.51.100.4")
    link = phone_link(host, 4567, "/cockpit", token)
    assert (None if link is None else link.url) == url


@pytest.mark.parametrize("address", [None, "127.0.0.1"])
def test_a_computer_in_no_network_has_no_link(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "own_address", lambda: address)
    assert phone_link("0.0.0.0", 4567, "/cockpit", "abc") is None


def test_an_address_that_is_shown_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "own_address", lambda: "198.51.100.4")
    assert [host_here(host) for host in ("0.0.0.0", "::", "192.0.2.7")] == ["127.0.0.1", "127.0.0.1", "192.0.2.7"]
    assert [host_elsewhere(host) for host in ("0.0.0.0", "fd00::1")] == ["198.51.100.4", "[fd00::1]"]
    monkeypatch.setattr(module, "own_address", lambda: None)
    assert host_elsewhere("0.0.0.0") == "127.0.0.1"


def test_the_own_address_is_none_or_one_in_digits() -> None:
    address = own_address()
    assert address is None or not is_loopback(address) or address.startswith("127.")


def test_the_code_on_a_terminal_is_the_code_module_by_module() -> None:
    link = PhoneLink(URL)
    lines = [
        line.removeprefix(module.BLACK_ON_WHITE).removesuffix(module.USUAL_COLOURS) for line in link.text().split("\n")
    ]
    pairs = {shown: pair for pair, shown in HALVES.items()}
    rows = [[pairs[shown][half] for shown in line] for line in lines for half in (0, 1)]
    wanted = [[bool(module_) for module_ in row] for row in link.code.matrix_iter(border=module.QUIET_ZONE)]
    assert rows[: len(wanted)] == wanted
    assert len(lines[0]) <= 80


def test_a_pipe_gets_the_address_and_no_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_phone_link(PhoneLink(URL))
    assert capsys.readouterr().out == f"on a phone in the same network: {URL}\n"
    print_phone_link(None)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_phone_link(PhoneLink(URL))
    assert "\N{FULL BLOCK}" in capsys.readouterr().out


def test_the_page_shows_the_code_or_says_how_to_get_one() -> None:
    import urllib.request

    with running_cockpit(phone=lambda: PhoneLink(URL)) as cockpit:
        page = urllib.request.urlopen(cockpit.url).read().decode()
    assert 'href="http://192.0.2.7:4567/cockpit?token=abc"' in page
    assert "<svg" in page
    with running_cockpit() as cockpit:
        page = urllib.request.urlopen(cockpit.url).read().decode()
    assert "--host 0.0.0.0" in page


def test_the_help_tells_how(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "from a phone in the same network: --host 0.0.0.0" in " ".join(capsys.readouterr().out.split())
