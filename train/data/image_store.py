"""Camera images for training: decoded in parallel, preprocessed once, cached as uint8 in bounded memory.

An image has a number, its place in the list that the store was made from. What fits into memory is preprocessed once
and cached; the rest is decoded again on every read. No eventlet here: its patched threads hang tf.data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from simulator_bridge.errors import UserError
from simulator_bridge.messages import FRAME_SHAPE, Frame, decode_frame
from simulator_bridge.recording.recording_file import MAX_IMAGE_BYTES, read_file

FILL_CHUNK = 256  # images decoded and preprocessed together: 39 MB of frames

Images = npt.NDArray[np.uint8]
Preprocess = Callable[[npt.NDArray[np.uint8]], Images]
"""(n, 160, 320, 3) uint8 frames -> (n, H, W, 3) uint8 images, the network's input."""

cv2.setNumThreads(1)  # the pool below is the parallelism; OpenCV's own threads would fight with it and TensorFlow's


class FrameReader:
    """Decodes image files on all processors; an unreadable one is black, and noted with its reason."""

    def __init__(self, n_threads: int | None = None) -> None:
        self._pool = ThreadPoolExecutor(n_threads or os.cpu_count() or 1, thread_name_prefix="decode")
        self.bad: dict[Path, str] = {}

    def __call__(self, paths: Sequence[Path]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        """Decode `paths`.

        Returns:
            (n, 160, 320, 3) RGB frames and (n,) which of them could be read.
        """
        frames = np.zeros((len(paths), *FRAME_SHAPE), np.uint8)
        readable = np.ones(len(paths), bool)

        def read(place: int) -> None:
            frame = self._read(paths[place])
            if frame is None:
                readable[place] = False
            else:
                frames[place] = frame

        list(self._pool.map(read, range(len(paths))))
        return frames, readable

    def _read(self, path: Path) -> Frame | None:
        try:
            return decode_frame(read_file(path, MAX_IMAGE_BYTES))
        except (UserError, OSError) as error:
            self.bad.setdefault(path, str(error))
            return None


class ImageStore:
    """Numbered, preprocessed images; as many as fit are cached in memory.

    Attributes:
        shape: (H, W, 3) of one image.
        n_cached: Images 0 .. n_cached - 1 are cached, the others are decoded on every read.
        readable: (n,) False where an image turned out to be damaged; complete for the cached ones after `fill`.
    """

    def __init__(
        self,
        n: int,
        path_of: Callable[[int], Path],
        preprocess: Preprocess,
        reader: FrameReader,
        cache_bytes: int,
    ) -> None:
        self._path_of, self._preprocess, self._reader = path_of, preprocess, reader
        self.shape: tuple[int, ...] = preprocess(np.zeros((1, *FRAME_SHAPE), np.uint8)).shape[1:]
        self.n_cached = int(min(n, cache_bytes // int(np.prod(self.shape))))
        self.readable = np.ones(n, bool)
        self._cache = np.empty((self.n_cached, *self.shape), np.uint8)

    def __len__(self) -> int:
        return len(self.readable)

    def fill(self, on_progress: Callable[[int], None] = lambda n_done: None) -> None:
        """Decode and preprocess what is to be cached; `on_progress` is called with how many images are done."""
        for start in range(0, self.n_cached, FILL_CHUNK):
            numbers = np.arange(start, min(start + FILL_CHUNK, self.n_cached))
            self._cache[numbers] = self._decode(numbers)
            on_progress(int(numbers[-1]) + 1)

    def check(self, numbers: npt.NDArray[np.int64]) -> None:
        """Find out which of `numbers` are readable, whether they are cached or not."""
        streamed = numbers[numbers >= self.n_cached]
        for start in range(0, len(streamed), FILL_CHUNK):
            self._decode(streamed[start : start + FILL_CHUNK])

    def read(self, numbers: npt.NDArray[np.int64]) -> tuple[Images, npt.NDArray[np.bool_]]:
        """The images of `numbers`: (n, H, W, 3), and (n,) whether each was readable (black where not)."""
        cached = numbers < self.n_cached
        if cached.all():
            return self._cache[numbers], self.readable[numbers]
        images = np.empty((len(numbers), *self.shape), np.uint8)
        images[cached] = self._cache[numbers[cached]]
        images[~cached] = self._decode(numbers[~cached])
        return images, self.readable[numbers]

    def _decode(self, numbers: npt.NDArray[np.int64]) -> Images:
        frames, readable = self._reader([self._path_of(int(number)) for number in numbers])
        self.readable[numbers] = readable
        return self._preprocess(frames)
