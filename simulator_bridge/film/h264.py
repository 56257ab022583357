"""Writes pictures as H.264 into an MP4 that browsers play, each with its own time.

PyAV has its own encoder; OpenCV's wheels have none that browsers can play.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator_bridge.cli.output_file import PartialFile
from simulator_bridge.errors import UserError

QUALITY = 26
TICK = Fraction(1, 1000)
KEY_PICTURES = 50
USUAL_RATE_HZ = 20  # only a hint for the encoder: each picture has its own time


class VideoError(UserError):
    """A video cannot be made or written."""


def check_video_path(path: Path) -> None:
    """Refuse a file name that is not an MP4's.

    Raises:
        VideoError: If it does not end in `.mp4`.
    """
    if path.suffix.lower() != ".mp4":
        raise VideoError(f"expected a video file that ends in .mp4, got {str(path)!r}")


class H264Writer:
    """Writes one video; a context manager. The file appears when it is complete, and not at all after an error.

    Args:
        path: Ends in `.mp4`.
        size_px: Width and height; H.264 needs even numbers.
        quality: libx264's CRF: lower is better and larger.
        rate_hz: Pictures per second, to which times are rounded; None: each picture has its own time, in ms.
        key_pictures: One key frame in so many pictures: players can jump to these.

    Raises:
        VideoError: If PyAV is missing or the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        size_px: tuple[int, int],
        *,
        quality: int = QUALITY,
        rate_hz: int | None = None,
        key_pictures: int = KEY_PICTURES,
    ) -> None:
        check_video_path(path)
        try:
            import av
        except ImportError as error:
            raise VideoError(f"a video needs PyAV: pip install av ({error})") from error
        self._partial = PartialFile(path, VideoError)
        self._to_av = av.VideoFrame.from_ndarray
        self._errors = OSError, av.FFmpegError
        self._last_tick, self._tick = -1, TICK if rate_hz is None else Fraction(1, rate_hz)
        try:
            self._partial.path.touch()  # av opens it only with the first picture: fail now
            self._file = av.open(str(self._partial.path), "w", options={"movflags": "faststart"})
            # no B frames: with them, files of uneven times end too early
            options = {"crf": str(quality), "preset": "veryfast", "g": str(key_pictures), "bf": "0"}
            self._stream = self._file.add_stream("libx264", rate=rate_hz or USUAL_RATE_HZ, options=options)
        except self._errors as error:
            self._partial.discard()
            raise self._partial.refusal(error) from error
        self._stream.width, self._stream.height = size_px
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = self._tick

    def add(self, picture: npt.NDArray[np.uint8], time_s: float) -> None:
        """Show a picture, RGB (height, width, 3), from `time_s` on, which must not decrease.

        Raises:
            VideoError: If it cannot be written.
        """
        image = self._to_av(picture, format="rgb24")
        self._last_tick = image.pts = max(self._last_tick + 1, round(time_s / self._tick))
        image.time_base = self._tick
        try:
            for packet in self._stream.encode(image):
                self._file.mux(packet)
        except self._errors as error:
            raise self._partial.refusal(error) from error

    def close(self) -> None:
        """Finish the file; there is none if no picture was added.

        Raises:
            VideoError: If it cannot be written.
        """
        if self._last_tick < 0:
            self.discard()
            return
        try:
            for packet in self._stream.encode(None):
                self._file.mux(packet)
            self._file.close()
        except self._errors as error:
            self.discard()
            raise self._partial.refusal(error) from error
        self._partial.commit()

    def discard(self) -> None:
        """Stop, and leave no file."""
        with contextlib.suppress(*self._errors):
            self._file.close()
        self._partial.discard()

    def __enter__(self) -> H264Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()
