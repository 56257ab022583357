"""Imports TensorFlow, and runs it and LiteRT, without their notices on the user's terminal.

Their C++ code writes to file descriptor 2 before any log level applies (oneDNN, CUDA, XNNPACK notices), so the
descriptor itself is redirected for a moment. The captured text is shown if the work fails.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Capture what is written to standard output and standard error while the body runs.

    For short work only (an import, a conversion): the output of other threads is captured as well. If the body raises,
    the captured text is written to standard error.
    """
    absl_logger = logging.getLogger("absl")
    level = absl_logger.level
    absl_logger.setLevel(logging.ERROR)
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with (
            tempfile.TemporaryFile() as buffered,
            contextlib.redirect_stdout(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            os.dup2(buffered.fileno(), 2)
            try:
                yield
            except BaseException:
                buffered.seek(0)
                os.write(terminal, buffered.read())
                raise
            finally:
                os.dup2(terminal, 2)
    finally:
        os.close(terminal)
        absl_logger.setLevel(level)


def import_tensorflow() -> None:
    """Import TensorFlow and Keras without their start-up notices; a later `import` then costs nothing."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with quietly():
        import keras  # noqa: F401
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for a GPU now, while notices are captured
