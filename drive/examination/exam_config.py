"""Every setting of `drive/exam.py`. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drive.examination.exam_plan import VERSIONS
from drive.model_argument import calibrate_option, check_preprocessing, preprocessing_option
from simulator_bridge.cli.common_options import json_option, quiet_option, report_option, verbose_option
from simulator_bridge.cli.options import argument, check_options, option
from simulator_bridge.errors import UsageError

EXAMINEES, EXAM, RESULTS = "who is examined", "the exam", "results"  # headings of the help


@dataclass(frozen=True, kw_only=True)
class ExamConfig:
    """Settings of an exam; the help of each field is that of its flag.

    Raises:
        UsageError: If a value is out of range, or nobody is examined.
    """

    models: tuple[Path, ...] = argument("model files; several are compared", default=(), metavar="MODEL")
    preprocessing: str | None = preprocessing_option(group=EXAMINEES)
    calibrate: Path | None = calibrate_option(group=EXAMINEES)
    expert: bool = option(False, "the expert, which sees the road's course", group=EXAMINEES)
    policy: Literal["zero"] | None = option(None, "zero: never steers", group=EXAMINEES)
    servers: tuple[str, ...] = option(
        (), "the server that this command starts, such as 'python old/drive.py model.h5'; {port} in it is replaced, "
        "and without it the server is expected on 4567; several by saying it again",
        flag="--server", metavar="COMMAND", repeats=True, group=EXAMINEES,
    )  # fmt: skip

    earlier: tuple[Path, ...] = option(
        (), "everyone in a result that --json wrote, as they drove then, to compare with; several by saying it again",
        flag="--against", metavar="FILE.json", repeats=True, group=EXAMINEES,
    )  # fmt: skip

    quick: bool = option(False, "a fixed fifth of the segments: for a look, never to rank", group=EXAM)
    replays: tuple[Path, ...] = option(
        (), "also drive a recording's frames, reported apart; several by saying it again",
        flag="--replay", metavar="RECORDING", repeats=True, group=EXAM,
    )  # fmt: skip
    version: str = option(VERSIONS[-1], "of the exam", flag="--exam-version", choices=VERSIONS, group=EXAM)
    jobs: int = option(2, "segments at a time", at_least=1, group=EXAM)
    silence_s: float = option(
        120.0, "a segment that takes longer has failed", flag="--silence", metavar="S", above=0, unit="s", group=EXAM
    )

    output: Path = option(
        Path("runs/exam"), "folder for what was driven: an exam that was stopped goes on there",
        metavar="DIR", group=RESULTS,
    )  # fmt: skip
    fresh: bool = option(False, "drive everything again", group=RESULTS)
    json: Path | None = json_option(group=RESULTS)
    report: Path | None = report_option("a page with maps and pictures of how segments ended", group=RESULTS)
    verbose: bool = verbose_option(group=RESULTS)
    quiet: bool = quiet_option(group=RESULTS)

    def __post_init__(self) -> None:
        check_options(self)
        check_preprocessing(self.preprocessing, self.calibrate)
        if not self.models and (self.preprocessing or self.calibrate):
            raise UsageError("--preprocessing and --calibrate are of a model")
        if not (self.models or self.expert or self.policy or self.servers or self.earlier):
            raise UsageError("expected a model file, --expert, --policy zero, --server COMMAND or --against FILE.json")

    @property
    def mode(self) -> str:
        """`full` or `quick`."""
        return "quick" if self.quick else "full"
