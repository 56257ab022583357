"""Where on a track a recording was driven: place along the lap, distance from the centre line, heading error.

`placing.py` puts it together: the way by speed and steering (`odometry.py`), the place along the lap by a hidden Markov
model (`markov.py`), the place across the road by the pictures (`road_position.py`), the result beside the log
(`placement_file.py`).
"""
