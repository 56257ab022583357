"""What an interrupted training leaves, for the person who interrupted it."""

from __future__ import annotations

from pathlib import Path

from train.train_config import TrainConfig

State = tuple[int, int, int] | None


class SavedSoFar:
    """Compares the files of a training with what they were when it began."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._output, self._checkpoint = _state_of(config.output), _state_of(config.checkpoint)

    def in_words(self) -> str:
        """What Ctrl-C leaves, and how to go on."""
        output, checkpoint = self._config.output, self._config.checkpoint
        if _state_of(output) != self._output:
            return f"stopped by Ctrl-C: {output} is saved"
        rest = f"{output} is unchanged" if self._output else f"there is no {output}"
        now = _state_of(checkpoint)
        if now and (now != self._checkpoint or self._config.resume):
            return f"stopped by Ctrl-C: {rest}; {checkpoint} holds all whole epochs, --resume goes on with them"
        words = f"stopped by Ctrl-C before the first epoch ended: nothing saved, {rest}; the same command starts again"
        return words + (f"; {checkpoint}, an older training, is unchanged" if now else "")


def _state_of(path: Path) -> State:
    """Changes whenever a file is replaced; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
