"""The ways of serving connections by name. Imports nothing heavy: command lines need it."""

from __future__ import annotations

from typing import Literal

TransportName = Literal["eventlet", "threading"]
