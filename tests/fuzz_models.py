"""Loads broken model files as a user does: each must be refused in one line, or drive; exits 1 if one does neither.

The files are made from two good ones, with and without a flatbuffer (the latter are loaded with Keras): bytes flipped,
cut off, doubled and overwritten, most of them in HDF5's own structures; hostile values in the architecture, the
metadata and the attributes; other kinds of datasets and links; broken flatbuffers that keep their identifier. They are
loaded in child processes: a crash, a hang, or more than 2 GB of memory is a failure of the file that did it, and the
rest goes on in a new child.

usage: python tests/fuzz_models.py [--inputs 10000] [--seed 0] [--only NUMBER] [--keep FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import queue
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import h5py

from simulator_bridge.cli.child_process import ChildProcess, EndedError, SilentError, script
from tests.support.broken_models.model_judge import NEEDS_KERAS
from tests.support.broken_models.model_mutations import write_broken

JUDGE = script("tests/support/broken_models/model_judge.py")
KERAS_EVERY = 32  # every so many files is one without a flatbuffer
ANSWER_S = 60.0  # a file takes milliseconds, with Keras a second; the machine may be busy
N_SHOWN = 5  # failures of one kind


@dataclass
class FuzzReport:
    """What came of the files: how many by the kind of outcome, and the failures of each kind by their numbers."""

    n_inputs: int = 0
    n_with_keras: int = 0
    seconds: float = 0.0
    good: Counter[str] = field(default_factory=Counter)
    failures: dict[str, dict[int, str]] = field(default_factory=dict)

    def add(self, number: int, kind: str, is_good: bool, detail: str) -> None:
        """Count one file."""
        self.n_inputs += 1
        if is_good:
            self.good[kind] += 1
        else:
            self.failures.setdefault(kind, {})[number] = detail

    def lines(self) -> list[str]:
        """For people."""
        n_failures = sum(map(len, self.failures.values()))
        lines = [
            f"{self.n_inputs} broken model files, {self.n_with_keras} of them with Keras, in {self.seconds:.0f} s: "
            + "".join(f"{n} {kind}, " for kind, n in self.good.most_common())
            + f"{n_failures} failures"
        ]
        for kind, found in sorted(self.failures.items(), key=lambda item: -len(item[1])):
            lines.append(f"{len(found)} x {kind}")
            lines += [f"    {number}: {found[number]}" for number in sorted(found)[:N_SHOWN]]
        return lines


class Lane:
    """Loads files one after the other in a child process, which is started again after a crash or a hang."""

    def __init__(self, judge: Path, arguments: list[str]) -> None:
        self._judge, self._arguments = judge, arguments
        self._child: ChildProcess | None = None

    def load(self, number: int, is_without: bool) -> tuple[str, bool, str]:
        """Returns the kind of outcome, whether it is a good one, and details."""
        is_new = self._child is None
        outcome = self._ask(number, is_without)
        if self._child is None and not is_new and outcome[0] != "hangs":
            again = self._ask(number, is_without)
            if again != outcome:  # it is not this file alone: an earlier one had spoilt the process
                return f"{outcome[0]}, not in a new process", False, again[2]
        return outcome

    def _ask(self, number: int, is_without: bool) -> tuple[str, bool, str]:
        self._child = self._child or ChildProcess(self._judge, self._arguments)
        try:
            self._child.write_line(f"{number} {int(is_without)}")
            kind, is_good, detail = json.loads(self._child.read_line(ANSWER_S))
            return kind, is_good, detail
        except SilentError:
            kind = "hangs"
        except EndedError:
            self._child.wait(ANSWER_S)
            kind = self._child.last_words()
        self.close()
        return kind, False, ""

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.close()
            self._child = None


def make_bases(folder: Path) -> None:
    """Write the two good files that the broken ones are made from: a small network, with and without its flatbuffer."""
    from models.architectures.registry import ModelConfig
    from models.saving import save_model_file
    from tests.support.made_model import made_frames, made_model

    config = ModelConfig("lenet", image_size=(32, 32), dense=(8,))
    path = folder / "with_flatbuffer.h5"
    save_model_file(path, made_model(config), {"model": config.to_dict()}, made_frames(2))
    with h5py.File(path) as file, h5py.File(folder / "without_flatbuffer.h5", "w") as copy:
        file.copy("model_weights", copy)
        copy.attrs.update(file.attrs)


def fuzz(folder: Path, numbers: Iterable[int], seed: int, judge: Path = JUDGE) -> FuzzReport:
    """Load the files with these numbers, made from the two bases in `folder`; two at one time."""
    report = FuzzReport()
    began_at = time.monotonic()
    to_keras: queue.SimpleQueue[tuple[int, bool] | None] = queue.SimpleQueue()
    keras = threading.Thread(
        target=_load_with_keras, args=(Lane(judge, [str(folder), str(seed), "--keras"]), to_keras, report)
    )
    keras.start()
    lane = Lane(judge, [str(folder), str(seed), "--no-keras"])
    try:
        for number in numbers:
            if is_without_flatbuffer(number):
                to_keras.put((number, True))
                continue
            kind, is_good, detail = lane.load(number, False)
            if kind == NEEDS_KERAS:
                to_keras.put((number, False))
            else:
                report.add(number, kind, is_good, detail)
    finally:
        lane.close()
        to_keras.put(None)
        keras.join()
    report.seconds = time.monotonic() - began_at
    return report


def is_without_flatbuffer(number: int) -> bool:
    """Whether a file is made from the base without a flatbuffer."""
    return number % KERAS_EVERY == KERAS_EVERY - 1


def _load_with_keras(lane: Lane, asked: queue.SimpleQueue[tuple[int, bool] | None], report: FuzzReport) -> None:
    try:
        while (each := asked.get()) is not None:
            report.n_with_keras += 1
            report.add(each[0], *lane.load(*each))
    finally:
        lane.close()


def keep_failures(report: FuzzReport, bases: Path, seed: int, folder: Path) -> None:
    """Write the files that failed, the first few of each kind, as NUMBER.h5."""
    folder.mkdir(parents=True, exist_ok=True)
    for found in report.failures.values():
        for number in sorted(found)[:N_SHOWN]:
            name = "without_flatbuffer.h5" if is_without_flatbuffer(number) else "with_flatbuffer.h5"
            write_broken(folder / f"{number}.h5", (bases / name).read_bytes(), seed, number)


def main() -> int:
    parser = argparse.ArgumentParser(description="Load broken model files as a user does.")
    parser.add_argument("--inputs", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of what is broken (default: %(default)s)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="load this file alone")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write files that failed here, as NUMBER.h5")
    arguments = parser.parse_args()
    numbers = range(arguments.inputs) if arguments.only is None else [arguments.only]
    with tempfile.TemporaryDirectory(prefix="fuzz-models-") as name:
        make_bases(Path(name))
        report = fuzz(Path(name), numbers, arguments.seed)
        if arguments.keep is not None:
            keep_failures(report, Path(name), arguments.seed, arguments.keep)
    print("\n".join(report.lines()))  # noqa: T201
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())
