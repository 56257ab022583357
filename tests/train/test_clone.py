from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest

from models.architectures.recovery import TOLD
from models.model_file import load_model_file
from simulator_bridge.cli.option_parser import parse_config
from simulator_bridge.errors import UserError
from tests.support.made_recording import make_recording
from tests.support.paths import ROOT
from train.clone import main
from train.train_config import FREE_ON_RESUME, NOT_IN_A_MODEL, OWN_OF_A_WORKER, TrainConfig

CLONE = ROOT / "train" / "clone.py"
DEADLINE_S = 240  # a loaded machine; nothing waits for it to pass
QUICK = ["--batch-size", "32", "--guard-s", "0.5", "--validation-blocks", "2", "--cameras", "center"]
QUICK += ["--epoch-samples", "1"]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recording(tmp_path_factory.mktemp("lake"), 150)


def clone(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(CLONE), *map(str, arguments), *QUICK]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=os.environ.get("TMPDIR", "/tmp")
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out, err


def weights_in(path: Path) -> list[npt.NDArray[np.float32]]:
    import h5py

    found: list[npt.NDArray[np.float32]] = []
    with h5py.File(path, "r") as file:
        file["model_weights"].visititems(
            lambda _, item: found.append(np.asarray(item)) if isinstance(item, h5py.Dataset) else None
        )
    return found


@pytest.fixture(scope="module")
def uninterrupted(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    output = tmp_path_factory.mktemp("whole") / "model.h5"
    code, out, err = finish(
        clone(
            recording,
            "--output",
            output,
            "--arch",
            "pilotnet",
            "--epochs",
            "4",
            "--json",
            output.with_name("summary.json"),
        )
    )
    assert code == 0, err
    return output, out, err


def test_training_writes_a_model_and_says_how_good_it_is(uninterrupted: tuple[Path, str, str]) -> None:
    output, out, _ = uninterrupted
    model = load_model_file(output)

    assert model.flatbuffer
    assert model.metadata["training"]["epochs"] == 4
    assert model.metadata["validation"]["rows"]["trained_on"] > 80
    assert len(model.metadata["data"]["fingerprint"]) == 64
    for expected in ("pilotnet", "always zero", "ridge", "r1s", "trained on", "best epoch", "images/s", str(output)):
        assert expected in out
    assert all(len(line) <= 80 for line in out.splitlines() if str(output) not in line)
    assert not output.with_name("model.h5.checkpoint").exists()


def test_progress_goes_to_stderr_one_line_an_epoch_with_the_time_left(uninterrupted: tuple[Path, str, str]) -> None:
    _, out, err = uninterrupted
    epochs = [line for line in err.splitlines() if line.startswith("epoch")]

    assert len(epochs) == 4
    assert all(" left" in line and "images/s" in line for line in epochs)
    assert "epoch   1/4" not in out
    assert "cuda" not in err.lower()
    assert len(err.splitlines()) <= 7  # nothing of TensorFlow's


def test_summary_holds_the_figures_of_the_table(uninterrupted: tuple[Path, str, str]) -> None:
    output, out, _ = uninterrupted
    summary = json.loads(output.with_name("summary.json").read_text())

    assert summary["epochs_done"] == 4
    assert set(summary["baselines"]) == {"always zero", "ridge", "5 nearest"}
    for figures in (summary["validation"], summary["baselines"]["ridge"]):
        assert f"{figures['mse']:.5f}" in out
        assert figures["mae_deg"] == pytest.approx(25 * figures["mae"])
    history = summary["history"]
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3, 4]
    assert history[summary["best_epoch"] - 1]["val_loss"] == min(epoch["val_loss"] for epoch in history)
    assert 0 < history[0]["seconds"] < history[-1]["seconds"] < summary["seconds"]


