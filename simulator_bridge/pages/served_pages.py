"""Live pages on a server's own port: their HTML, the static files they share, and their live channels.

Nothing is fetched from elsewhere, and the browser refuses it: a strict content-security policy, no inline
script, no frame, no other origin. A token in the page's address goes on into its links.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import flask

from simulator_bridge.pages.live_channel import LiveChannel
from simulator_bridge.pages.page_templates import template_environment
from simulator_bridge.transport.admission import Admission

STATIC = Path(__file__).with_name("static")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'{websocket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PLAIN_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?")


class ServedPages:
    """Pages, to be mounted on a server.

    A page is a Jinja template that extends `live.html`. It links to static files as `{{ asset("base.css") }}`: those of
    `simulator_bridge/pages/static` and of the folders given, by name; there are no others.

    Args:
        home: Path of the page that a browser gets for `/`.
        folders: With further static files; a name must not be there twice.

    Attributes:
        blueprint: To be registered with a Flask application.
        admission: The server's admission rules; set by the server.
    """

    def __init__(self, home: str, folders: Sequence[Path] = ()) -> None:
        self.home = home
        self.admission: Admission | None = None
        self._folders = [STATIC, *folders]
        self._channels: dict[str, LiveChannel] = {}
        self.blueprint = flask.Blueprint("pages", __name__)
        self.blueprint.add_url_rule("/static/<name>", view_func=self._static)
        self.blueprint.add_url_rule("/favicon.ico", "favicon", lambda: ("", 204))
        self.blueprint.after_request(_harden)

    def add_page(self, path: str, template: Path, facts: Callable[[], Mapping[str, Any]] = dict) -> None:
        """Serve a page.

        Args:
            path: Such as "/cockpit".
            template: File with the page's template.
            facts: Returns the variables of the template; escaped there.
        """
        page = template_environment().from_string(template.read_text(encoding="utf-8"))

        def show() -> flask.typing.ResponseReturnValue:
            return page.render(asset=_asset, link=_with_token, **facts())

        self.blueprint.add_url_rule(path, f"page {path.strip('/')}", show)

    def add_channel(self, path: str, channel: LiveChannel) -> None:
        """Serve a live channel, such as "/cockpit/live"."""
        self._channels[path] = channel

    def is_live(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request is for a live channel."""
        return environ.get("PATH_INFO") in self._channels

    def serve_live(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a live channel for as long as its page watches; refuses pages of other origins."""
        if self.admission is None:
            raise RuntimeError("expected a server to have set `admission`")
        refusal = self.admission.refuse_other_origin(environ, start_response)
        if refusal is not None:
            return refusal
        return self._channels[environ["PATH_INFO"]].serve(environ, start_response)

    def hang_up(self) -> None:
        """Close every live channel's connections."""
        for channel in self._channels.values():
            channel.hang_up()

    def wants_home(self) -> bool:
        """Whether the current request, for `/`, is a browser's."""
        return "text/html" in flask.request.headers.get("Accept", "")

    def redirect_home(self) -> flask.typing.ResponseReturnValue:
        """Send the current request to the home page."""
        return flask.redirect(_with_token(self.home))

    def _static(self, name: str) -> flask.typing.ResponseReturnValue:
        for folder in self._folders:
            if (folder / name).is_file():  # a name has no slash: the rule sees to it
                return flask.send_from_directory(folder, name, max_age=0)
        flask.abort(404)


def _asset(name: str) -> str:
    return _with_token(f"/static/{name}")


def _with_token(path: str) -> str:
    """A path with the token of the current request, if it has one."""
    token = flask.request.args.get("token")
    return path if token is None else f"{path}?{urllib.parse.urlencode({'token': token})}"


def _harden(response: flask.Response) -> flask.Response:
    host = flask.request.headers.get("Host", "")
    websocket = f" ws://{host}" if _PLAIN_HOST.fullmatch(host) else ""  # older browsers: 'self' is http only
    response.headers.update(
        {
            "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(websocket=websocket),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-cache",
        }
    )
    return response
