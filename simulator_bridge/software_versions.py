"""What ran, for results: versions of Python, the platform and the packages that decide a simulated drive."""

from __future__ import annotations

import platform
from importlib import metadata

PACKAGES = ("cloneway", "panda3d", "numpy", "opencv-python-headless")


def versions() -> dict[str, str]:
    """Name -> version; `not installed` for a package that is missing."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
