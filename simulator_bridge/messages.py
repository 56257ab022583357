"""What the simulator and the server say to each other: wire payloads <-> typed messages.

Pure: no socket and no clock. The wire format is that of Udacity's simulator: every number is a string made in the
computer's culture (`"1,234.5000"` or `"1.234,5000"`), the steering angle arrives in degrees and leaves normalised.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
"""A camera image: uint8, (160, 320, 3), **RGB**."""

FRAME_HEIGHT_PX, FRAME_WIDTH_PX = 160, 320
FRAME_SHAPE = (FRAME_HEIGHT_PX, FRAME_WIDTH_PX, 3)
MAX_STEERING_DEG = 25.0  # wheel angle at steering_angle 1; the simulator's car
