"""The tracks: each builder draws a road as a `TrackPlan`; `simulator_bridge.simulator.track.build_track` picks one."""
