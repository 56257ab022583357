from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drive.exam import main
from drive.examination import exam_runs, examining
from drive.examination.driven_segments import DrivenSegments
from drive.examination.earlier_results import load_earlier
from drive.examination.exam_config import ExamConfig
from drive.examination.exam_page import build_exam_page
from drive.examination.exam_plan import load_exam, quick_part
from drive.examination.exam_result import Examined, ExamResult
from drive.examination.exam_runs import Failure, drive_segments
from drive.examination.exam_table import exam_table
from drive.examination.examinee import Examinee, examinees_of
from drive.examination.examining import examine
from drive.model_argument import calibrated
from simulator_bridge.errors import UsageError, UserError
from simulator_bridge.simulator.segments.segment import Segment
from tests.support.drivable_model import drivable_model
from tests.support.driving.made_segment import DRIVEN, PLAIN, made_exam, results
from tests.support.driving.small_track import write_oval
from tests.support.made_recording import make_recording
from tests.support.other_models.foreign_files import small_network, write_model
from tests.support.paths import ROOT

SCRIPT = ROOT / "drive" / "exam.py"
PATIENT_S = 600.0  # a busy machine may need long to start a server

pytestmark = pytest.mark.timeout(2 * PATIENT_S)


@pytest.fixture(scope="module")
def short_segments(tmp_path_factory: pytest.TempPathFactory) -> list[Segment]:
    oval = str(write_oval(tmp_path_factory.mktemp("track") / "oval.csv"))
    return [
        replace(PLAIN, track=oval, way_m=50.0),
        replace(PLAIN, name="002", track=oval, start_m=30.0, way_m=50.0),
        replace(PLAIN, name="003", track=oval, texture=1),
    ]


def examined(name: str, segments: tuple[Segment, ...], recipe: str | None = None, **how: float) -> Examined:
    examinee = Examinee("model", name, command=name, recipe=recipe)
    return Examined(examinee, results(segments, **how), ())  # type: ignore[arg-type]


def made_result(tmp_path: Path, *who: Examined, segments: tuple[Segment, ...]) -> ExamResult:
    return ExamResult(ExamConfig(expert=True, output=tmp_path, quick=True), segments, who)


def test_segments_are_driven_once_and_the_rest_the_next_time(tmp_path: Path, short_segments: list[Segment]) -> None:
    config = ExamConfig(expert=True, silence_s=PATIENT_S)
    expert, done = Examinee("expert", "the expert"), []

    for wanted in (short_segments[:2], short_segments):
        failures = drive_segments(
            config, expert, wanted, DrivenSegments(tmp_path), lambda segment, result: done.append(segment.name)
        )
        assert failures == []

    assert sorted(done) == ["001", "002", "003"]
    driven = DrivenSegments(tmp_path).results_of(short_segments)
    assert {result.ended for result in driven.values()} == {None}


def test_a_server_of_ours_is_examined_over_the_wire(tmp_path: Path, short_segments: list[Segment]) -> None:
    config = ExamConfig(policy="zero", jobs=1, silence_s=PATIENT_S)
    driven = DrivenSegments(tmp_path)

    failures = drive_segments(config, Examinee("zero", "never steers"), short_segments, driven, lambda *_: None)

    assert failures == []
    assert {result.ended for result in driven.results_of(short_segments).values()} == {"off the road"}


def test_a_server_of_another_make_is_examined_by_its_command(tmp_path: Path, short_segments: list[Segment]) -> None:
    server = ROOT / "drive" / "evaluation" / "lap_server.py"
    (examinee,) = examinees_of(ExamConfig(servers=(f"{sys.executable} {server} --port {{port}}",)))
    driven = DrivenSegments(tmp_path)

    failures = drive_segments(
        ExamConfig(policy="zero", jobs=1, silence_s=PATIENT_S), examinee, short_segments[:1], driven, lambda *_: None
    )

    assert failures == []
    assert driven.results_of(short_segments[:1])["001"].ended == "off the road"


def test_a_server_that_ends_at_once_is_given_up(tmp_path: Path, short_segments: list[Segment]) -> None:
    (examinee,) = examinees_of(ExamConfig(servers=(f"{sys.executable} -c pass {{port}}",)))
    segments = [replace(short_segments[0], name=str(number)) for number in range(6)]

    failures = drive_segments(
        ExamConfig(policy="zero", jobs=1, silence_s=PATIENT_S),
        examinee,
        segments,
        DrivenSegments(tmp_path),
        lambda *_: None,
    )

    assert len(failures) == 6
    assert failures[0].reason == "the drive server has ended"
    assert failures[exam_runs.GIVEN_UP_AFTER].reason == "not tried: the drive server has ended"


