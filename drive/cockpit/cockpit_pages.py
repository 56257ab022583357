"""The cockpit's page and its live channel, to be mounted on the drive server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drive.cockpit.cockpit import Cockpit
from drive.cockpit.page_commands import PageView
from models.segmentation import COLOURS_RGB
from simulator_bridge.pages.live_channel import LiveChannel
from simulator_bridge.pages.phone_link import PhoneLink
from simulator_bridge.pages.served_pages import ServedPages
from simulator_bridge.simulator.truth.classes import CLASSES

STATIC = Path(__file__).with_name("static")
TEMPLATE = Path(__file__).parent / "templates" / "cockpit.html"
MAX_FACT = 80  # characters
HOME, LIVE = "/cockpit", "/cockpit/live"


def build_pages(
    cockpit: Cockpit, facts: Mapping[str, str], phone: Callable[[], PhoneLink | None] = lambda: None
) -> ServedPages:
    """Make what the server serves.

    Args:
        cockpit: Watched and commanded.
        facts: Of the model, shown on the page.
        phone: How a phone reaches the page, if it does.
    """
    channel = LiveChannel(cockpit.newest, cockpit.take, cockpit.left, first_view=PageView())
    cockpit.watch_views(channel.views)
    pages = ServedPages(HOME, [STATIC])
    legend = {name: "#{:02x}{:02x}{:02x}".format(*colour) for name, colour in zip(CLASSES, COLOURS_RGB, strict=True)}
    pages.add_page(HOME, TEMPLATE, lambda: {"facts": facts, "legend": legend, "phone": phone()})
    pages.add_channel(LIVE, channel)
    return pages


def model_facts(path: Path, metadata: Mapping[str, Any]) -> dict[str, str]:
    """Facts about a model file, for a person.

    Args:
        path: Of the file.
        metadata: Of `models.model_file`; empty for a file of another program.
    """
    facts = {"file": path.name, "size": f"{path.stat().st_size / 1e6:.1f} MB"}
    if not metadata:
        return {**facts, "made by": "another program"}
    model, training, data, result = (_part(metadata, name) for name in ("model", "training", "data", "validation"))
    error = _part(result, "validation")
    rows = _part(result, "rows")
    found = {
        "verdict": _part(result, "verdict").get("level"),
        "architecture": model.get("arch"),
        "decides on": ", ".join(str(name).replace("_", " ") for name in metadata.get("outputs", [])),
        "crop, top and bottom": _with_unit(_part(metadata, "preprocessing").get("crop_px"), "px"),
        "sees": _with_unit(_part(metadata, "preprocessing").get("image_size"), "px"),
        "recordings": ", ".join(str(name) for name in training.get("recordings", [])),
        "rows": data.get("n_rows"),
        "trained on": rows.get("trained_on"),
        "epochs": result.get("epochs_done"),
        "best epoch": result.get("best_epoch"),
        "validation MAE": _with_unit(error.get("mae_deg"), "degrees"),
        "validation MSE": error.get("mse"),
        "correlation over 1 s (r1s)": _with_note(error.get("r1s"), error.get("r1s_note")),
        "cameras": training.get("cameras"),
        "seed": training.get("seed"),
        "keras": metadata.get("keras_version"),
    }
    return {**facts, **{label: _text(value) for label, value in found.items() if value not in (None, "", [])}}


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = of.get(name)
    return part if isinstance(part, Mapping) else {}


def _with_unit(value: object, unit: str) -> str | None:
    if isinstance(value, list):
        return f"{' x '.join(str(item) for item in value)} {unit}"
    return None if value is None else f"{_text(value)} {unit}"


def _with_note(value: object, note: object) -> str:
    return ", ".join(_text(part) for part in (value, note) if part not in (None, ""))


def _text(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= MAX_FACT else text[: MAX_FACT - 1] + "\N{HORIZONTAL ELLIPSIS}"
