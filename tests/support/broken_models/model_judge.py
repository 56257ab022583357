"""Loads broken model files as a user does and says what came of it: `model_judge.py FOLDER SEED --keras|--no-keras`.

Numbers come on standard input, one a line; each is answered by a line of JSON (`kind`, `is_good`, `detail`). A crash
or a hang is for the parent to notice. With `--no-keras`, a file that only Keras can load is answered by `NEEDS_KERAS`.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[3])

import gc
import json
import logging
import os
import resource
import traceback
import unicodedata
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from typing import Any

import h5py
import numpy as np

from models.loading import load_policy
from simulator_bridge.errors import ModelFileError
from simulator_bridge.messages import FRAME_SHAPE
from tests.support.broken_models.model_mutations import write_broken
from tests.support.paths import ROOT

MEMORY = 2 * 2**30  # bytes of address space that one file may take
MAX_MESSAGE = 1000  # characters; more is no line that a person reads
NEEDS_KERAS = "needs Keras"
POLICY, REFUSED = "a working policy", "refused in one line"
ACTS = {"os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "socket.getaddrinfo",
        "pickle.find_class"}  # fmt: skip
FRAME = np.random.default_rng(0).integers(0, 256, FRAME_SHAPE, np.uint8)

acts: list[str] = []  # what a file made Python do that no model should


class NeedsKerasError(BaseException):
    """Goes past every `except Exception`: to import Keras takes long, and another child has it already."""


class NoKeras:
    """Stands first among the importers."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name in ("keras", "tensorflow"):
            raise NeedsKerasError
        return None


def judge(path: Path) -> tuple[str, bool, str]:
    """Load the file and drive one frame; returns the kind of outcome, whether it is a good one, and details."""
    acts.clear()
    try:
        action = load_policy(path)(FRAME)
    except NeedsKerasError:
        return NEEDS_KERAS, True, ""
    except ModelFileError as error:
        kind, is_good, detail = _judge_message(str(error))
    except BaseException as error:
        return f"{type(error).__name__} in {_place(error)}", False, _short(str(error))
    else:
        is_good = type(action.steering_angle) is float
        kind, detail = POLICY if is_good else "an action without a steering angle", _short(str(action))
    if acts:
        return f"did {', '.join(sorted(set(acts)))}", False, detail
    if h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE | h5py.h5f.OBJ_DATASET | h5py.h5f.OBJ_GROUP):
        return "left the file open", False, detail
    return kind, is_good, detail


def _judge_message(message: str) -> tuple[str, bool, str]:
    bad = {character for character in message if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    if bad:
        return f"ModelFileError with {', '.join(sorted(map(ascii, bad)))}"[:80], False, _short(message)
    if len(message) > MAX_MESSAGE:
        return f"ModelFileError of more than {MAX_MESSAGE} characters", False, _short(message)
    return REFUSED, True, _short(message)


def _place(error: BaseException) -> str:
    """The innermost function of ours that the error came through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(f"{ROOT}{os.sep}models")]
    return f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "no code of ours"


def _short(text: str) -> str:
    return ascii(text)[1:300].rstrip("'\"")


def limit_memory() -> None:
    """Let the process take `MEMORY` more than it has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))


def main() -> None:
    folder, seed, keras = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "--keras"
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what C++ prints is no answer
    logging.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bases = [(folder / name).read_bytes() for name in ("with_flatbuffer.h5", "without_flatbuffer.h5")]
    if keras:
        from models.quiet_import import import_tensorflow

        import_tensorflow()
    else:
        sys.meta_path.insert(0, NoKeras())
    sys.addaudithook(lambda event, _: acts.append(event) if event in ACTS else None)
    for line in sys.stdin:
        number, is_without = map(int, line.split())
        path = folder / f"{number}.h5"
        done = write_broken(path, bases[is_without], seed, number)
        limit_memory()
        kind, is_good, detail = judge(path)
        path.unlink()
        answers.write(json.dumps([kind, is_good, f"{done}: {detail}"]) + "\n")
        answers.flush()
        if keras:
            import keras as loaded

            loaded.backend.clear_session()
        if keras or number % 100 == 0:
            gc.collect()


if __name__ == "__main__":
    main()
