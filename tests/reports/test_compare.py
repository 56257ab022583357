"""Comparisons: what is run and what is saved. One is carried out for real, the others with a stand-in."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drive.examination import examining
from simulator_bridge.errors import UsageError
from tests.support.browser import open_page, requested_urls
from tests.support.drivable_model import drivable_model
from tests.support.driving.made_segment import PLAIN
from tests.support.driving.small_track import write_oval
from tests.support.made_comparison import config_of, made_results
from tests.support.made_drive import made_drive
from tests.support.made_recording import make_recording
from tests.support.paths import ROOT
from train.compare import main
from train.comparison import closed_loop, comparison_run, run_store
from train.comparison.closed_loop import summarize_drives
from train.comparison.comparison_page import build_page
from train.comparison.comparison_table import build_table
from train.comparison.run_plan import plan_runs, widths_differ

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

COMPARE = ROOT / "train" / "compare.py"
DEADLINE_S = 240  # a loaded machine; nothing waits for it to pass
QUICK = ["batch_size=32", "guard_s=0.5", "validation_blocks=2", "cameras=center", "epoch_samples=1"]

# Stands in for train/clone.py: the same arguments, output and files, without TensorFlow
STAND_IN = """
import json, pathlib, shutil, signal, sys, time

def value(flag):
    words = [word for argument in sys.argv for word in argument.split("=", 1)]
    return words[words.index(flag) + 1]

seed, output = int(value("--seed")), pathlib.Path(value("--output"))
checkpoint = output.with_name(output.name + ".checkpoint")
with output.with_name("calls.txt").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
stopped = []
signal.signal(signal.SIGINT, lambda *_: stopped.append(True))
epochs = [{"epoch": i, "loss": 0.03 / i, "val_loss": 0.02 / i + seed / 1000, "val_mse": 0.02 / i + seed / 1000,
           "val_r1s": 0.5, "seconds": 10.0 * i} for i in (1, 2, 3)]
for epoch in epochs:
    print(json.dumps({"event": "epoch", "best": True, **epoch}), flush=True)
if seed == 9:
    sys.exit("error: the training diverged")
while seed == 5 and "--resume" not in sys.argv and not stopped:
    time.sleep(0.01)
checkpoint.write_text("unfinished") if stopped else checkpoint.unlink(missing_ok=True)
shutil.copy(MODEL, output)
score = {"mse": epochs[-1]["val_mse"], "mae": 0.1, "mae_deg": 2.5, "r1s": 0.5}
pathlib.Path(value("--json")).write_text(json.dumps({
    "validation": score, "baselines": {"ridge": {**score, "mse": 0.0081}}, "history": epochs, "seconds": 30.5,
    "epochs_done": 3, "best_epoch": 3}))
sys.exit(130 if stopped else 0)
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("lake"), 150)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "stand_in.py"
    script.write_text(f"MODEL = {str(drivable_model())!r}\n{STAND_IN}")
    monkeypatch.setattr(comparison_run, "CLONE", script)
    return script


def arguments(recording: Path, output: Path, *more: str, arch: str = "lenet", regime: str = "scratch") -> list[str]:
    varied = [word for setting in QUICK for word in ("--vary", setting)]
    return [str(recording), "--arch", arch, "--regime", regime, *varied, "--output", str(output), *more]


