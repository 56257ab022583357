"""Broken model files; the long form is `make fuzz`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz_models import fuzz, make_bases

DYING_JUDGE = """
import os, sys
for line in sys.stdin:
    if line.split()[0] == "3":
        os.abort()
    print('["a working policy", true, ""]', flush=True)
"""


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases")
    make_bases(folder)
    return folder


def test_a_broken_model_file_is_refused_in_one_line_or_drives(bases: Path) -> None:
    report = fuzz(bases, range(60), seed=0)

    assert report.failures == {}
    assert report.n_inputs == 60
    assert report.n_with_keras > 0
    assert len(report.good) == 2, "some must be refused, and some must drive"


def test_a_crash_is_the_failure_of_its_file_and_the_rest_goes_on(tmp_path: Path) -> None:
    judge = tmp_path / "judge.py"
    judge.write_text(DYING_JUDGE, encoding="utf-8")

    report = fuzz(tmp_path, range(6), seed=0, judge=judge)

    assert report.failures == {"killed by SIGABRT": {3: ""}}
    assert report.n_inputs == 6
