"""The rounds: what stops them, what a later run of the same command does again, which model is the best."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drive.evaluation.lap_config import LapJob, LapsConfig
from drive.evaluation.lap_runs import LapResult
from simulator_bridge.errors import UsageError, UserError
from simulator_bridge.simulator.judge.finished_drive import FinishedDrive
from tests.support.made_drive import made_drive
from tests.support.made_recording import make_recording
from train.aggregation import rounds as rounds_module
from train.aggregation.begun_model import BegunModel
from train.aggregation.dagger_config import DaggerConfig
from train.aggregation.exam_roads import check_tracks, exam_roads
from train.aggregation.round_drives import check_names, drive_round, recorder_arguments
from train.aggregation.round_table import build_table, rounds_to_json
from train.aggregation.rounds import DrivenRound, best_of, claim_folder, run_rounds

GOOD, BAD = made_drive(), made_drive(n_interventions=3, off_road=4)
BEGUN = BegunModel(Path("first.h5"), {"model": {}, "training": {}, "validation": {"validation": {"mse": 0.5}}})


def config_of(folder: Path, **changes: Any) -> DaggerConfig:
    settings: dict[str, Any] = {"model": Path("first.h5"), "folder": folder, "tracks": ("random:1", "random:2")}
    return DaggerConfig(**{**settings, **changes})


class Drives:
    """Stands where `run_jobs` does: each drive records 10 rows and ends as the next report says."""

    def __init__(self, reports: Callable[[LapJob], FinishedDrive | str]) -> None:
        self.driven: list[LapJob] = []
        self._reports = reports

    def __call__(
        self,
        config: LapsConfig,
        jobs: Sequence[LapJob],
        done: Callable[[LapResult], None],
        *,
        further: Callable[[LapJob], Sequence[str]],
    ) -> list[LapResult]:
        results = []
        for job in jobs:
            arguments = list(further(job))
            folder = Path(arguments[arguments.index("--record") + 1])
            assert not folder.exists(), "what an unfinished drive left is gone"
            make_recording(folder, 10, cameras=("center",), seed=job.seed)
            report = self._reports(job)
            results.append(LapResult(job, None, report) if isinstance(report, str) else LapResult(job, report, None))
            self.driven.append(job)
            done(results[-1])
        return results


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The recordings that each training was given beside the first ones."""
    calls: list[list[str]] = []

    def train(
        begun: object, last: Path, recordings: object, added: Sequence[Path], keep: float, folder: Path, say: Any
    ) -> dict[str, Any]:
        calls.append([path.parts[-3] + "/" + path.name if "drives" in path.parts else path.name for path in added])
        return {"validation": {"mse": 0.1 / len(calls)}, "seconds": 1.0}

    monkeypatch.setattr(rounds_module, "train_round", train)
    return calls


def carry_out(config: DaggerConfig, drives: Drives, monkeypatch: pytest.MonkeyPatch) -> list[DrivenRound]:
    monkeypatch.setattr(rounds_module, "drive_round", partial(drive_round, run=drives))
    return list(run_rounds(config, BEGUN, (), lambda line: None))


