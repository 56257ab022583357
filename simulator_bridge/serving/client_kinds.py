"""Simulators that speak Udacity's Socket.IO and are not the one for behavioral cloning: named by their telemetry.

Nothing here can drive them: they send no camera image, or expect other answers. Source: their CommandServer scripts
(github.com/udacity: self-driving-car-sim branch term2_collection, RoboND-Rover-Unity-Simulator), and the projects' C++.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ClientKind:
    """One kind of simulator.

    Attributes:
        name: For people.
        fields: All in its telemetry; a set of them in any telemetry of ours would be an accident.
        sends_image: It has a camera, and cannot be told by having none.
    """

    name: str
    fields: frozenset[str]
    sends_image: bool = False


def _kind(name: str, *fields: str, sends_image: bool = False) -> ClientKind:
    return ClientKind(name, frozenset(fields), sends_image)


KINDS = (
    _kind("the Rover simulator (RoboND)", "near_sample", "picking_up", sends_image=True),
    _kind("Udacity's Term 2 simulator, project MPC", "ptsx", "ptsy"),
    _kind("Udacity's Term 2 simulator, Kalman filters", "sensor_measurement"),
    _kind("Udacity's Term 2 simulator, particle filter", "sense_observations_x"),
    _kind("Udacity's Term 3 simulator, path planning", "sensor_fusion"),
    _kind("Udacity's Term 3 simulator, system integration", "dbw_enable"),
    _kind("a Donkey simulator over Socket.IO", "msg_type", sends_image=True),
    _kind("Udacity's Term 2 simulator, project PID", "cte", "steering_angle", "speed"),
)


def kind_of(payload: object) -> str:
    """What sends this telemetry, for people; empty if it is, or may be, one that we drive.

    >>> kind_of({"cte": "0.76", "steering_angle": "0.0", "speed": "1.0"})
    "Udacity's Term 2 simulator, project PID"
    >>> kind_of({"cte": "0.76", "steering_angle": "0.0", "speed": "1.0", "image": "..."})
    ''
    """
    if not isinstance(payload, Mapping):
        return ""
    has_image = bool(payload.get("image"))
    for kind in KINDS:
        if kind.fields <= payload.keys() and (kind.sends_image or not has_image):
            return kind.name
    return ""


def what_to_do(name: str) -> str:
    """The line for the log, and for whoever watches."""
    return (
        f"a client is {name}: it cannot be driven by a model of this project, which steers by the camera of the "
        "Term 1 simulator; start that one, or the built-in one: python simulator_bridge/simulate.py"
    )
