"""What a page shows of a car, as JSON types."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drive.cockpit.connected_car import ConnectedCar
from drive.cockpit.marks import Marks
from drive.decision import Decision
from drive.overlay import Overlay
from models.policy import Action
from simulator_bridge.cli.json_values import finite_or_none
from simulator_bridge.recording.log.log_format import RECORD_PERIOD_S
from simulator_bridge.serving.client_connection import ClientFacts
from simulator_bridge.udacity_car import MAX_STEERING_DEG

SILENT_S = 3.0  # without telemetry: shown on the page long before the watchdog warns in the log
N_MARKS = 5  # shown
START_HINT = (
    "Start Udacity's simulator and choose Autonomous Mode, or the built-in one: "
    "python simulator_bridge/simulate.py --track lake --realtime"
)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that the state of one view is made of."""

    car: ConnectedCar | None
    decision: Decision | None
    clients: Sequence[ClientFacts]
    marks: Marks
    shows: Overlay | None
    overlay_failure: str
    unavailable: Mapping[Overlay, str]
    n_viewers: int


def describe(snapshot: Snapshot) -> dict[str, Any]:
    """The state of one view."""
    car = snapshot.car
    facts = next((client for client in snapshot.clients if client.driver is car), None) if car is not None else None
    return {
        "cars": [_car_line(client) for client in snapshot.clients if client.driver is car or _is_car(client)],
        "car": car and car.number,
        "connection": describe_connection(snapshot.clients, facts),
        "drive": _drive(snapshot.decision, facts),
        "who": _control(car),
        "record": _record(car),
        "corrections": _corrections(car),
        "marks": {"n": snapshot.marks.n, "newest": snapshot.marks.newest(N_MARKS)},
        "progress": facts.progress.to_wire() if facts is not None and facts.progress is not None else None,
        "overlay": {
            "shows": snapshot.shows,
            "failure": snapshot.overlay_failure,
            "unavailable": dict(snapshot.unavailable),
        },
        "viewers": snapshot.n_viewers,
    }


def describe_connection(clients: Sequence[ClientFacts], watched: ClientFacts | None) -> dict[str, Any]:
    """How the connection is: a level ("waiting", "driving", "manual", "silent"), a line, and what to do."""
    if watched is None:
        return {"level": "waiting", "text": "Waiting for a simulator", "hint": START_HINT}
    n = sum(client is watched or _is_car(client) for client in clients)
    connected = f"{n} simulator{'s'[: n != 1]} connected"
    if watched.n_telemetry == 0:
        text, hint = f"{connected}, no telemetry yet", watched.hint or "In the simulator choose Autonomous Mode."
        return {"level": "waiting", "text": text, "hint": hint}
    if watched.silent_for_s > SILENT_S:
        text = f"{connected}, silent for {watched.silent_for_s:.0f} s"
        return {"level": "silent", "text": text, "hint": watched.hint or "Is the simulator paused or in its menu?"}
    if watched.is_manual:
        hint = "A person drives in the simulator: no frames come. Press its key for autonomous driving."
        return {"level": "manual", "text": f"{connected}, manual mode", "hint": hint}
    return {"level": "driving", "text": connected, "hint": watched.hint}


def _is_car(client: ClientFacts) -> bool:
    """Whether a client is a car; until its first telemetry it is only somebody who has connected."""
    return client.n_telemetry > 0 and isinstance(client.driver, ConnectedCar)


def _car_line(client: ClientFacts) -> dict[str, Any]:
    number = client.driver.number if isinstance(client.driver, ConnectedCar) else client.number
    return {"number": number, "frames": client.n_telemetry}


def _drive(decision: Decision | None, facts: ClientFacts | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    telemetry = decision.telemetry
    answers_ms = [1000.0 * answer for answer in facts.answers_s] if facts is not None else []
    ordered = sorted(answers_ms)
    return {
        "at_s": round(telemetry.received_at, 4),
        "steering": round(decision.applied.steering_angle, 4),
        "model_steering": round(decision.model.steering_angle, 4),
        "told": _told(decision.action),
        "throttle": round(decision.applied.throttle, 4),
        "speed_mph": round(telemetry.speed_mph, 2),
        "wheels": round(telemetry.steering_angle_deg / MAX_STEERING_DEG, 4),
        "answer_ms": round(answers_ms[-1], 3) if answers_ms else None,
        "answer_p50_ms": round(ordered[len(ordered) // 2], 3) if ordered else None,
        "answer_max_ms": round(ordered[-1], 3) if ordered else None,
        "frames": facts.n_telemetry if facts is not None else 0,
        "silent_for_s": round(facts.silent_for_s, 1) if facts is not None and math.isfinite(facts.silent_for_s) else 0,
    }


def _told(action: Action | None) -> dict[str, float | None]:
    """What the model tells beside what it does: where the car is, where it aims, as its driver would, its doubt."""
    names = ("lateral_m", "bearing_deg", "road", "doubt")
    finite = (finite_or_none(getattr(action, name, None)) for name in names)
    return {name: None if value is None else round(value, 4) for name, value in zip(names, finite, strict=True)}


def _control(car: ConnectedCar | None) -> dict[str, Any] | None:
    if car is None:
        return None
    state = car.authority.state
    return {
        "mode": state.mode.value,
        "reason": state.reason,
        "page": state.page,
        "set_speed_mph": car.authority.set_speed_mph,
        "model_decides_on_speed": car.pilot.predicts_speed,
        "speed_share": round(car.pilot.caution.share, 3),
        "holds_speed": car.authority.holds_speed,
    }


def _record(car: ConnectedCar | None) -> dict[str, Any]:
    if car is None:
        return {"on": False, "rows": 0, "seconds": 0.0, "folder": "", "failed": None}
    drive_recorder, recorder = car.drive_recorder, car.drive_recorder.recorder
    rows = recorder.n_written if recorder is not None else 0
    return {
        "on": drive_recorder.is_on,
        "rows": rows,
        "seconds": round(rows * RECORD_PERIOD_S, 1),
        "folder": str(recorder.folder) if recorder is not None else "",
        "failed": drive_recorder.failed,
    }


def _corrections(car: ConnectedCar | None) -> dict[str, Any]:
    if car is None:
        return {"saved": 0, "rows": 0, "current_rows": 0, "folder": ""}
    saved = car.corrections
    return {
        "saved": saved.n_saved, "rows": saved.n_rows, "current_rows": saved.current_rows, "folder": str(saved.folder),
    }  # fmt: skip
