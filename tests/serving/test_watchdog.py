from __future__ import annotations

from simulator_bridge.serving.watchdog import N_ANSWERS, SILENCE_S, Watchdog


def said(watchdog: Watchdog, now: float) -> list[str]:
    return [kind for kind, _ in watchdog.new_warnings(now)]


def drive(watchdog: Watchdog, took_s: float, n: int = N_ANSWERS, passed_over_every: int = 0) -> None:
    for number in range(n):
        watchdog.answered(0.0, took_s, passed_over=bool(passed_over_every and number % passed_over_every))


def test_a_drive_in_good_order_is_not_commented() -> None:
    watchdog = Watchdog(0.0)
    drive(watchdog, took_s=0.004, n=10 * N_ANSWERS)
    assert said(watchdog, SILENCE_S) == []


def test_silence_is_said_once_with_what_to_do_and_again_after_a_further_drive() -> None:
    watchdog = Watchdog(0.0)
    drive(watchdog, took_s=0.004)
    (kind, line), *others = watchdog.new_warnings(SILENCE_S + 1)
    assert (kind, others) == ("silence", [])
    assert "no telemetry for 11 s" in line
    assert "paused, minimised or in its menu" in line
    assert said(watchdog, 100.0) == []
    watchdog.answered(200.0, 0.004, passed_over=False)
    assert said(watchdog, 201.0 + SILENCE_S) == ["silence"]


def test_a_client_that_never_sent_telemetry_is_told_apart() -> None:
    ((_, line),) = Watchdog(0.0).new_warnings(SILENCE_S + 2)
    assert "connected for 12 s and has sent no telemetry" in line
    assert "Autonomous Mode" in line


def test_late_answers_are_said_with_the_command_that_tells_more() -> None:
    watchdog = Watchdog(0.0)
    drive(watchdog, took_s=0.08)
    ((kind, line),) = watchdog.new_warnings(1.0)
    assert kind == "late"
    assert "80 ms" in line
    assert "python drive/latency.py model.h5" in line
    assert said(watchdog, 1.0) == []


def test_a_few_late_answers_are_not_worth_a_line() -> None:
    watchdog = Watchdog(0.0)
    drive(watchdog, took_s=2.0, n=N_ANSWERS // 3)
    drive(watchdog, took_s=0.004)
    assert said(watchdog, 1.0) == []


def test_frames_that_come_too_fast_are_said() -> None:
    watchdog = Watchdog(0.0)
    drive(watchdog, took_s=0.02, passed_over_every=4)
    ((kind, line),) = watchdog.new_warnings(1.0)
    assert kind == "passed over"
    assert f"75 of the last {N_ANSWERS}" in line
