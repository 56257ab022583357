"""Frames that come faster than they are answered: the newest is driven, every one is answered, in order."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from simulator_bridge.messages import Control, Telemetry
from simulator_bridge.serving.bridge_server import TRANSPORTS
from simulator_bridge.serving.stage_times import StageTimes
from simulator_bridge.transport.simulator_client import SimulatorClient, mask_message
from tests.support.running_server import ask, connect, running_server, wire_telemetry


class SpeedDriver:
    """Steers by the speed it is told, so that an answer tells which telemetry it was driven by."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self.may_go_on = threading.Event()
        self.is_driving = threading.Event()

    def __call__(self, telemetry: Telemetry) -> Control:
        self.seen.append(telemetry.speed_mph)
        self.is_driving.set()
        if telemetry.speed_mph == 1:
            assert self.may_go_on.wait(10)
        return Control(telemetry.speed_mph / 1000, 0.0)


def steering(payload: dict[str, str]) -> float:
    return float(payload["steering_angle"])


def send_in_one_go(client: SimulatorClient, payloads: Sequence[object]) -> None:
    packets = ["42" + json.dumps(["telemetry", payload]) for payload in payloads]
    client._send(b"".join(b"".join(mask_message(packet.encode())) for packet in packets))


def test_while_a_frame_is_driven_the_newest_of_those_that_come_is_next() -> None:
    driver = SpeedDriver()
    with running_server(lambda: driver) as server, connect(server) as client:
        client.emit("telemetry", wire_telemetry(speed="1"))
        assert driver.is_driving.wait(5)
        for speed in range(2, 30):
            client.emit("telemetry", wire_telemetry(speed=str(speed)))
        driver.may_go_on.set()
        answers = [steering(client.wait_for("steer").payload) for _ in range(1, 30)]
        client.emit("telemetry", None)
        assert client.wait_for("steer", "manual").name == "manual", "a 30th steer came first"
    assert answers[0] == 0.001
    assert answers[-1] == 0.029, "the newest is driven"
    assert driver.seen[-1] == 29
    assert len(driver.seen) < 29, "and not every one before it"
    assert sorted(answers) == answers, "each is answered by the last control there was: none comes too late"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_frames_that_come_in_one_go_are_answered_by_the_last_control_but_for_the_newest(transport: str) -> None:
    driver = SpeedDriver()
    with running_server(lambda: driver, transport=transport) as server, connect(server) as client:
        assert steering(ask(client, wire_telemetry(speed="2"))) == 0.002
        burst = [wire_telemetry(speed="3"), None, wire_telemetry(speed="4"), "rubbish", None, wire_telemetry(speed="5")]
        send_in_one_go(client, burst)
        events = [client.wait_for("steer", "manual") for _ in burst]
    assert [event.name for event in events] == ["steer", "manual", "steer", "steer", "manual", "steer"]
    assert steering(events[-1].payload) == 0.005
    assert driver.seen[-1] == 5


def test_the_first_frame_is_driven_even_if_a_newer_one_waits() -> None:
    driver = SpeedDriver()
    with running_server(lambda: driver) as server, connect(server) as client:
        send_in_one_go(client, [wire_telemetry(speed="2"), wire_telemetry(speed="3")])
        assert [steering(client.wait_for("steer").payload) for _ in range(2)] == [0.002, 0.003]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_stages_of_each_answer_are_measured_on_request(transport: str) -> None:
    told: queue.SimpleQueue[StageTimes] = queue.SimpleQueue()
    options: dict[str, Any] = {"transport": transport, "on_stage_times": told.put}
    with running_server(**options) as server, connect(server) as one, connect(server) as other:
        for _ in range(3):
            ask(one, wire_telemetry())
        ask(other, wire_telemetry())
        ask(other, "rubbish")
        times = [told.get(timeout=5) for _ in range(5)]
    assert sorted(stage.client for stage in times) == [1, 1, 1, 2, 2]
    for stage in times:
        assert stage.was_driven
        assert min(stage.receive, stage.decode, stage.infer, stage.encode, stage.send) >= 0
        assert stage.decode > 0
