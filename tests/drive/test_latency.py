"""`python drive/latency.py` as a user runs it, and its figures."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from drive.benchmark.latency_client import LatencyClient, draw_jpegs
from drive.benchmark.latency_run import Measured, OwnServer, ServerFailedError
from drive.benchmark.latency_server import SlowKerasPolicy
from drive.benchmark.latency_table import PERCENTILES, summarise
from drive.latency import LatencyConfig, main
from models.loading import load_policy
from simulator_bridge.messages import Control, Telemetry
from tests.support.drivable_model import drivable_model
from tests.support.made_model import made_frames
from tests.support.paths import ROOT
from tests.support.running_server import pongs, running_server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def test_it_says_where_the_time_goes_in_a_table_and_in_json(tmp_path: Path) -> None:
    out = tmp_path / "latency.json"
    flags = ["--skip-keras", "--frames", "20", "--transport", "threading", "--json", str(out)]
    command = [sys.executable, str(ROOT / "drive" / "latency.py"), str(drivable_model()), *flags]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "part of infer" in result.stdout, "it says where preprocessing is"
    servers: dict[str, Any] = json.loads(out.read_text())["servers"]
    assert list(servers) == ["threading", "threading, no model"]
    for name, server in servers.items():
        assert server["n"] == 20
        trip = server["round_trip_ms"]
        assert 0 < trip["p50"] <= trip["p95"] <= trip["p99"] <= trip["max"]
        assert list(server["stages_ms"]) == ["receive", "decode", "infer", "encode", "send"]
        # the stages know of the very first answer, too, the round trips do not
        assert 0 < server["stages_ms"]["decode"]["p50"] <= trip["p50"], "decoding is a part of the round trip"
        assert re.search(rf"^{name} +{trip['p50']:.2f} ", result.stdout, re.MULTILINE), "the same numbers in both"
        assert server["memory_mb"] > 10
        assert server["first_steer_s"] > 0


def test_several_clients_at_a_fixed_rate_load_any_other_server(tmp_path: Path) -> None:
    out = tmp_path / "latency.json"
    other = shlex.join([sys.executable, str(ROOT / "drive" / "evaluation" / "lap_server.py"), "--port", "{port}"])
    flags = ["--against", other, "--against-port", str(free_port()), "--json", str(out)]
    assert main([*flags, "--clients", "2", "--fps", "100", "--frames", "30"]) == 0
    server = json.loads(out.read_text())["servers"]["against"]
    assert server["n"] == 60
    assert server["n_unanswered"] == 0
    assert server["stages_ms"] is None, "what happens inside is not known"


def test_frames_sent_at_a_fixed_rate_do_not_wait_for_answers() -> None:
    def drive(telemetry: Telemetry) -> Control:
        seen.append(telemetry)
        return Control(0.0, 0.0)

    seen: list[Telemetry] = []
    with running_server(lambda: drive) as server:
        client = LatencyClient(f"ws://127.0.0.1:{server.port}", draw_jpegs())
        try:
            result = client.drive_at(fps=1000, n=50)
        finally:
            client.close()
    assert (len(result.round_trips_s), result.n_unanswered) == (50, 0)
    assert 1 <= len(seen) <= 50


def test_a_client_that_waits_for_its_turn_answers_pings_and_is_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = pongs(monkeypatch)
    with (
        running_server(ping_interval_s=0.05, ping_timeout_s=60) as server,
        closing(LatencyClient(f"ws://127.0.0.1:{server.port}", draw_jpegs())) as client,
    ):
        client.first_steer()
        while answered.acquire(blocking=False):
            continue
        for _ in range(3):  # meanwhile other servers start, or are driven
            assert answered.acquire(timeout=20)
        assert len(client.drive(2).round_trips_s) == 2


@pytest.mark.parametrize("way", ["call", "predict"])
def test_the_slow_ways_of_asking_give_the_same_answer(way: str) -> None:
    frame = made_frames(1)[0]
    wanted = load_policy(drivable_model())(frame).steering_angle
    assert SlowKerasPolicy(drivable_model(), way)(frame).steering_angle == pytest.approx(wanted, abs=1e-3)


def test_frames_are_as_long_as_the_simulators() -> None:
    assert all(15_000 < len(jpeg) < 25_000 for jpeg in draw_jpegs())


def test_ratios_compare_with_our_own_server_on_the_same_transport() -> None:
    runs = [Measured("threading", "litert", "threading"), Measured("threading, predict", "predict", "threading")]
    runs[0].drive.round_trips_s = [0.002] * 9
    runs[1].drive.round_trips_s = [0.1] * 9
    ratios = summarise(runs)["ratios"]
    assert ratios == {"threading, predict / threading": dict.fromkeys(PERCENTILES, 50.0)}


def test_answers_are_compared_with_the_cockpit_open_and_closed(tmp_path: Path) -> None:
    out = tmp_path / "latency.json"
    flags = ["--cockpit", "--frames", "48", "--transport", "threading", "--json", str(out)]
    assert main([str(drivable_model()), *flags]) == 0
    summary = json.loads(out.read_text())
    quiet, watched = summary["servers"]["threading"], summary["servers"]["threading, cockpit"]
    assert quiet["n"] == watched["n"] == 48
    assert quiet["n_page_updates"] == 0
    assert watched["n_page_updates"] >= watched["n_page_maps"] >= 1
    ratio = summary["ratios"]["threading, cockpit / threading"]["p50"]
    assert ratio == pytest.approx(watched["round_trip_ms"]["p50"] / quiet["round_trip_ms"]["p50"], abs=0.01)


def test_a_server_that_cannot_be_started_is_one_clear_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--against", "no-such-program-anywhere"]) == 1
    assert re.fullmatch(r"error: cannot start 'no-such-program-anywhere': .+\n", _last_line(capsys))
    broken = tmp_path / "model.h5"
    broken.write_bytes(b"no model at all")
    assert main([str(broken)]) == 1
    assert re.fullmatch(r"error: the server to measure \(litert\) has not started: .+\n", _last_line(capsys))
    assert main([str(tmp_path / "none.h5")]) == 1


def _last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines(keepends=True)[-1]


@pytest.mark.parametrize("flags", [[], ["m.h5", "--clients", "0"], ["m.h5", "--fps", "-1"], ["m.h5", "--frames", "1"]])
def test_values_out_of_range_are_a_usage_error(flags: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(flags)
    assert raised.value.code == 2


def test_both_transports_are_measured_by_default() -> None:
    assert LatencyConfig(model=Path("model.h5")).transports == ("threading", "eventlet")


def test_a_server_that_ends_while_it_is_measured_is_one_clear_line() -> None:
    with closing(OwnServer(drivable_model(), "none", "threading")) as server:
        assert server.report()["stages_s"] == []
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(ServerFailedError, match=r"\(none\) has ended or hangs: killed by SIGKILL"):
            server.report()
