"""What takes long says how far it is: bars on a terminal, elsewhere a line from time to time."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from simulator_bridge.cli import terminal
from simulator_bridge.cli.terminal import LINE_PERIOD_S, ProgressDisplay, counted, counting, minutes, quiet
from simulator_bridge.cli.whole_time import CountedTime, WholeTime
from tests.support.source_tree import SOURCES


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_long_job_says_in_lines_how_far_it_is(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressDisplay(clock) as display:
        bar = display.add("driving lake")
        for second in range(41):
            clock.now_s = 100.0 + second
            bar.update(second / 100, "lap 1 of 3")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["driving lake: 15%, lap 1 of 3, 1:25 left", "driving lake: 30%, lap 1 of 3, 1:10 left"]


def test_a_short_job_and_a_quiet_one_say_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressDisplay(clock) as display:
        bar = display.add("driving lake")
        clock.now_s += LINE_PERIOD_S - 0.1
        bar.update(0.5)
    with quiet(), ProgressDisplay(clock) as display:
        bar = display.add("driving lake")
        clock.now_s += 10 * LINE_PERIOD_S
        bar.update(0.5)
    assert capsys.readouterr().err == ""


def test_nothing_is_estimated_from_next_to_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressDisplay(clock) as display:
        bar = display.add("driving lake")
        for share in (0.0, 0.001, 0.02):  # the car has hardly started: four hours left, for a lap of two minutes
            clock.now_s += LINE_PERIOD_S
            bar.update(share)
    assert capsys.readouterr().err.splitlines() == [
        "driving lake: 0%", "driving lake: 0%", "driving lake: 2%, 36:45 left"
    ]  # fmt: skip


def test_several_things_have_a_line_each_and_one_can_be_renamed(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProgressDisplay(clock) as display:
        bars = [display.add(f"seed {seed}") for seed in (0, 1)]
        bars[0].rename("epoch 1/9")
        clock.now_s += LINE_PERIOD_S
        bars[0].update(0.25, left_s=3.0)
        bars[1].update(0.0)
        bars[0].close()
    assert capsys.readouterr().err.splitlines() == ["epoch 1/9: 25%, 0:03 left", "seed 1: 0%"]


def test_on_a_terminal_there_are_bars_and_no_lines(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=100)
    monkeypatch.setattr(terminal, "console_for_person", lambda: console)
    with ProgressDisplay(clock) as display:
        bar = display.add("features")
        clock.now_s += 10.0
        bar.update(0.5, "5 of 10")
        display.bars.refresh()
    assert "5 of 10, 0:10 left" in shown.getvalue()
    assert "features: " not in shown.getvalue()


def test_what_is_counted_says_of_how_many(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "LINE_PERIOD_S", 0.0)
    with counting("features", 8) as on_progress:
        on_progress(2)
    assert capsys.readouterr().err.startswith("features: 25%, 2 of 8, ")


def test_what_is_gone_through_is_counted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "LINE_PERIOD_S", 0.0)
    assert [2 * number for number in counted(range(4), "filming")] == [0, 2, 4, 6]
    lines = capsys.readouterr().err.splitlines()
    assert [line[: line.index(" of")] for line in lines] == [f"filming: {25 * n}%, {n}" for n in (1, 2, 3, 4)]


def test_there_is_one_way_to_show_progress() -> None:
    others = [path for path in SOURCES if path.stem != "terminal" and "rich.progress" in path.read_text("utf-8")]
    assert others == [], "a bar of one's own says nothing where there is no terminal: use counting or counted"


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3661, "1:01:01")])
def test_times_are_for_people(seconds: float, shown: str) -> None:
    assert minutes(seconds) == shown


@pytest.fixture
def whole(clock: Clock) -> WholeTime:
    return WholeTime(4, clock)


def test_a_comparison_tells_the_time_left_of_all_its_runs(whole: WholeTime, clock: Clock) -> None:
    whole.begin()
    assert whole.left_in_words() == ""
    clock.now_s += 20.0
    assert whole.left_s(0.25) == pytest.approx(60 + 3 * 80)  # as long for each as the first will take
    clock.now_s += 80.0
    whole.begin()
    assert whole.left_s() == pytest.approx(3 * 100)
    clock.now_s += 250.0  # longer than expected
    assert whole.left_s() == pytest.approx(2 * 100)
    assert whole.left_in_words() == ", about 3:20 left of all"


def test_runs_that_were_done_before_take_no_time(whole: WholeTime, clock: Clock) -> None:
    for _ in range(3):
        whole.begin()
        whole.skip()
    whole.begin()
    clock.now_s += 10.0
    assert whole.left_s(0.5) == pytest.approx(10)


def test_an_exam_tells_the_time_left_of_all_its_segments(clock: Clock) -> None:
    left = CountedTime(4, clock)
    clock.now_s += 20.0
    assert left.one_done() == ", about 1:00 left of all"
    clock.now_s += 10.0  # two at a time
    assert left.one_done() == ", about 0:30 left of all"
    left.one_done()
    assert left.one_done() == ""
