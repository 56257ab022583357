"""Live pages: what they show, who may watch, and that a slow page holds up nobody."""

from __future__ import annotations

import re
import threading
from collections.abc import Hashable, Mapping
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from simulator_bridge.pages.live_channel import MAX_VIEWERS, CommandError, LiveChannel, Update
from simulator_bridge.pages.live_viewer import MAX_UNSEEN, Viewer
from simulator_bridge.pages.served_pages import ServedPages
from tests.support.page_viewer import PageViewer, running_pages
from tests.support.running_server import connect, http, running_server

LIVE = "/live"
HANDSHAKE = {
    "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip
PICTURE = bytes(range(256)) * 80  # as long as a usual JPEG


class Stage:
    """A state to watch, and what its watchers have asked for."""

    def __init__(self) -> None:
        self.number = 0
        self.asked: list[Mapping[str, Any]] = []
        self.left = threading.Event()
        self.channel = LiveChannel(self.newest, self.take, lambda viewer: self.left.set())
        self.pages = ServedPages("/page")
        self.pages.add_channel(LIVE, self.channel)

    def newest(self, view: Hashable) -> Update:
        self.number += 1
        return Update({"number": self.number, "view": view}, {"camera": PICTURE, "map": b"<>"}, self.number)

    def take(self, viewer: Viewer, command: Mapping[str, Any]) -> None:
        if command.get("do") == "fail":
            raise CommandError("that cannot be done")
        if command.get("do") == "crash":
            raise RuntimeError("a bug")
        viewer.view = command.get("view", viewer.view)
        self.asked.append(command)


def get(port: int, path: str, **headers: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


@pytest.fixture(params=["threading", "eventlet"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_page_sees_the_newest_state_and_its_pictures(transport: str) -> None:
    stage = Stage()
    with running_server(pages=stage.pages, transport=transport) as server, PageViewer(server.port, LIVE) as page:
        first, second = page.see(), page.see()
    assert first.pictures == {"camera": PICTURE, "map": b"<>"}
    assert (first.number, second.number) == (1, 2)
    assert second.state["number"] > first.state["number"]


def test_commands_arrive_and_change_the_view_of_their_page_only(transport: str) -> None:
    stage = Stage()
    with (
        running_server(pages=stage.pages, transport=transport) as server,
        PageViewer(server.port, LIVE) as a,
        PageViewer(server.port, LIVE) as b,
    ):
        a.send(view="from above")
        changed = a.see_until(lambda seen: seen.state["view"] == "from above")
        unchanged = b.see()
    assert unchanged.state["view"] is None
    assert {changed.viewer, unchanged.viewer} == {1, 2}
    assert stage.asked == [{"view": "from above"}]


def test_a_page_that_does_not_keep_up_misses_updates_and_delays_nobody(transport: str) -> None:
    stage = Stage()
    with (
        running_server(pages=stage.pages, transport=transport) as server,
        PageViewer(server.port, LIVE) as slow,
        PageViewer(server.port, LIVE) as quick,
    ):
        got = [slow.receive() for _ in range(MAX_UNSEEN)]
        for _ in range(10):
            quick.see()
        slow.send(seen=got[-1].number)
        next_one = slow.receive()
    assert next_one.number == MAX_UNSEEN + 1  # nothing was sent meanwhile
    assert next_one.state["number"] > got[-1].state["number"] + 5  # and what comes now is not what it missed


def test_a_command_that_fails_is_said_on_its_page_and_the_page_lives_on(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage()
    with running_server(pages=stage.pages, transport=transport) as server, PageViewer(server.port, LIVE) as page:
        page.send(do="fail")
        refused = page.see_until(lambda seen: bool(seen.notices))
        page.send_text("[" * 5000)
        malformed = page.see_until(lambda seen: bool(seen.notices))
        page.send(do="crash")
        crashed = page.see_until(lambda seen: bool(seen.notices))
    assert refused.notices == [{"text": "that cannot be done", "kind": "error"}]
    assert malformed.notices == [{"text": "expected a JSON object", "kind": "error"}]
    assert "a bug" not in crashed.notices[0]["text"]
    assert "RuntimeError: a bug" in caplog.text


def test_a_huge_command_ends_the_connection(transport: str) -> None:
    stage = Stage()
    with running_server(pages=stage.pages, transport=transport) as server, PageViewer(server.port, LIVE) as page:
        page.send(text="x" * 20_000)
        assert page.hangs_up()
        assert stage.left.wait(5)


def test_a_state_that_fails_ends_its_connection_and_not_the_server(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.newest = lambda view: Update({"speed": float("nan")})  # type: ignore[method-assign]
    channel = LiveChannel(stage.newest, stage.take)
    stage.pages.add_channel("/broken", channel)
    with running_pages(stage.pages) as server:
        with PageViewer(server.port, "/broken") as page:
            assert page.hangs_up()
        with PageViewer(server.port, LIVE) as page:
            assert page.see().number == 1
    assert "a page's state failed" in caplog.text


def test_there_is_room_for_so_many_pages_and_then_for_the_next_when_one_leaves() -> None:
    stage = Stage()
    with running_pages(stage.pages) as server:
        pages = [PageViewer(server.port, LIVE) for _ in range(MAX_VIEWERS)]
        for page in pages:
            page.see()
        assert get(server.port, LIVE, **HANDSHAKE)[0].status == 503
        pages.pop().close()
        assert stage.left.wait(5)
        with PageViewer(server.port, LIVE) as page:
            page.see()
        for page in pages:
            page.close()


def test_pages_of_other_origins_may_not_watch(transport: str) -> None:
    stage = Stage()
    with running_server(pages=stage.pages, transport=transport) as server:
        for origin in ("http://evil.example", "null", f"http://localhost:{server.port}"):
            assert get(server.port, LIVE, **HANDSHAKE, Origin=origin)[0].status == 403
        own = {**HANDSHAKE, "Host": f"127.0.0.1:{server.port}", "Origin": f"http://127.0.0.1:{server.port}"}
        lines = [f"GET {LIVE} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())]
        assert http(server, "\n".join(lines)).startswith(b"HTTP/1.1 101")


def test_a_page_is_served_with_a_strict_policy_and_its_token_in_every_link(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<title>{{ name }}</title><script src="{{ asset("live.js") }}"></script>')
    (tmp_path / "own.js").write_text("'use strict';")
    pages = ServedPages("/page", [tmp_path])
    pages.add_page("/page", tmp_path / "page.html", lambda: {"name": "<b>"})
    with running_pages(pages, token="a long secret") as server:
        refused, _ = get(server.port, "/page")
        page, html = get(server.port, "/page?token=a+long+secret")
        script, code = get(server.port, "/static/own.js?token=a+long+secret")
        home, _ = get(server.port, "/?token=a+long+secret")
        outside, _ = get(server.port, "/static/..%2Flive.py?token=a+long+secret")
        foreign, _ = get(server.port, "/page", Host="evil.example")
    assert refused.status == 401
    assert foreign.status == 403
    assert html == '<title>&lt;b&gt;</title><script src="/static/live.js?token=a+long+secret"></script>'
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert f"connect-src 'self' ws://127.0.0.1:{server.port};" in policy
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert (script.status, code) == (200, "'use strict';")
    assert home.headers["Location"] == "/page?token=a+long+secret"
    assert outside.status == 404


def test_a_live_page_gets_the_common_head_and_its_own_files_after_the_shared_ones(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '{% extends "live.html" %}{% set styles = ["own.css"] %}{% set scripts = ["own.js"] %}'
        "{% block title %}{{ name }}{% endblock %}{% block main %}{{ name }}{% endblock %}"
    )
    pages = ServedPages("/page", [tmp_path])
    pages.add_page("/page", tmp_path / "page.html", lambda: {"name": "<b>"})
    with running_pages(pages) as server:
        _, html = get(server.port, "/page")
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>&lt;b&gt;</title>" in html
    assert "<main>\n&lt;b&gt;</main>" in html
    assert re.findall(r'href="/static/([^"]*)"', html) == ["base.css", "uPlot.min.css", "own.css"]
    assert re.findall(r'<script src="/static/([^"]*)" defer>', html)[-1] == "own.js"
    assert "{%" not in html


def test_the_drive_server_shows_pages_to_browsers_and_its_status_to_others(transport: str) -> None:
    stage = Stage()
    with running_server(pages=stage.pages, transport=transport) as server, connect(server) as car:
        browser, _ = get(server.port, "/", Accept="text/html,*/*")
        other, status = get(server.port, "/")
        with PageViewer(server.port, LIVE) as page:
            page.see()
            car.emit("telemetry", {})
            assert car.wait_for("manual").name == "manual"
            page.see()
    assert (browser.status, browser.headers["Location"]) == (302, "/page")
    assert (other.status, "1 client connected" in status) == (200, True)
    assert f":{server.port}/page" in status.splitlines()[-1], "it leads there, too"
