"""The exam of the models of a comparison: `drive/exam.py` with the runs as examinees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from drive.examination.exam_config import ExamConfig
from drive.examination.exam_page import build_exam_page
from drive.examination.exam_table import exam_table
from drive.examination.examinee import model_examinee
from drive.examination.examining import examine
from simulator_bridge.cli.output_file import write_json
from simulator_bridge.pages.document import write_document
from train.comparison.comparison_config import ComparisonConfig
from train.comparison.run_result import RunResult


def examine_runs(config: ComparisonConfig, results: Sequence[RunResult]) -> tuple[list[RunResult], str]:
    """Examine every run that has a model; writes `exam.json` and `exam.html` beside the report.

    Returns:
        The results with their scores, and the exam's tables.

    Raises:
        UserError: If a result cannot be kept.
    """
    examinees = [
        model_examinee(result.run.name, result.model)
        for result in results
        if result.summary is not None and result.model is not None
    ]
    exam_config = ExamConfig(
        models=tuple(examinee.model for examinee in examinees if examinee.model is not None),
        quick=config.exam == "quick",
        output=config.output / "exam",
    )
    exam = examine(exam_config, examinees)
    write_json(config.output / "exam.json", exam.to_json())
    write_document(config.output / "exam.html", build_exam_page(exam))
    scores = {each.examinee.name: exam.score(each).mean for each in exam.ranked}
    return [replace(result, exam_score=scores.get(result.run.name)) for result in results], exam_table(exam)
