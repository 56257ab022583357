"""Donkey car tubs as donkeycar writes them, of frames of its camera's size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.made_recording import jpeg

START_MS = 1_602_421_393_803
WIDTH_PX, HEIGHT_PX = 160, 120


def make_tub_v1(folder: Path, angles: Sequence[Any], first: int = 0, **more: Any) -> Path:
    """A tub of a JSON file for each angle, numbered from `first`; `more` goes into each record."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.json").write_text(json.dumps({"inputs": ["cam/image_array", "user/angle"], "types": []}))
    for i, angle in enumerate(angles, first):
        name = f"{i}_cam-image_array_.jpg"
        (folder / name).write_bytes(draw_image(i))
        record = {"user/angle": angle, "user/throttle": 0.25, "user/mode": "user", "cam/image_array": name, **more}
        (folder / f"record_{i}.json").write_text(json.dumps(record))
    return folder


def make_tub_v2(folder: Path, angles: Sequence[Any], deleted: Sequence[int] = (), per_catalog: int = 4) -> Path:
    """A tub of catalogs, 20 records a second."""
    (folder / "images").mkdir(parents=True)
    lines = []
    for i, angle in enumerate(angles):
        name = f"{i}_cam_image_array_.jpg"
        (folder / "images" / name).write_bytes(draw_image(i))
        record = {"_index": i, "_timestamp_ms": START_MS + 50 * i, "cam/image_array": name, "user/angle": angle}
        lines.append(json.dumps({**record, "user/mode": "user", "user/throttle": 0.5}))
    names: list[str] = []
    for start in range(0, len(lines), per_catalog):
        names.append(f"catalog_{len(names)}.catalog")
        (folder / names[-1]).write_text("\r\n".join(lines[start : start + per_catalog]) + "\r\n", newline="")
    indexes = {"paths": names, "current_index": len(lines), "max_len": per_catalog, "deleted_indexes": [*deleted]}
    manifest = [["cam/image_array", "user/angle"], ["image_array", "float"], {}, {"created_at": 1.0}, indexes]
    (folder / "manifest.json").write_text("".join(json.dumps(line) + "\n" for line in manifest))
    return folder


def draw_image(number: int) -> bytes:
    """A picture that no other number has."""
    image = np.full((HEIGHT_PX, WIDTH_PX, 3), 90, np.uint8)
    image[number % 100 : number % 100 + 10, number // 100 * 10 :] = 40 + number % 200
    return jpeg(image)