def test_the_table_names_the_winner_and_what_failed(tmp_path: Path) -> None:
    exam = made_exam()
    result = made_result(
        tmp_path,
        examined("worse.h5", exam, ended_at_level=2),
        examined("better.h5", exam),
        segments=exam,
    )

    text = exam_table(result)

    assert text.index("better.h5") < text.index("worse.h5")
    assert "100.0 to 100.0" in text
    assert "off the road at 50 m of lake, 20 mph" in text
    assert "pairs: 1 of 1 separated" in text
    assert "ranks nobody" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_seeds_of_one_recipe_are_grouped(tmp_path: Path) -> None:
    exam = made_exam()
    result = made_result(
        tmp_path,
        examined("a0.h5", exam, recipe="a", ended_at_level=3),
        examined("a1.h5", exam, recipe="a", ended_at_level=3, share=0.4),
        examined("b0.h5", exam, recipe="b"),
        segments=exam,
    )

    content = result.to_json()

    assert set(content["recipes"]) == {"a", "b"}
    assert len(content["comparisons"]) == 3
    assert [each["first"] for each in content["recipe_comparisons"]] == ["b"]
    assert list(content["score"]) == ["b0.h5", "a0.h5", "a1.h5"]


def test_of_one_examinee_the_score_is_a_number(tmp_path: Path) -> None:
    exam = made_exam()
    content = made_result(tmp_path, examined("one.h5", exam), segments=exam).to_json()

    assert content["score"] == pytest.approx(100)
    assert content["exam"] == "1"
    json.dumps(content)


