"""The command lines of all scripts of drive/ and simulator_bridge/: what is wrong, refused, hidden and gone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from drive import doctor, laps, latency, saliency, server, soak, video
from drive.benchmark import latency_server
from drive.cockpit import overlay_process, viewer
from drive.evaluation import lap_server
from simulator_bridge import look, simulate
from simulator_bridge.messages import FRAME_SHAPE
from simulator_bridge.simulator.scene.layers import Label
from tests.support.drivable_model import drivable_model
from tests.support.driving.small_track import write_oval
from tests.support.made_recording import make_recording
from tests.support.paths import ROOT

Main = Callable[[list[str]], int]

SCRIPTS: dict[str, Main] = {
    "server": server.main,
    "laps": laps.main,
    "latency": latency.main,
    "soak": soak.main,
    "doctor": doctor.main,
    "video": video.main,
    "saliency": saliency.main,
    "lap_server": lap_server.main,
    "latency_server": latency_server.main,
    "viewer": viewer.main,
    "overlay_process": overlay_process.main,
    "simulate": simulate.main,
    "look": look.main,
}


def complain(words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed about a wrong command line: behind exit code 2 and one line of usage."""
    script, *argv = words.split()
    with pytest.raises(SystemExit) as end:
        SCRIPTS[script](argv)
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    usage, message = printed.err.splitlines()
    assert usage.startswith("usage: ")
    assert usage.endswith("[options]")
    return message.partition(": error: ")[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("server", "the following arguments are required: MODEL"),
        ("server m.h5 --prot 1", "unknown option --prot; did you mean --port?"),
        ("server m.h5 --port 65536", "expected --port of at least 0 and up to 65535, got 65536"),
        ("server m.h5 --speed fast", "argument --speed: expected a number, got 'fast'"),
        (
            "server m.h5 --transport treading",
            "argument --transport: expected one of eventlet, threading; got 'treading'; did you mean threading?",
        ),
        ("server m.h5 --token short", "expected a --token of at least 8 characters; without one it is made up"),
        ("server m.h5 --token secrets! --insecure", "expected a --token or --insecure, got both"),
        ("server m.h5 -v -q", "--verbose and --quiet do not go together"),
        ("laps", "expected one driver: a model file, or --expert, or --policy zero"),
        ("laps m.h5 --expert", "expected one driver: a model file, or --expert, or --policy zero"),
        (
            "laps --expert --track laek",
            "no track 'laek': expected lake, jungle, random:SEED, mountain:SEED or a .csv file; did you mean lake?",
        ),
        (
            "laps --expert --track lake,jungel",
            "no track 'jungel': expected lake, jungle, random:SEED, mountain:SEED or a .csv file; did you mean jungle?",
        ),
        (
            "laps --expert --track random:x",
            "'random:x': expected random:SEED with a whole number, for example random:7",
        ),
        ("laps --expert --track ,", "argument --track: expected TRACK[,TRACK...], got ','"),
        ("laps --expert --seeds 0", "expected --seeds of at least 1, got 0"),
        ("laps --expert --seed 1", "unknown option --seed; did you mean --seeds?"),
        ("laps --expert --latency 0,-5", "expected --latency of at least 0 and up to 10000 ms, got -5"),
        ("laps --expert --weather hail", "argument --weather: expected one of clear, random; got 'hail'"),
        (
            "laps --expert --backend elg",
            "argument --backend: expected one of auto, tinydisplay, egl; got 'elg'; did you mean egl?",
        ),
        ("laps --policy zro", "argument --policy: expected one of zero; got 'zro'; did you mean zero?"),
        ("laps --expert --scale 0", "expected --scale above 0, got 0"),
        ("laps --expert --video film.avi", "expected --video to end in .mp4, got film.avi"),
        ("latency", "expected a model file, or a server's command with --against"),
        ("latency m.h5 --clients 65", "expected --clients of at least 1 and up to 64, got 65"),
        ("latency m.h5 --cockpit --clients 2", "expected --cockpit with a model file and one client, and without --ag"),
        ("soak --minutes 0", "expected --minutes of at least 0.05 and up to 10000, got 0"),
        ("soak --seed -1", "expected --seed of at least 0, got -1"),
        ("doctor --json m.h5", "--json m.h5 would overwrite a model; say --json - for standard output"),
        ("video rec film.avi", "expected OUT to end in .mp4, got film.avi"),
        ("video rec film.mp4 --start -1", "expected --start of at least 0 s, got -1"),
        ("video rec film.mp4 --saliency", "--saliency and --segmentation show what a model sees: name the model with"),
        ("saliency m.h5 rec --frames 0", "expected --frames of at least 1, got 0"),
        ("saliency m.h5 rec --sheet sheet.gif", "expected --sheet to end in .png or .jpg, got sheet.gif"),
        ("lap_server --speed 31", "expected --speed above 0 and up to 30 mph, got 31"),
        (
            "latency_server m.h5 --way keras",
            "argument --way: expected one of litert, none, call, predict; got 'keras'",
        ),
        ("viewer", "the following arguments are required: URL"),
        ("overlay_process", "the following arguments are required: MODEL"),
        (
            "simulate --expert --track lkae",
            "no track 'lkae': expected lake, jungle, random:SEED, mountain:SEED or a .csv file; did you mean lake?",
        ),
        ("simulate --laps 0", "expected --laps of at least 1, got 0"),
        ("simulate --period nan", "expected --period of at least 0.02 and up to 1 s, got nan"),
        ("simulate --expert --rollout steps.csv", "expected --rollout to end in .npz, got steps.csv"),
        (
            "simulate --noise 1",
            "--noise is of a drive that the expert drives or labels: say --expert or --record DIR too",
        ),
        (
            "simulate --record DIR --realtime",
            "--record of a server's drive needs lock-step: leave out --realtime, or say --expert too",
        ),
        (
            "simulate --expert-share 0.5",
            "--expert-share is of a server's drive that is recorded: say --record DIR, not --expert",
        ),
        ("simulate --record DIR --labels", "--labels go into a recording of the expert: say --expert --record DIR too"),
        ("simulate --status --json -", "--status and --json - both need standard output: name a FILE"),
        ("look out.gif", "expected OUT to end in .png or .jpg, got out.gif"),
        (
            "look out.png --track jungel",
            "no track 'jungel': expected lake, jungle, random:SEED, mountain:SEED or a .csv file; did you mean jungle?",
        ),
    ],
    ids=lambda text: text if len(text) < 60 else "",
)  # fmt: skip
def test_a_wrong_command_line_is_2_with_a_short_usage_and_what_was_expected(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complain(words, capsys).startswith(message)


@pytest.mark.parametrize("words", ["simulate --report drive.json", "simulate --report=drive.json"])
def test_simulates_former_report_names_json(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert complain(words, capsys) == "--report is gone: use --json FILE"


def test_simulates_former_browser_names_the_studio(capsys: pytest.CaptureFixture[str]) -> None:
    assert complain("simulate --browser", capsys) == "--browser is gone: run python train/studio.py"
    assert (ROOT / "train" / "studio.py").is_file()


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_shows_no_flag_that_only_our_own_programs_use(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        SCRIPTS[script](["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: ")
    assert "--end-with-parent" not in text
    assert "--status" not in text


@pytest.mark.parametrize(
    "words",
    [
        "laps --expert --track none.csv --json TAKEN",
        "laps --expert --track none.csv --report TAKEN",
        "laps --expert --track none.csv --video TAKEN",
        "latency --against true --json TAKEN",
        "soak --json TAKEN",
        "doctor --json TAKEN",
        "video none TAKEN",
        "saliency none.h5 none --json TAKEN",
        "saliency none.h5 none --sheet TAKEN",
        "simulate --expert --track none.csv --json TAKEN",
        "simulate --expert --track none.csv --rollout TAKEN",
        "simulate --expert --track none.csv --video TAKEN",
        "look --track none.csv TAKEN",
    ],
)
def test_a_folder_in_place_of_a_file_is_refused_before_any_work(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(*arguments: object, **settings: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", start)
    script, *argv = words.split()
    flag = argv[-2] if argv[-2].startswith("--") and argv[-2] != "--track" else "OUT"
    ending = {"--video": ".mp4", "--rollout": ".npz", "--sheet": ".png", "OUT": ".png" if script == "look" else ".mp4"}
    taken = tmp_path / f"taken{ending.get(flag, '.json')}"
    taken.mkdir()
    assert SCRIPTS[script]([str(taken) if word == "TAKEN" else word for word in argv]) == 1
    printed = capsys.readouterr()
    assert printed.err == f"error: {flag} {taken} is a folder; name a file in it\n"
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == [taken]


@pytest.mark.parametrize("words", ["server MODEL --record", "server MODEL --corrections", "simulate --expert --strips"])
def test_a_file_in_place_of_a_folder_is_refused_before_any_work(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, *argv = words.replace("MODEL", str(tmp_path / "model.h5")).split()
    (tmp_path / "model.h5").write_bytes(b"no model at all")
    taken = tmp_path / "taken"
    taken.write_text("a file")
    assert SCRIPTS[script]([*argv, str(taken)]) == 1
    assert capsys.readouterr().err == f"error: {argv[-1]} {taken}: {taken} is a file; name a folder\n"


@pytest.fixture(scope="module")
def oval(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv"))


def written_alone(main: Main, argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    """What a successful command writes with `--json -`: the JSON, which must be all of it, and what people see."""
    assert main([*argv, "--json", "-"]) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


def test_simulate_writes_json_alone_to_standard_output(oval: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, said = written_alone(simulate.main, ["--expert", "--track", oval], capsys)
    assert isinstance(content, dict)
    assert content["passed"]
    assert "1 of 1 laps" in said


def test_saliency_writes_json_alone_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = make_recording(tmp_path / "rec", n=2, cameras=("center",))
    (recording / "LABELS").mkdir()
    for image in recording.glob("IMG/center_*.jpg"):
        labels = np.full(FRAME_SHAPE[:2], Label.ROAD, np.uint8)
        cv2.imwrite(str(recording / "LABELS" / f"{image.stem}.png"), labels)
    argv = [str(drivable_model()), str(recording), "--sheet", str(tmp_path / "sheet.png")]
    content, said = written_alone(saliency.main, argv, capsys)
    assert isinstance(content, dict)
    assert content["frames"] == 2
    assert "sheet.png" in said


def test_latency_writes_json_alone_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    argv = [str(drivable_model()), "--skip-keras", "--frames", "20", "--transport", "threading"]
    content, said = written_alone(latency.main, argv, capsys)
    assert isinstance(content, dict)
    assert content["servers"]["threading"]["n"] == 20
    assert "threading" in said


def test_laps_writes_json_alone_to_standard_output(oval: str) -> None:
    argv = ["--expert", "--track", oval, "--laps", "1", "--seeds", "1", "--json", "-"]
    command = [sys.executable, str(ROOT / "drive" / "laps.py"), *argv]
    result = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["passed"]
    assert "1 of 1 drives without an intervention" in result.stderr