def test_every_round_learns_from_all_rounds_before_and_the_last_model_drives_too(
    tmp_path: Path, trained: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = carry_out(config_of(tmp_path, rounds=2), Drives(lambda job: BAD), monkeypatch)
    first = ["round-1/random-1", "round-1/random-2"]
    assert trained == [first, [*first, "round-2/random-1", "round-2/random-2"]]
    assert [driven.model.parent.name for driven in rounds] == ["", "round-1", "round-2"]
    assert [driven.n_rows for driven in rounds] == [20, 20, 20]
    assert [driven.validation_mse for driven in rounds] == [0.5, 0.1, 0.05]


def test_rounds_differ_in_seed_and_the_first_rounds_have_the_experts_help(
    tmp_path: Path, trained: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    drives = Drives(lambda job: BAD)
    config = config_of(tmp_path, rounds=2, expert_share=0.8, tracks=("random:1",))
    carry_out(config, drives, monkeypatch)
    assert [job.seed for job in drives.driven] == [1, 2, 3]
    shares = [recorder_arguments(config, number, tmp_path)[-1] for number in (1, 2, 3)]
    assert shares == ["0.8", "0.4", "0.2"]


def test_it_stops_when_nothing_fails_unless_all_rounds_are_wanted(
    tmp_path: Path, trained: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    good_from = Drives(lambda job: GOOD if job.seed > 1 else BAD)
    assert len(carry_out(config_of(tmp_path / "a"), good_from, monkeypatch)) == 2
    assert len(trained) == 1
    everything = carry_out(config_of(tmp_path / "b", all_rounds=True), Drives(lambda job: GOOD), monkeypatch)
    assert len(everything) == 5


def test_a_wheel_off_the_road_is_a_failure_and_so_is_a_drive_that_ended_early(
    tmp_path: Path, trained: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, report in enumerate((made_drive(off_road=1), made_drive(laps_done=1))):
        rounds = carry_out(config_of(tmp_path / str(number), rounds=1), Drives(lambda job, r=report: r), monkeypatch)  # type: ignore[misc]
        assert len(rounds) == 2


def test_the_same_command_drives_only_what_is_missing(
    tmp_path: Path, trained: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = Drives(lambda job: "the simulator ended: killed" if job.track == "random:2" else BAD)
    with pytest.raises(UserError, match="round 1: random:2: the simulator ended: killed; the same command"):
        carry_out(config_of(tmp_path, rounds=1), fails, monkeypatch)
    assert not trained
    drives = Drives(lambda job: BAD)
    carry_out(config_of(tmp_path, rounds=1), drives, monkeypatch)
    assert [(job.track, job.seed) for job in drives.driven] == [("random:2", 1), ("random:1", 2), ("random:2", 2)]
    more = Drives(lambda job: BAD)
    carry_out(config_of(tmp_path, rounds=2), more, monkeypatch)
    assert [job.seed for job in more.driven] == [3, 3]


def test_corrections_alone_are_learned_from_once_and_nothing_is_driven(
    tmp_path: Path, trained: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = DaggerConfig(model=Path("first.h5"), folder=tmp_path, corrections=(tmp_path / "takeovers",))
    assert not config.drives
    rounds = carry_out(config, Drives(lambda job: BAD), monkeypatch)
    assert trained == [["takeovers"]]
    assert [driven.n_rows for driven in rounds] == [0, 0]
    assert best_of(rounds).number == 2


def round_of(number: int, report: FinishedDrive, share: float = 0.0, is_exam: bool = False) -> DrivenRound:
    from train.aggregation.round_drives import RoundDrive

    drive = RoundDrive(report, Path("r"), 10, is_exam)
    return DrivenRound(number, Path(f"{number}.h5"), 0.1, share, (drive,))


def test_the_best_has_the_fewest_interventions_then_excursions_and_is_the_latest() -> None:
    slips = made_drive(off_road=1)
    assert best_of([round_of(1, BAD), round_of(2, slips), round_of(3, BAD)]).number == 2
    assert best_of([round_of(1, slips), round_of(2, GOOD), round_of(3, slips)]).number == 2
    assert best_of([round_of(1, GOOD), round_of(2, GOOD)]).number == 2
    assert best_of([round_of(1, GOOD, share=0.5), round_of(2, BAD)]).number == 2, "the first one had help"


def test_a_folder_of_other_rounds_is_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    claim_folder(config, {"model": "a", **config.decisive()})
    claim_folder(config_of(tmp_path, rounds=9), {"model": "a", **config.decisive()})
    other = config_of(tmp_path, noise=3.0)
    with pytest.raises(UserError, match="holds rounds of another model, noise; say the same again"):
        claim_folder(other, {"model": "b", **other.decisive()})


def test_tracks_of_the_exam_are_refused_unless_named_as_such() -> None:
    assert {"lake", "jungle", "random:811"} <= exam_roads()
    for track in ("lake", "jungle", "random:816"):
        with pytest.raises(UsageError, match=f"--track {track} is a road of drive/exam.py"):
            check_tracks((track,), ())
        check_tracks((), (track,))
    with pytest.raises(UsageError, match=r"--exam-track random:4 is no road of drive/exam\.py: say --track random:4"):
        check_tracks((), ("random:4",))


def test_tracks_of_the_exam_are_reported_apart() -> None:
    drives = (*round_of(1, GOOD).drives, *round_of(1, BAD, is_exam=True).drives)
    driven = DrivenRound(1, Path("1.h5"), None, 0.0, drives)
    table = build_table([driven])
    assert table.count("auton%    score") + table.count("auton%   score") + table.count("auton% score") >= 2
    assert table.index("what each model drove") < table.index("tracks of the exam")
    content = json.loads(json.dumps(rounds_to_json([driven])))[0]
    assert content["driving"]["interventions"] == 0
    assert content["exam_driving"]["interventions"] == 3
    assert len(content["drives"]) == 2


def test_two_tracks_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected each track once, got oval\.csv again"):
        check_names(config_of(tmp_path, tracks=("a/oval.csv", "b/oval.csv")))


def test_settings_without_sense_are_refused(tmp_path: Path) -> None:
    for changes, message in (
        ({"rounds": 0}, "--rounds of at least 1"),
        ({"keep": 1.0}, "--keep"),
        ({"output": Path("better.keras")}, "ends in .h5"),
        ({"exam_tracks": ("random:1",)}, "got both"),
        ({"tracks": ("random:3-1",)}, "the smaller one first"),
    ):
        with pytest.raises(UsageError, match=message):
            config_of(tmp_path, **changes)


def test_without_a_track_five_random_ones_are_driven() -> None:
    assert DaggerConfig(model=Path("m.h5")).tracks == tuple(f"random:{n}" for n in range(1, 6))