def test_who_could_not_be_driven_has_no_score(tmp_path: Path) -> None:
    exam = made_exam()
    lost = Examined(Examinee("server", "their.py"), {}, (Failure(exam[0], "the drive server has ended"),))
    result = made_result(tmp_path, examined("one.h5", exam), lost, segments=exam)

    assert not result.is_complete
    assert [each.examinee.name for each in result.ranked] == ["one.h5"]
    assert "their.py: 1 segment could not be driven, so there is no score" in exam_table(result)
    assert "could not be driven: the drive server has ended" in build_exam_page(result)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A result of the whole exam by two examinees."""
    exam = load_exam()
    result = made_result(
        tmp_path, examined("a.h5", exam, recipe="a", ended_at_level=1), examined("b.h5", exam), segments=exam
    )
    path = tmp_path / "published.json"
    path.write_text(json.dumps(result.to_json()))
    return path


def test_an_earlier_result_is_compared_with_and_nothing_of_it_driven(published: Path, tmp_path: Path) -> None:
    target = tmp_path / "again.json"

    assert main(["--against", str(published), "--json", str(target), "--report", str(tmp_path / "exam.html")]) == 0

    earlier, again = json.loads(published.read_text()), json.loads(target.read_text())
    assert again["score"] == pytest.approx(earlier["score"])
    assert again["comparisons"] == earlier["comparisons"]
    assert [each["key"] for each in again["examinees"]] == [each["key"] for each in earlier["examinees"]]


def test_whoever_is_examined_now_is_compared_with_each_of_an_earlier_exam(published: Path, tmp_path: Path) -> None:
    exam = load_exam()
    config = ExamConfig(earlier=(published,))
    new = examined("new.h5", exam, ended_at_level=2)
    result = ExamResult(config, exam, (new, *load_earlier(published, config, exam)))

    pairs = {(each.first, each.second) for each in result.comparisons}

    assert pairs == {("b.h5", "new.h5"), ("new.h5", "a.h5")}
    assert exam_table(result).count("first, where") == 1  # the table by factor is that of the new one


def test_it_is_told_how_frames_are_prepared_for_a_model_now_and_later(tmp_path: Path) -> None:
    exam = load_exam()
    examinee = Examinee("model", "old.h5", command="old.h5", preprocessing="naokishibuya")
    result = made_result(tmp_path, Examined(examinee, results(exam), ()), segments=exam)
    assert "old.h5, frames prepared by naokishibuya" in exam_table(result)
    (tmp_path / "old.json").write_text(json.dumps(result.to_json()))
    (earlier,) = load_earlier(tmp_path / "old.json", ExamConfig(earlier=(tmp_path / "old.json",)), exam)
    assert earlier.examinee.preprocessing == "naokishibuya"


def test_a_quick_exam_takes_its_part_of_an_earlier_whole_one(published: Path) -> None:
    quick = quick_part(load_exam())

    for each in load_earlier(published, ExamConfig(earlier=(published,), quick=True), quick):
        assert set(each.results) == {segment.name for segment in quick}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(exam="0"), "expected a result of exam 1, got one of '0'"),
        (lambda content: content["examinees"][0]["segments"].pop(), "a.h5: 1 of 180 segments are not in it"),
        (lambda content: content["examinees"][0].pop("name"), "examinee 1: no 'name' in it"),
        (lambda content: content.update(examinees=3), "with examinees in it"),
        (lambda content: content["examinees"][1].update(name="a.h5"), "two examinees are called a.h5"),
    ],
)
def test_a_result_that_does_not_fit_is_refused_by_name(
    published: Path, change: Callable[[Any], None], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(published.read_text())
    change(content)
    published.write_text(json.dumps(content))

    assert main(["--against", str(published)]) == 1
    assert message in capsys.readouterr().err


def test_the_page_shows_maps_and_failures(tmp_path: Path) -> None:
    exam = made_exam()
    result = made_result(
        tmp_path, examined("<b>one</b>.h5", exam, ended_at_level=3), examined("two.h5", exam), segments=exam
    )

    page = build_exam_page(result)

    assert "<b>one</b>" not in page
    assert "14 segments; a number is one that ended early" in page
    assert "off the road at 50 m of lake" in page


def test_models_of_the_same_name_are_told_apart(tmp_path: Path, two_models: tuple[Path, Path]) -> None:
    names = [examinee.name for examinee in examinees_of(ExamConfig(models=two_models))]

    assert names == ["a/model.h5", "b/model.h5"]


def test_what_a_model_drove_is_found_again_under_another_name(two_models: tuple[Path, Path]) -> None:
    one, same = examinees_of(ExamConfig(models=two_models))

    assert one.key == same.key


@pytest.fixture
def two_models(tmp_path: Path) -> tuple[Path, Path]:
    paths = (tmp_path / "a" / "model.h5", tmp_path / "b" / "model.h5")
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(drivable_model().read_bytes())
    return paths


def test_the_preprocessing_of_each_model_of_another_program_is_found_out(tmp_path: Path) -> None:
    foreign = write_model(small_network((33, 100, 3)), tmp_path, "tflite")
    recording = make_recording(tmp_path / "lap", n=6)
    ours, theirs = examinees_of(ExamConfig(models=(drivable_model(), foreign), calibrate=recording))
    assert ours.preprocessing is None
    tried = calibrated(foreign, recording)
    assert theirs.preprocessing == tried[0].preprocessing.name
    assert theirs.key != examinees_of(ExamConfig(models=(foreign,)))[0].key
    with pytest.raises(UserError, match="prepares the frame itself; leave out --calibrate"):
        examinees_of(ExamConfig(models=(drivable_model(),), calibrate=recording))


def test_what_to_calibrate_is_a_model() -> None:
    lap = Path("lap")
    with pytest.raises(UsageError, match="--preprocessing and --calibrate are of a model"):
        ExamConfig(expert=True, calibrate=lap)
    with pytest.raises(UsageError, match="expected --preprocessing or --calibrate, got both"):
        ExamConfig(models=(Path("model.h5"),), calibrate=lap, preprocessing="raw")


def test_nobody_to_examine_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "expected a model file, --expert" in capsys.readouterr().err


def test_a_file_that_is_no_model_is_refused_before_anything_is_driven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.h5").write_text("nothing")
    assert main([str(tmp_path / "model.h5"), "--output", str(tmp_path / "out")]) == 1
    assert "model.h5" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_expert_passes_and_who_never_steers_fails(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--expert", "--policy", "zero", "--quick", "--output", str(tmp_path)]
    report, page = tmp_path / "exam.json", tmp_path / "exam.html"

    done = subprocess.run(
        [*command, "--json", str(report), "--report", str(page)], capture_output=True, text=True, timeout=3000
    )

    assert done.returncode == 0, done.stderr
    scores = json.loads(report.read_text())["score"]
    assert scores["the expert"] >= 95
    assert scores["never steers"] <= 5
    assert page.stat().st_size > 50_000


def test_each_segment_that_is_driven_says_how_long_the_whole_exam_will_take(
    tmp_path: Path, short_segments: list[Segment], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    result = replace(DRIVEN, ended="stuck", share=0.5)

    def drive(config: object, who: object, segments: Sequence[Segment], driven: DrivenSegments, done: Any) -> list[str]:
        for segment in driven.missing(segments):
            done(segment, result)
        return []

    monkeypatch.setattr(examining, "load_exam", lambda version: tuple(short_segments))
    monkeypatch.setattr(examining, "drive_segments", drive)
    config = ExamConfig(expert=True, policy="zero", output=tmp_path)
    with caplog.at_level(logging.INFO):
        examine(config, [Examinee("expert", "the expert"), Examinee("zero", "never steers")])
    lines = [line for line in caplog.messages if " of 3, " in line]
    assert len(lines) == 6
    assert re.fullmatch(r"1 of 3, nominal: stuck after 50 % of the way, about [0-9:]+ left of all", lines[0])
    assert not lines[-1].endswith("of all"), "nothing is left"
