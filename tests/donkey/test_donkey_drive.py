"""Our driver against a program that speaks sdsandbox's protocol, on real sockets."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from simulator_bridge.donkey.donkey_connection import CalledPeer, CallingPeer, DonkeyPeer
from simulator_bridge.donkey.donkey_drive import DonkeyDrive
from simulator_bridge.messages import Control, Telemetry
from simulator_bridge.serving import watchdog
from tests.support.donkey.donkey_simulator import DonkeySimulator, telemetry


class Recorder:
    """Drives steadily, remembers what it saw and whether it was closed."""

    def __init__(self) -> None:
        self.seen: list[Telemetry] = []
        self.closed = threading.Event()

    def __call__(self, telemetry: Telemetry) -> Control:
        self.seen.append(telemetry)
        return Control(0.1, 0.2)

    def close(self) -> None:
        self.closed.set()


@contextmanager
def driving(peer: DonkeyPeer, driver: Recorder, scene: str | None = None) -> Iterator[DonkeyDrive]:
    drive = DonkeyDrive(peer, lambda: driver, scene)
    thread = threading.Thread(target=drive.run, daemon=True)
    thread.start()
    try:
        yield drive
    finally:
        drive.stop()
        thread.join(20)
        peer.close()
        assert not thread.is_alive()


@contextmanager
def driven(driver: Recorder, scene: str | None = None) -> Iterator[tuple[DonkeySimulator, DonkeyDrive]]:
    with DonkeySimulator.listen() as listener:
        peer = CalledPeer("127.0.0.1", listener.getsockname()[1], "Donkey simulator")
        with driving(peer, driver, scene) as drive, DonkeySimulator.accept(listener) as simulator:
            yield simulator, drive


def test_a_simulator_is_driven_from_its_menu_to_the_end() -> None:
    driver = Recorder()
    with driven(driver, scene="warehouse") as (simulator, drive):
        simulator.send("scene_selection_ready", loaded="1")
        simulator.wait_for("get_scene_names")
        simulator.send("scene_names", scene_names=["generated_road", "warehouse"])
        assert simulator.receive() == {"msg_type": "load_scene", "scene_name": "warehouse"}
        simulator.send("car_loaded")
        assert simulator.receive()["car_name"] == "cloneway"
        simulator.send("telemetry", **telemetry())
        assert simulator.receive() == {"msg_type": "control", "steering": "0.1000", "throttle": "0.2000",
                                       "brake": "0.0000"}  # fmt: skip
        (client,) = drive.clients()
        assert client.driver is driver
        assert client.n_telemetry == 1
        drive.stop()
        assert simulator.receive() == {"msg_type": "control", "steering": "0.0", "throttle": "0.0", "brake": "1.0"}
        assert simulator.ends()
    assert driver.closed.is_set()
    assert driver.seen[0].steering_angle_deg == 25.0


def test_only_the_newest_of_several_frames_is_driven() -> None:
    driver = Recorder()
    with driven(driver) as (simulator, _):
        both = [json.dumps({"msg_type": "telemetry", **telemetry(speed=speed)}) for speed in (1.0, 2.0, 3.0)]
        simulator.send_bytes("\n".join([*both, ""]).encode())
        simulator.wait_for("control")
        simulator.send("telemetry", **telemetry(speed=4.0))
        simulator.wait_for("control")
    speeds = [seen.speed_mph * 0.44704 for seen in driver.seen]
    assert speeds[-1] == pytest.approx(4.0)
    assert speeds == sorted(speeds)


def test_a_telemetry_in_pieces_with_decimal_commas_is_driven() -> None:
    driver = Recorder()
    with driven(driver) as (simulator, _):
        text = json.dumps({"msg_type": "telemetry", **telemetry()}, separators=(",", ":")).replace(":2.0", ":2,5")
        for at in range(0, len(text), 700):
            simulator.send_bytes(text[at : at + 700].encode())
        assert simulator.wait_for("control")["steering"] == "0.1000"
    assert driver.seen[0].speed_mph == pytest.approx(2.5 / 0.44704)


def test_malformed_telemetry_is_answered_with_something_safe(caplog: pytest.LogCaptureFixture) -> None:
    driver = Recorder()
    with driven(driver) as (simulator, _):
        for _ in range(3):
            simulator.send("telemetry", **telemetry(image="no image"))
            answer = simulator.wait_for("control")
            assert (answer["steering"], answer["throttle"]) == ("0.0000", "0.0000")
        simulator.send("telemetry", **telemetry())
        assert simulator.wait_for("control")["steering"] == "0.1000"
    assert sum("malformed telemetry" in line for line in caplog.messages) == 1
    assert len(driver.seen) == 1


def test_a_simulator_that_was_restarted_is_driven_again(caplog: pytest.LogCaptureFixture) -> None:
    driver = Recorder()
    with DonkeySimulator.listen() as listener:
        port = listener.getsockname()[1]
        with driving(CalledPeer("127.0.0.1", port, "Donkey simulator"), driver):
            for _ in range(2):
                with DonkeySimulator.accept(listener) as simulator:
                    simulator.send("telemetry", **telemetry())
                    simulator.wait_for("control")
    assert len(driver.seen) == 2
    assert f"the Donkey simulator at 127.0.0.1:{port} has hung up, after 1 telemetry" in caplog.text


def test_a_simulator_that_is_not_there_yet_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    with DonkeySimulator.listen() as listener:
        port = listener.getsockname()[1]
    tries = threading.Semaphore(0)

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            tries.release()
            return super().wait(0.0)

    drive = DonkeyDrive(CalledPeer("127.0.0.1", port, "Donkey simulator"), Recorder)
    drive._stop = Stop()
    thread = threading.Thread(target=drive.run)
    thread.start()
    assert all(tries.acquire(timeout=20) for _ in range(3))
    drive.stop()
    thread.join()
    assert caplog.text.count("start it; trying again until it does") == 1


def test_what_is_no_donkey_simulator_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with driven(Recorder()) as (simulator, _):
        simulator.send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert simulator.ends()
    assert "does not speak Donkey's protocol: expected a JSON object" in caplog.text


def test_without_a_scene_the_menu_says_what_there_is(caplog: pytest.LogCaptureFixture) -> None:
    with driven(Recorder()) as (simulator, _):
        simulator.send("scene_names", scene_names=["generated_road", "warehouse"])
        simulator.send("telemetry", **telemetry())
        simulator.wait_for("control")
    assert "choose a scene there, or say --donkey-scene generated_road or warehouse" in caplog.text


def test_laps_are_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with driven(Recorder()) as (simulator, _):
        for time_s in (2.0, 34.5):
            simulator.send("collision_with_starting_line", starting_line_index=0, timeStamp=time_s)
        simulator.send("telemetry", **telemetry())
        simulator.wait_for("control")
    assert "a lap in 32.5 s" in caplog.text


def test_a_simulator_of_2019_connects_itself() -> None:
    driver = Recorder()
    peer = CallingPeer(0, "Donkey simulator")
    with driving(peer, driver), DonkeySimulator.call(peer.port) as simulator:
        simulator.send("telemetry", **telemetry())
        assert simulator.wait_for("control")["steering"] == "0.1000"
    assert driver.closed.is_set()


def test_a_simulator_that_says_nothing_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watchdog, "SILENCE_S", 0.0)
    with driven(Recorder()) as (simulator, _):
        simulator.send("car_loaded")
        simulator.wait_for("car_config")
        simulator.send("car_loaded")
        simulator.wait_for("car_config")
    assert caplog.text.count("sends no telemetry: choose a scene there, or say --donkey-scene NAME") == 1
