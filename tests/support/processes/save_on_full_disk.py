"""A program that saves a model on DISK, a tiny one that is full until the first pause, with HOME as the other place.

Says in JSON what DISK holds in the end, and how many models HOME held in the pause and in the end.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from models.saving import save_model_file
from tests.support.made_model import made_frames, made_model
from train.outputs.safe_saving import save_safely


def main() -> None:
    disk, home = Path(sys.argv[1]), Path(sys.argv[2])
    os.environ["HOME"] = str(home)
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(2_500_000))

    def make_room(seconds: float) -> None:
        kept.append(len(list(home.glob("*.h5"))))
        ballast.unlink()

    kept: list[int] = []
    model, frames = made_model(), made_frames(2)
    save_safely(
        disk / "model.h5",
        lambda place: save_model_file(place, model, {}, frames),
        keep_previous=True,
        pause=make_room,
    )
    kept.append(len(list(home.glob("*.h5"))))
    json.dump({"disk": [path.name for path in disk.iterdir()], "files in home": kept}, sys.stdout)


if __name__ == "__main__":
    main()
