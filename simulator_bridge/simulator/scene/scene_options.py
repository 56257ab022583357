"""What can be chosen about how a scene looks and is rendered. Imports nothing heavy: command lines need it."""

from __future__ import annotations

from typing import Literal, get_args

Weather = Literal["clear", "random"]
"""`clear`: light and colours of the track's theme. `random`: light, haze, colours and plants of the seed's own."""

Renderer = Literal["tinydisplay", "egl"]
"""In the order that `auto` tries them.

`tinydisplay` draws in software, the same on every machine: it needs half of the processor time that EGL needs where no
graphics card helps it, and libX11 alone.
"""

Backend = Literal["auto", "tinydisplay", "egl"]
"""A renderer, or `auto`: the first of `RENDERERS` that opens."""

WEATHERS: tuple[Weather, ...] = get_args(Weather)
RENDERERS: tuple[Renderer, ...] = get_args(Renderer)
BACKENDS: tuple[Backend, ...] = get_args(Backend)

NO_RENDERER = "no renderer opens"
"""In the message of every program that cannot render: what starts several of them tells it from other failures."""