@pytest.mark.slow  # the killed and resumed training below shows as much, and more
def test_the_same_seed_gives_the_same_model(
    recording: Path, tmp_path: Path, uninterrupted: tuple[Path, str, str]
) -> None:
    code, _, err = finish(clone(recording, "--output", tmp_path / "again.h5", "--arch", "pilotnet", "--epochs", "4"))

    assert code == 0, err
    for a, b in zip(weights_in(uninterrupted[0]), weights_in(tmp_path / "again.h5"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_training_killed_and_resumed_ends_with_the_same_model(
    recording: Path, tmp_path: Path, uninterrupted: tuple[Path, str, str]
) -> None:
    output = tmp_path / "model.h5"
    output.write_bytes(b"an older model")
    process = clone(recording, "--output", output, "--arch", "pilotnet", "--epochs", "4")
    assert process.stderr
    for line in process.stderr:  # killed in the middle of the third epoch at the latest
        if line.startswith("epoch   2/4"):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert output.read_bytes() == b"an older model"
    assert output.with_name("model.h5.checkpoint").is_file()

    code, _, err = finish(clone(recording, "--output", output, "--arch", "pilotnet", "--epochs", "4", "--resume"))

    assert code == 0, err
    assert "resuming after epoch" in err
    for a, b in zip(weights_in(uninterrupted[0]), weights_in(output), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {path.name for path in tmp_path.iterdir()} == {"model.h5", "model.previous.h5"}
    assert output.with_name("model.previous.h5").read_bytes() == b"an older model"


def test_ctrl_c_keeps_the_best_model_so_far_and_what_resume_needs(recording: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.h5"
    process = clone(recording, "--output", output, "--arch", "pilotnet", "--epochs", "500", "--patience", "500")
    assert process.stderr
    for line in process.stderr:
        if line.startswith("epoch   1/"):
            break
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)

    assert code == 130, err
    assert "stopped by Ctrl-C" in out
    assert load_model_file(output).flatbuffer
    assert output.with_name("model.h5.checkpoint").is_file()


@pytest.mark.slow
def test_ctrl_c_before_the_first_epoch_is_done_writes_nothing(recording: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.h5"
    process = clone(recording, "--output", output, "--arch", "pilotnet")
    assert process.stderr
    for line in process.stderr:
        if line.startswith("baselines"):
            break
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)

    assert code == 130
    assert "Traceback" not in out
    assert err.splitlines()[-1].startswith("stopped by Ctrl-C before the first epoch ended: nothing saved")
    assert list(tmp_path.iterdir()) == []


def test_status_is_lines_of_json_that_any_reader_takes(capsys: pytest.CaptureFixture[str]) -> None:
    from train.progress_display import StatusLines

    lines = StatusLines(epochs=2, best_loss=0.5, n_steps=3, images_per_s=lambda: 7.0)
    lines.on_train_begin()
    for epoch, val_loss in enumerate((0.4, 0.45)):
        lines.on_epoch_begin(epoch)
        lines.on_train_batch_end(0, {"loss": 0.9})
        lines.on_epoch_end(epoch, {"loss": 0.8, "val_loss": val_loss, "val_r1s": float("nan")})
    start, step, *epochs = [
        json.loads(line, parse_constant=pytest.fail) for line in capsys.readouterr().out.split("\n")[:-1]
    ]
    assert start == {"event": "start", "epochs": 2, "steps": 3}
    assert step == {"event": "step", "epoch": 1, "step": 1, "steps": 3, "loss": 0.9}
    epochs = [line for line in epochs if line["event"] == "epoch"]
    assert [(line["epoch"], line["val_loss"], line["val_r1s"], line["best"]) for line in epochs] == [
        (1, 0.4, None, True),
        (2, 0.45, None, False),
    ]


def test_a_recording_too_sparse_for_r1s_has_none_and_says_so(tmp_path: Path) -> None:
    sparse, output = make_recording(tmp_path / "sparse", 60, rate_hz=1.8, cameras=("center",)), tmp_path / "model.h5"
    code, out, err = finish(clone(sparse, "--output", output, "--epochs", "1", "--json", tmp_path / "figures.json"))

    assert code == 0, err
    assert "r1s: too sparse: below 5 rows/s" in err
    assert " r1s - " in err
    for predictor in ("roadnet", "ridge", "5 nearest"):
        (line,) = [line for line in out.splitlines() if line.startswith(predictor)]
        assert line.endswith(" too sparse")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["history"][0]["val_r1s"] is None
    assert figures["validation"]["r1s"] is None
    assert figures["validation"]["r1s_note"] == "too sparse: below 5 rows/s"


def test_throttle_can_be_predicted_too_and_quietly(recording: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.h5"
    more = ["--epochs", "1", "--predict", "steering,throttle", "--quiet"]
    code, out, err = finish(clone(recording, "--output", output, *more))

    assert (code, err) == (0, "")
    assert "always zero" in out
    assert load_model_file(output).metadata["outputs"] == ["steering_angle", "throttle", *TOLD]


def test_by_default_what_leads_back_comes_from_the_network(recording: Path, tmp_path: Path) -> None:
    code, _, err = finish(clone(recording, "--output", tmp_path / "model.h5"))
    assert code == 0, err
    metadata = load_model_file(tmp_path / "model.h5").metadata
    model = metadata["model"]
    assert (model["arch"], model["weights"], model["recovery"]) == ("roadnet", "own", 0.5)
    assert metadata["outputs"] == ["steering_angle", *TOLD]
    assert "regime: ridge" in err
    assert "by stretches left out in turn" in err
    assert not (tmp_path / "model.h5.checkpoint").exists()


def test_how_hard_it_leads_back_can_be_chosen(recording: Path, tmp_path: Path) -> None:
    shares = {}
    for recovery in ("0", "0.8"):
        output = tmp_path / f"model{recovery}.h5"
        code, _, err = finish(clone(recording, "--output", output, "--recovery", recovery, "--quiet"))
        assert (code, err) == (0, "")
        network = keras.models.load_model(output, compile=False).get_layer("network")
        shares[recovery] = [network.get_layer(f"{part}_share").scale for part in ("road", "aim")]
    assert shares == {"0": [1, 0], "0.8": [pytest.approx(0.2), 0.8]}


def test_several_recordings_are_left_out_in_turn(tmp_path: Path) -> None:
    both = [make_recording(tmp_path / name, 60, seed=seed, cameras=("center",)) for name, seed in (("a", 1), ("b", 2))]
    page, result = tmp_path / "training.html", tmp_path / "result.json"
    code, out, err = finish(clone(*both, "--output", tmp_path / "model.h5", "--report", page, "--json", result))
    assert code == 0, err
    assert "by recordings left out in turn" in err
    unseen = json.loads(result.read_text())["unseen"]
    assert set(unseen) == {"a", "b"}
    for score in unseen.values():
        assert f"{score['mse']:.5f}" in out
    assert "each recording, by a model that was made without it" in out
    assert "Recordings it had not seen" in page.read_text()


def test_one_recording_says_nothing_of_other_drivers(recording: Path, tmp_path: Path) -> None:
    code, out, _ = finish(clone(recording, "--output", tmp_path / "model.h5", "--quiet"))
    assert code == 0
    assert "other drivers not measured" in out


Refusal = Callable[[Path, Path], list[str]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda rec, tmp: [tmp / "nowhere"], "nowhere"),
        (lambda rec, tmp: [rec, "--output", tmp / "missing" / "m.h5"], "does not exist"),
        (lambda rec, tmp: [rec, "--json", tmp], "is a folder"),
        (lambda rec, tmp: [rec, "--output", tmp / "m.h5", "--resume"], "no unfinished training to resume"),
        (lambda rec, tmp: [rec, "--arch", "mobilenet_v2", "--weights", tmp / "w.h5"], "no such file"),
        (lambda rec, tmp: [rec, "--split", "episodes"], "use --split blocks"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_work_is_refused_in_one_line_before_tensorflow_is_imported(
    recording: Path,
    tmp_path: Path,
    arguments: Refusal,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise AssertionError("TensorFlow would have been imported")

    monkeypatch.setattr("train.clone.import_tensorflow", refuse)
    monkeypatch.chdir(tmp_path)

    code = main([str(argument) for argument in arguments(recording, tmp_path)])

    error = capsys.readouterr().err
    assert code == 1
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output", "model.keras"], "expected an --output that ends in .h5, got model.keras"),
        (["--predict", "throttle"], "expected steering among --predict, got throttle"),
        (["--epochs", "0"], "expected --epochs of at least 1, got 0"),
        (["--arch", "resnt50"], "unknown architecture 'resnt50'"),
        (["--arch", "vgg16", "--alpha", "0.5"], "vgg16 has one width only"),
        (["--arch", "pilotnet", "--regime", "head"], "--regime head needs a pretrained network"),
        (
            ["--arch", "pilotnet", "--recovery", "0.1"],
            "go with a network that was taught where the road is",
        ),
        (["--regime", "scratch", "--recovery", "0.1"], "go with a network that was taught"),
        (["--arch", "lenet", "--lookahead", "10"], "go with a network that was taught"),
        (["--lookahead", "12"], "expected --lookahead to be one of 6, 10, 15, 22, got 12"),
        (["--arch", "lenet", "--weights", "own"], "lenet is trained from scratch"),
        (["--worker", "1"], "--worker says which of the --workers this is"),
    ],
)
def test_a_wrong_command_line_ends_with_2(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as info:
        main(["lake", *words])
    assert info.value.code == 2
    assert message in capsys.readouterr().err


def test_settings_that_are_treated_apart_are_settings() -> None:
    names = {field.name for field in dataclasses.fields(TrainConfig)}

    assert names >= FREE_ON_RESUME | OWN_OF_A_WORKER | NOT_IN_A_MODEL
    paths = {name for name, kind in TrainConfig.__annotations__.items() if "Path" in kind}
    assert paths - {"recordings", "weights"} <= NOT_IN_A_MODEL  # of these the model tells the names alone


def test_resuming_with_other_settings_is_refused_naming_them() -> None:
    config = TrainConfig(recordings=(Path("a"),), seed=1, epochs=9)
    earlier = TrainConfig(recordings=(Path("b"),), seed=0, epochs=5).to_json()

    assert config.differences(json.loads(json.dumps(earlier))) == ["seed: 0 -> 1"]


def test_defaults_of_the_command_are_those_of_the_config() -> None:
    assert parse_config(TrainConfig, ["lake"]) == TrainConfig(recordings=(Path("lake"),))


@pytest.mark.parametrize("value", ["-1", "1.5"])
def test_a_share_outside_its_range_is_refused_with_the_flag(value: str) -> None:
    with pytest.raises(UserError, match="expected --shadow of at least 0 and up to 1"):
        TrainConfig(recordings=(Path("lake"),), shadow=float(value))


def test_help_needs_no_tensorflow_keras_cv2_or_h5py() -> None:
    code = (
        "import sys, train.clone\n"
        "try: train.clone.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('tensorflow', 'keras', 'h5py', 'cv2', 'eventlet') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
