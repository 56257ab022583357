"""Models that students of Udacity's course published, Keras 1.1 to 2.4: each is served, most steer as a driver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.calibration import correlation
from models.loading import load_policy
from models.preprocessing.steps import parse_preprocessing
from simulator_bridge.recording import load_only_recording, read_frame

N_FRAMES = 60
STUDENTS = {  # the preprocessing that --calibrate finds, and at least this correlation with the driver of the lake
    "1524045patrick__CarND-BehavioiurCloning-P3": ("crop=60:140,color=rgb", 0.5),
    "1560800__CarND-Behavioral-Cloning-P3": ("crop=50:140,color=rgb", 0.4),
    "1llen__DPS920_Final-Project": ("crop=60:140,color=yuv,scale=255", 0.4),
    "2000222__My_Self_Driving_Car": ("crop=60:140,color=yuv,scale=255", 0.3),
    "FelipeZerokun__SDCE-04-Behavioral-Cloning": (None, -1.0),  # one dense layer: it answers, and cannot drive
    "WolfgangSteiner__CarND-Behavioral-Cloning": ("crop=60:140,color=rgb,scale=255", 0.5),
    "gada1982__CarND-Behavioral-Cloning-Project": ("crop=20:140,color=rgb", 0.5),
    "iamfaisalkhan__CarND-Behavioral-Cloning--model_weights": ("crop=60:140,color=rgb", 0.5),
    "jeremy-shannon__CarND-Behavioral-Cloning-Project": ("crop=70:135,color=yuv", 0.3),
    "jwasham12__Self-Driving-Car-Simulation": (None, 0.4),
    "olala7846__Behavioral-Cloning": (None, 0.5),
    "phvu__CarND-behavioral-cloning": ("color=rgb,scale=127.5,offset=-1", 0.6),
}


@pytest.mark.parametrize("student", STUDENTS)
def test_a_students_model_is_served_and_steers_as_the_driver(driving_data: Path, student: str) -> None:
    text, at_least = STUDENTS[student]
    recording = load_only_recording(driving_data / "recordings" / "udacity_lake_ccw")
    rows = np.linspace(0, len(recording) - 1, N_FRAMES).astype(int)
    model = driving_data / "community_models" / student / "model.h5"

    policy = load_policy(model, None if text is None else parse_preprocessing(text))

    answers = np.array([policy(read_frame(recording.image_path("center", int(row)))).steering_angle for row in rows])
    assert np.isfinite(answers).all()
    assert correlation(answers, recording.steering_angle[rows]) > at_least
