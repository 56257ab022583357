"""The built-in simulator as gym-donkeycar's client sees it: a real process, real sockets."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from simulator_bridge.simulate import main
from tests.support.donkey.donkey_client import DonkeyClient, picture
from tests.support.donkey.donkey_simulator import DonkeySimulator
from tests.support.driving.small_track import write_oval
from tests.support.paths import ROOT

SCRIPT = ROOT / "simulator_bridge" / "simulate.py"


@pytest.fixture(scope="module")
def oval(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv"))


@contextmanager
def simulating(track: str, *flags: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The simulator's process and its port."""
    command = [sys.executable, str(SCRIPT), "--track", track, "--donkey-port", "0", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found, process.stderr.read()
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def port(oval: str) -> Iterator[int]:
    """A simulator for tests that do not end it."""
    with simulating(oval) as (_, port):
        yield port


def drive_laps(client: DonkeyClient, n_laps: int) -> list[float]:
    """Drive along the line with P and D on its cte; the largest distance from it, and the speed along the nose."""
    before, offsets = client.telemetry["cte"], []
    for _ in range(3000):
        cte = client.telemetry["cte"]
        throttle = 0.3 if client.telemetry["speed"] < 4.0 else 0.0
        client.step(-0.3 * cte - 4.0 * (cte - before), throttle)
        before = cte
        offsets.append(abs(cte))
        if len(client.lap_times) == n_laps:
            return offsets
    raise AssertionError(f"no lap in {len(offsets)} steps: {client.telemetry}")


def test_gym_donkeycars_client_drives_laps_and_says_goodbye(oval: str) -> None:
    with simulating(oval) as (process, port):
        with DonkeyClient(port, scene="warehouse") as client:
            client.wait_until_loaded()
            first = client.step(0.0, 0.0, brake=1.0)
            assert picture(first).shape == (120, 160, 3)
            assert picture(first).std() > 20, "a picture"
            assert (first["speed"], first["hit"], client.heard[-1]) == (
                pytest.approx(0, abs=0.05),
                "none",
                "car_loaded",
            )
            offsets = drive_laps(client, 2)
            assert max(offsets) < 3.0, "metres: the road is 4 m wide on either side"
            told = client.telemetry
            assert client.forward_speed() == pytest.approx(told["speed"], abs=0.3)
            assert client.lap_times[0] == pytest.approx(148 / 4, rel=0.3)
            back = client.reset()
            back = client.step(0.0, 0.0, brake=1.0)
            assert (back["pos_x"], back["pos_z"]) == pytest.approx((first["pos_x"], first["pos_z"]), abs=0.1)
            assert back["speed"] < 0.1
        with DonkeyClient(port) as another:
            another.wait_until_loaded()
            another.step(0.5, 0.1)
            assert another.step(0.5, 0.1)["steering_angle"] == 0.5
            another.send_now({"msg_type": "quit_app"})
            out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "2 clients, 2 laps, the best in" in out
    assert "the client asks for the scene warehouse and drives on" in err


def test_steering_to_the_right_gives_a_positive_cte_and_turns_clockwise(oval: str, port: int) -> None:
    with DonkeyClient(port, scene=oval) as client:
        client.wait_until_loaded()
        before = client.step(0.0, 0.0, brake=1.0)
        for _ in range(40):
            after = client.step(0.4, 0.5)
        assert after["cte"] > before["cte"] + 0.2
        assert (after["yaw"] - before["yaw"]) % 360.0 < 180.0
        assert after["gyro_y"] > 0.0


def test_the_brake_stops_and_holds_and_a_negative_throttle_reverses(port: int) -> None:
    with DonkeyClient(port) as client:
        client.wait_until_loaded()
        for _ in range(40):
            client.step(0.0, 1.0)
        assert client.telemetry["speed"] > 2.0
        for _ in range(60):
            client.step(0.0, 0.0, brake=1.0)
        assert client.telemetry["speed"] < 0.1
        for _ in range(40):
            client.step(0.0, -1.0)
        assert client.forward_speed() < -0.5


def test_cameras_are_as_the_client_configures_them(port: int) -> None:
    with DonkeyClient(port, img_w=64, img_h=48, img_d=1, img_enc="PNG") as client:
        client.wait_until_loaded()
        client.step(0.0, 0.0)
        grey = picture(client.step(0.0, 0.0))
        assert grey.shape == (48, 64, 3)
        assert (grey[..., 0] == grey[..., 2]).all()
        client.send_now(
            {"msg_type": "cam_config_b", "img_w": "320", "img_h": "240", "fov": "100", "rot_x": "80", "img_enc": "JPG"},
            {"msg_type": "cam_config", "img_w": "5", "img_h": "5"},
        )
        client.step(0.0, 0.0)
        both = client.step(0.0, 0.0)
        assert picture(both, "image_b").shape == (240, 320, 3)
        assert picture(both).shape == (48, 64, 3), "what cannot be is refused, and leaves all as it was"


def test_other_messages_are_answered_or_named(oval: str) -> None:
    with simulating(oval) as (process, port):
        with DonkeyClient(port) as client:
            client.wait_until_loaded()
            client.send_now(
                {"msg_type": "get_protocol_version"},
                {"msg_type": "node_position", "index": "3"},
                {"msg_type": "lidar_config"},
                {"msg_type": "load_scene", "scene_name": "moon"},
                {"msg_type": "control", "steering": "left"},
                {"msg_type": "teleport"},
                {"msg_type": "exit_scene"},
            )
            client.wait_for("node_position")
            client.wait_for("protocol_version")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert client.heard.count("scene_selection_ready") == 2, "exit_scene leads to the menu"
    assert "lidar_config: there is none here, ignored" in err
    assert "teleport: an unknown message, ignored" in err
    assert "load_scene: expected one of generated_road, warehouse" in err
    assert "control: expected a finite number as steering, got 'left'" in err


def test_a_client_that_sends_garbage_is_named_and_the_next_one_drives(oval: str) -> None:
    with simulating(oval) as (process, port):
        with DonkeySimulator.call(port) as stranger:
            stranger.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
            assert stranger.ends()
        with DonkeyClient(port) as client:
            client.wait_until_loaded()
            client.send_now({"msg_type": "quit_app"})
            _, err = process.communicate(timeout=30)
    assert "does not speak Donkey's protocol" in err


def test_a_client_of_2019_that_listens_is_called_and_called_again(oval: str) -> None:
    with DonkeySimulator.listen() as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, str(SCRIPT), "--track", oval, "--donkey", address]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            for _ in range(2):
                with DonkeySimulator.accept(listener) as client:
                    client.wait_for("scene_selection_ready")
                    client.send_bytes(b'{"msg_type": "get_scene_names"}')
                    names = client.receive()["scene_names"]
                    client.send_bytes(f'{{"msg_type": "load_scene", "scene_name": "{names[3]}"}}'.encode())
                    client.wait_for("telemetry")
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    "flags",
    [["--donkey-port", "0", "--donkey", "h:1"], ["--donkey", "h:x"], ["--donkey-port", "0", "--expert"],
     ["--donkey-port", "0", "--json", "-"], ["--donkey-port", "-1"]],
)  # fmt: skip
def test_what_does_not_go_together_is_a_usage_error(flags: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(flags)
    assert raised.value.code == 2
