"""Recordings on disk: read in all formats (`load_recordings`); `driving_log.csv` and `IMG/` written (`recorder.py`)."""

from simulator_bridge.recording.folder_scan import find_recordings
from simulator_bridge.recording.gathering import load_only_recording, load_recordings
from simulator_bridge.recording.images.image_files import read_frame
from simulator_bridge.recording.images.image_lookup import Check
from simulator_bridge.recording.images.image_paths import ImagePaths
from simulator_bridge.recording.log.log_format import (
    CAMERAS,
    EPISODE_GAP_S,
    IMAGE_FOLDER,
    LOG_NAME,
    format_row,
    image_name,
    image_time_s,
)
from simulator_bridge.recording.log.log_rows import Dropped
from simulator_bridge.recording.reader import Recording, load_recording

__all__ = [
    "CAMERAS",
    "EPISODE_GAP_S",
    "IMAGE_FOLDER",
    "LOG_NAME",
    "Check",
    "Dropped",
    "ImagePaths",
    "Recording",
    "find_recordings",
    "format_row",
    "image_name",
    "image_time_s",
    "load_only_recording",
    "load_recording",
    "load_recordings",
    "read_frame",
]
