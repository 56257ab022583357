"""The result of one of the checks of `doctor.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CheckResult:
    """The result of one check. `fix` is what to do about it; `about_model`: of the model, not of the computer."""

    kind: Literal["ok", "warn", "bad"]
    text: str
    fix: str = ""
    about_model: bool = False

    def __str__(self) -> str:
        mark = {"ok": "ok  ", "warn": "warn", "bad": "BAD "}[self.kind]
        return f"{mark} {self.text}" + (f"\n     fix it: {self.fix}" if self.fix else "")
