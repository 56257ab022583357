"""Tracks: closed roads in the plane with heights, by name (`build_track`), from files, or random."""

from simulator_bridge.track.track import CarPose, Location, Track, build_track
from simulator_bridge.track.track_features import Features
from simulator_bridge.track.track_plan import THEMES, Light, Paint, Theme, TrackError

__all__ = [
    "THEMES",
    "CarPose",
    "Features",
    "Light",
    "Location",
    "Paint",
    "Theme",
    "Track",
    "TrackError",
    "build_track",
]