def results_in(output: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((output / "results.json").read_text())
    return content


def calls_in(output: Path) -> list[str]:
    return [line for path in sorted(output.glob("*/calls.txt")) for line in path.read_text().splitlines()]


def test_every_combination_is_run_and_those_that_do_not_exist_are_left_out_with_the_reason() -> None:
    config = config_of(
        arch=("pilotnet", "MobileNetV2"), regime=("head", "scratch"), vary={"seed": ("0", "1"), "flip": ("no",)},
        weights={"mobilenet_v2": "file.h5"}, epochs=3,
    )  # fmt: skip
    runs, left_out = plan_runs(config)
    assert [run.name for run in runs] == [
        "pilotnet scratch seed=0", "pilotnet scratch seed=1", "mobilenet_v2 head seed=0", "mobilenet_v2 head seed=1",
        "mobilenet_v2 scratch seed=0", "mobilenet_v2 scratch seed=1",
    ]  # fmt: skip
    assert left_out == {"pilotnet head": "pilotnet has no pretrained backbone: it is trained from scratch"}
    assert runs[2].arguments == [
        "--arch=mobilenet_v2", "--regime=head", "--weights=file.h5", "--epochs=3", "--seed=0", "--no-flip",
    ]  # fmt: skip
    assert "--weights=file.h5" not in runs[4].arguments  # scratch


def test_settings_of_backbones_go_to_those_that_have_them_and_widths_that_differ_are_said() -> None:
    both: dict[str, Any] = {"arch": ("pilotnet", "mobilenet_v2"), "weights": {"mobilenet_v2": "file.h5"}}
    config = config_of(**both, regime=("scratch",), vary={"alpha": ("0.35", "0.5"), "cut": ("all",)})
    runs, _ = plan_runs(config)
    assert [run.name for run in runs] == [
        "pilotnet scratch", "mobilenet_v2 scratch alpha=0.35", "mobilenet_v2 scratch alpha=0.5",
    ]  # fmt: skip
    assert not {"alpha", "cut"} & set(runs[0].settings)
    assert widths_differ(config) == []
    assert widths_differ(config_of(**both)) == ["mobilenet_v2"]


def test_a_time_budget_ends_a_training_not_a_number_of_epochs() -> None:
    (run, *_), _ = plan_runs(config_of(arch=("lenet",), regime=("scratch",), budget_s=30))
    assert run.settings["max_seconds"] == "30"
    assert int(run.settings["epochs"]) > 100
    (run, *_), _ = plan_runs(config_of(arch=("lenet",), regime=("scratch",), budget_s=30, epochs=5))
    assert (run.settings["max_seconds"], run.settings["epochs"]) == ("30", "5")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"arch": ("no_such",)}, "unknown architecture 'no_such'"),
        ({"regime": ("fine_tune",)}, r"expected --regime to be one of auto, .*; did you mean fine-tune\?"),
        ({"vary": {"output": ("a", "b")}}, "--vary output: expected one of .*batch_size"),
        ({"vary": {"seed": ("1", "1")}}, "values that differ"),
        ({"vary": {"epochs": ("1", "2")}, "epochs": 3}, "--vary epochs is a budget"),
        ({"weights": {"vgg16": "file.h5"}}, "--weights of vgg16, which --arch does not name"),
        ({"vary": {"learnin_rate": ("1e-3",)}}, r"; did you mean learning_rate\?"),
        ({"budget_s": 0}, "expected --budget-s above 0 s, got 0"),
        ({"seeds": 0}, "expected --seeds of at least 1, got 0"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_line(more: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        config_of(**more)


def test_a_wrong_setting_of_any_run_is_known_before_the_first_training(
    recording: Path, tmp_path: Path, stand_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as info:
        main(arguments(recording, tmp_path / "out", "--vary", "seed=0", "--vary", "brightness=0.1,7"))
    assert info.value.code == 2
    assert "expected --brightness of at least 0 and below 1, got 7" in capsys.readouterr().err
    assert not calls_in(tmp_path / "out")


@pytest.fixture(scope="module")
def finished(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A comparison by the real command: one training cut short by its budget, and one that cannot be."""
    output = tmp_path_factory.mktemp("comparison") / "out"
    more = ["--budget-s", "0.1", "--weights", "mobilenet_v2=/no/such/file.h5"]
    words = arguments(recording, output, *more, arch="lenet,mobilenet_v2", regime="auto")
    command = [sys.executable, str(COMPARE), *words]
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert result.returncode == 1, result.stderr
    return output, result.stdout


def test_a_real_comparison_has_losses_errors_parameters_and_times_and_a_failed_run_does_not_end_it(
    finished: tuple[Path, str],
) -> None:
    output, text = finished
    content = results_in(output)
    trained, failed = content["runs"]
    assert trained["run"] == "lenet auto"
    assert trained["training"]["epochs_done"] == 1  # cut short, yet validated
    assert trained["training"]["validation"]["mse"] == pytest.approx(trained["history"][0]["val_mse"], rel=1e-3)
    assert trained["history"][0]["loss"] > 0
    assert trained["parameters"] > 10_000
    assert trained["ms_a_frame"] > 0
    assert set(content["baselines"]) == {"always zero", "ridge", "5 nearest"}
    assert content["data"]["validation rows"] == 30
    assert "no such file" in failed["failure"]
    assert failed["training"] is None
    assert "mobilenet_v2 auto: --weights /no/such/file.h5: no such file" in text
    assert all(len(line) <= 80 for line in text.splitlines() if str(output) not in line)


def test_its_page_shows_both_runs_and_needs_no_network(finished: tuple[Path, str], browser: Chrome) -> None:
    open_page(browser, finished[0] / "report.html")
    cells = "return [...document.querySelectorAll('table.sortable tbody th')].map(cell => cell.textContent)"
    assert browser.execute_script(cells) == ["lenet auto", "mobilenet_v2 auto", "always zero", "ridge", "5 nearest"]
    assert requested_urls(browser) == []


def test_finished_runs_are_not_trained_again_unless_settings_or_data_change(
    recording: Path, tmp_path: Path, stand_in: Path
) -> None:
    mine = tmp_path / "recording"
    shutil.copytree(recording, mine)
    output = tmp_path / "out"
    assert main(arguments(mine, output, "--vary", "seed=0,1")) == 0
    first = results_in(output)["runs"]
    assert len(calls_in(output)) == 2
    assert main(arguments(mine, output, "--vary", "seed=0,1,2")) == 0
    assert len(calls_in(output)) == 3
    assert results_in(output)["runs"][:2] == first
    assert main(arguments(mine, output, "--vary", "seed=0", "--epochs", "7")) == 0
    assert len(calls_in(output)) == 4
    log = mine / "driving_log.csv"
    log.write_text("\n".join(log.read_text().splitlines()[:-1]) + "\n")
    assert main(arguments(mine, output, "--vary", "seed=0")) == 0
    assert len(calls_in(output)) == 5


def test_results_of_another_format_are_trained_anew(
    recording: Path, tmp_path: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = arguments(recording, tmp_path / "out", "--vary", "seed=0")
    with monkeypatch.context() as earlier:
        earlier.setattr(run_store, "FORMAT", run_store.FORMAT - 1)
        assert main(words) == 0
    for _ in range(2):
        assert main(words) == 0
    assert len(calls_in(tmp_path / "out")) == 2


def test_rows_too_sparse_for_r1s_show_so_in_the_table_and_on_the_page() -> None:
    config = config_of(arch=("mobilenet_v2",))
    results = made_results(config)
    note = "too sparse: below 5 rows/s"
    for result in results[:-1]:
        assert result.summary
        for figures in (result.summary["validation"], *result.summary["baselines"].values()):
            figures.update(r1s=None, r1s_note=note)

    first, *lines = build_table(config, results).splitlines()
    assert "r1s" in first
    assert sum("too sparse" in line for line in lines if not line.startswith("r1s:")) == len(results)  # and a baseline
    assert lines.count(f"r1s: {note}") == 1
    assert all(len(line) <= 80 for line in lines)
    page = build_page(config, results, {}, {})
    assert page.count(">too sparse<") == len(results)
    assert f"r1s: {note}." in page


def test_json_on_standard_output_holds_all_runs_as_the_file_does(
    recording: Path, tmp_path: Path, stand_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert main(arguments(recording, output, "--vary", "seed=0,1", "--json", "-")) == 0
    written = capsys.readouterr()
    assert json.loads(written.out) == results_in(output)
    assert f"report: {output / 'report.html'}" in written.err


def test_a_run_that_fails_is_tried_again_and_shows_the_epochs_that_it_had(
    recording: Path, tmp_path: Path, stand_in: Path
) -> None:
    output = tmp_path / "out"
    for n_calls in (2, 3):  # the one that is well is not trained again
        assert main(arguments(recording, output, "--vary", "seed=9,0")) == 1
        failed, well = results_in(output)["runs"]
        assert failed["failure"] == "the training diverged"
        assert [entry["epoch"] for entry in failed["history"]] == [1, 2, 3]
        assert well["failure"] is None
        assert len(calls_in(output)) == n_calls


@pytest.fixture
def interrupting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ctrl-C at the third epoch of seed 5, once."""
    note: Callable[..., None] = comparison_run._note_epoch
    n_epochs = 0

    def note_and_interrupt(line: str, *more: Any) -> None:
        nonlocal n_epochs
        note(line, *more)
        n_epochs += 1
        if n_epochs == 6:  # seed 0 has three
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(comparison_run, "_note_epoch", note_and_interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupting")
def test_ctrl_c_saves_what_is_done_and_the_same_command_resumes(
    recording: Path, tmp_path: Path, stand_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert main(arguments(recording, output, "--vary", "seed=0,5,1")) == 130
    content = results_in(output)
    assert [run["interrupted"] for run in content["runs"]] == [False, True]
    assert content["missing"] == 1
    assert "more to come" in (output / "report.html").read_text()
    assert "the same command resumes" in capsys.readouterr().err

    assert main(arguments(recording, output, "--vary", "seed=0,5,1")) == 0
    assert [run["interrupted"] for run in results_in(output)["runs"]] == [False, False, False]
    calls = calls_in(output)
    assert len(calls) == 4  # seed 0 once, seed 5 twice, seed 1 once
    assert sum("--resume" in call for call in calls) == 1


def test_laps_are_driven_with_every_model_once(
    recording: Path, tmp_path: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laps = tmp_path / "laps.py"
    drive = made_drive(n_interventions=2, off_road=3, max_abs_cte_m=2.5, laps_done=1)
    content = json.dumps({"drives": [{"report": drive.to_json(), "failure": None}]})
    laps.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[sys.argv.index('--json') + 1])\n"
        "with path.with_name('calls.txt').open('a') as calls: calls.write('laps ' + ' '.join(sys.argv[2:8]) + '\\n')\n"
        f"path.write_text({content!r})\n"
        "sys.exit(1)\n"  # as the real one, where not every lap was driven well
    )
    monkeypatch.setattr(closed_loop, "LAPS", laps)
    output = tmp_path / "out"
    for _ in range(2):
        words = arguments(recording, output, "--vary", "seed=0", "--laps", "2", "--track", "jungle")
        assert main(words) == 0
    (run,) = results_in(output)["runs"]
    assert run["driving"] == {"failure": None, **summarize_drives([drive])}
    assert (run["driving"]["n_interventions"], run["driving"]["autonomy_percent"]) == (2, 88.0)
    driven = [call for call in calls_in(output) if call.startswith("laps")]
    assert driven == ["laps --track jungle --laps 2 --seeds 1"]
    page = (output / "report.html").read_text()
    assert "1 of 2" in page


def test_every_model_is_examined_in_the_end(
    recording: Path, tmp_path: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    oval = str(write_oval(tmp_path / "oval.csv"))
    segments = tuple(replace(PLAIN, name=name, track=oval, start_m=30.0 * i) for i, name in enumerate(("001", "002")))
    monkeypatch.setattr(examining, "load_exam", lambda version: segments)
    output = tmp_path / "out"

    assert main(arguments(recording, output, "--vary", "seed=0,1", "--exam", "full")) == 0

    exam = json.loads((output / "exam.json").read_text())
    runs = results_in(output)["runs"]
    assert {run["run"]: run["exam_score"] for run in runs} == exam["score"]
    assert [comparison["is_separated"] for comparison in exam["comparisons"]] == [False]  # the same model twice
    assert "pairs: 0 of 1 separated" in capsys.readouterr().out
    assert (output / "exam.html").is_file()


def test_ctrl_c_in_the_laps_saves_the_training(
    recording: Path, tmp_path: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison_run, "drive_laps", interrupted)
    output = tmp_path / "out"
    assert main(arguments(recording, output, "--vary", "seed=0,1", "--laps", "1")) == 130
    (run,) = results_in(output)["runs"]
    assert run["training"]["epochs_done"] == 3
    assert run["driving"] is None


def test_drives_are_summarised() -> None:
    good = made_drive(off_road=1)
    bad = made_drive(off_road=1, n_interventions=4, max_abs_cte_m=3.0, laps_done=0, elapsed_s=48.0)
    assert summarize_drives([good, bad]) == {
        "failure": None, "autonomy_percent": 75.0, "n_interventions": 4, "off_road": 2, "max_abs_cte_m": 3.0,
        "laps_done": 2, "laps_wanted": 4, "driving_score": pytest.approx(100 * 0.95 * (1 + 0.7**4) / 2),
    }  # fmt: skip
    broken = summarize_drives([good, bad], ["the server ended"])
    assert broken["failure"] == "a drive failed: the server ended"
    assert broken["autonomy_percent"] == 75.0
    assert summarize_drives([], ["no"]) == {"failure": "a drive failed: no"}


def test_the_table_in_the_terminal_is_sorted_by_error_and_fits_80_columns() -> None:
    config = config_of(arch=("mobilenet_v2", "efficientnet_v2_b0"), laps=1)
    lines = build_table(config, made_results(config)).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[2].split()[2:] == ["0.00200", "0.850", "500", "300", "2.50", "72.0", "64.0"]
    assert lines[2].startswith("efficientnet_v2_b0 fine-tune ")
    assert lines[-2].split() == ["always", "zero", "0.01300", *"------"]
    assert lines[-1] == "efficientnet_v2_b0 scratch: <b>no weights</b>"
