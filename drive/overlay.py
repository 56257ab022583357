"""What of a model can be laid over the camera, in a film and in the cockpit."""

from __future__ import annotations

from typing import Literal

Overlay = Literal["saliency", "segmentation"]
"""What moves its steering; what it sees."""
OVERLAYS: tuple[Overlay, ...] = ("saliency", "segmentation")
