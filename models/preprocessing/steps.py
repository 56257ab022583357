"""What somebody's drive.py did to a frame before the model: the steps, their text, and the pipelines that are popular.

    crop=60:135,size=66x200,color=yuv,scale=255

Imports nothing heavy: options are parsed with it. What the steps do is in `image_steps.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator_bridge.cli.options import did_you_mean
from simulator_bridge.errors import UsageError
from simulator_bridge.printable_text import one_line

COLORS = ("rgb", "bgr", "yuv", "hsv", "hls", "lab", "ycrcb", "grey")
MAX_SIZE_PX = 2048
PRESETS = {
    "raw": "color=rgb",
    "resize": "color=rgb,size=model",
    "bgr": "color=bgr",
    "grey": "color=grey",
    "naokishibuya": "crop=60:-25,size=66x200,color=yuv",
    "udemy": "crop=60:135,color=yuv,blur=3,size=66x200,scale=255",
    "donkey": "color=rgb,size=model,scale=255",
}
HELP = (
    "what happens to a frame before the model, as in the drive.py that belongs to it: "
    f"{', '.join(PRESETS)}, or steps in their order, such as crop=60:135,size=66x200,color=yuv,scale=255"
)
_FORMS = {
    "crop": ("ROWS as 60:135, or 60:-25 from the bottom", re.compile(r"(-?\d{0,4}):(-?\d{0,4})")),
    "columns": ("COLUMNS as 20:300", re.compile(r"(-?\d{0,4}):(-?\d{0,4})")),
    "size": ("HEIGHTxWIDTH as 66x200, or model", re.compile(r"(\d{1,4})x(\d{1,4})|(model)")),
    "color": (f"one of {', '.join(COLORS)}", re.compile("(" + "|".join(COLORS) + ")")),
    "blur": ("an odd size as 3", re.compile(r"(\d{1,2})")),
    "scale": ("the number to divide by, as 255", re.compile(r"(\d{1,6}(?:\.\d{1,6})?)")),
    "offset": ("the number to add behind it, as -1", re.compile(r"(-?\d{1,6}(?:\.\d{1,6})?)")),
    "speed": ("the mph that are 1 for a model that takes a speed, as 30", re.compile(r"(\d{1,4}(?:\.\d{1,4})?)")),
}
_SPELLINGS = {"colour": "color", "gray": "grey", "grayscale": "grey", "greyscale": "grey", "resize": "size"}


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        kind: A key of the forms: crop, columns, size, color, blur, scale, offset, speed.
        values: Its numbers, None where a crop has no end; of a colour its name.
    """

    kind: str
    values: tuple[float | str | None, ...]

    def __str__(self) -> str:
        shown = ["" if each is None else f"{each:g}" if isinstance(each, int | float) else each for each in self.values]
        return f"{self.kind}={({'crop': ':', 'columns': ':', 'size': 'x'}.get(self.kind, '')).join(shown)}"


@dataclass(frozen=True)
class Preprocessing:
    """The steps in their order.

    Attributes:
        steps: The steps.
        name: As it was written; shown to people and passed on to processes.
    """

    steps: tuple[Step, ...]
    name: str

    def value_of(self, kind: str) -> float | str | None:
        """The first value of the last step of a kind; None if there is none."""
        return next((step.values[0] for step in reversed(self.steps) if step.kind == kind), None)

    def has(self, kind: str) -> bool:
        """Whether a step of that kind is in it."""
        return any(step.kind == kind for step in self.steps)


def parse_preprocessing(text: str) -> Preprocessing:
    """Read `--preprocessing`.

    >>> [str(step) for step in parse_preprocessing("naokishibuya").steps]
    ['crop=60:-25', 'size=66x200', 'color=yuv']

    Raises:
        UsageError: If a step is not known, or its value is none; names what is.
    """
    steps: list[Step] = []
    for word in text.replace(" ", "").split(","):
        for each in PRESETS.get(word.lower(), word).split(","):
            steps.append(_step(each, text))
    return Preprocessing(tuple(steps), text)


def _step(word: str, text: str) -> Step:
    kind, _, value = word.lower().partition("=")
    kind = _SPELLINGS.get(kind, kind)
    if not value and kind in (*COLORS, "grey"):
        kind, value = "color", kind
    if not value and kind == "blur":
        value = "3"
    if kind not in _FORMS:
        known = (*PRESETS, *_FORMS)
        raise UsageError(
            f"expected --preprocessing to be of {', '.join(PRESETS)}, or of the steps {', '.join(_FORMS)}; "
            f"got {one_line(word, 40)!r} in {one_line(text, 80)!r}{did_you_mean(kind, known)}"
        )
    form, pattern = _FORMS[kind]
    match = pattern.fullmatch(_SPELLINGS.get(value, value))
    if match is None:
        raise UsageError(f"expected --preprocessing {kind}= to be {form}; got {one_line(word, 60)!r}")
    step = Step(kind, tuple(_number(each) for each in match.groups() if each is not None))
    _refuse_nonsense(step, form)
    return step


def _number(text: str) -> float | str | None:
    if text in ("", "-"):
        return None
    return text if text[-1].isalpha() else int(text) if text.lstrip("-").isdigit() else float(text)


def _refuse_nonsense(step: Step, form: str) -> None:
    for value in step.values:
        if isinstance(value, int | float) and (
            (step.kind in ("scale", "speed") and value == 0)
            or (step.kind == "blur" and value % 2 == 0)
            or (step.kind == "size" and not 1 <= value <= MAX_SIZE_PX)
        ):
            raise UsageError(f"expected --preprocessing {step.kind}= to be {form}; got {step}")
