"""A watcher that films a drive: camera, steering wheel, map and trace, as H.264 that browsers play."""

from __future__ import annotations

from pathlib import Path

from simulator_bridge.film.h264 import H264Writer
from simulator_bridge.film.live_drive import LiveDrive
from simulator_bridge.film.picture import SIZE_PX, FilmPicture
from simulator_bridge.film.routes import road_edges
from simulator_bridge.simulator.run.drive_loop import Moment
from simulator_bridge.track import Track

STEERING_RANGE = 0.6  # of the trace, fixed: the rest of the drive is unknown, and more is rarely steered


class DriveFilm:
    """Films every moment; a context manager. The file is complete after `close`.

    Args:
        path: Ends in `.mp4`.
        track: What is driven.

    Raises:
        VideoError: If PyAV is missing or the file cannot be written.
    """

    def __init__(self, path: Path, track: Track) -> None:
        self._writer = H264Writer(path, SIZE_PX)
        self._drive = LiveDrive(Path(track.name).name, road_edges(track))  # a track may be named by its file
        self._shown = self._drive.data
        self._picture = FilmPicture(self._shown, steering_range=STEERING_RANGE)

    def __call__(self, moment: Moment) -> None:
        """See `Watcher`: adds one picture."""
        pose, applied, verdict = moment.state.pose, moment.applied, moment.verdict
        row = self._drive.add(
            moment.time_s,
            (pose.x, pose.y, pose.heading),
            applied.steering_angle,
            applied.throttle,
            moment.state.speed_mph,
            is_cut=moment.put_back,
        )
        if self._drive.data is not self._shown:
            self._shown = self._drive.data
            self._picture = FilmPicture(self._shown, steering_range=STEERING_RANGE)
        note = f"{verdict.cte:+.2f} m from the line"
        if verdict.wheels_out:
            note = f"{verdict.wheels_out} wheels out, {note}"
        if moment.put_back:
            note = "put on the road"
        picture = self._picture(
            moment.frames["center"], row, note, is_warning=verdict.wheels_out > 0 or moment.put_back
        )
        self._writer.add(picture, moment.time_s)

    def close(self) -> None:
        """Finish the file; a drive that was interrupted has been filmed up to there."""
        self._writer.close()

    def __enter__(self) -> DriveFilm:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
