"""Tables in the terminal: aligned, never wider than 80 columns, and plain text."""

from __future__ import annotations

import pytest

from simulator_bridge.cli.text_table import WIDTH, TextColumn, format_number, text_table

NAME = TextColumn("name", numeric=False)


def test_numbers_stand_at_the_right_under_their_heading_and_words_at_the_left() -> None:
    lines = text_table([NAME, TextColumn("MSE", 2)], [["a", 1.0], ["long name", 12.345]]).splitlines()
    assert lines == [
        "name          MSE",
        "-----------------",
        "a            1.00",
        "long name   12.35",
    ]


def test_what_is_not_known_or_not_finite_is_a_dash() -> None:
    rows = [["x", value] for value in (None, float("nan"), float("inf"))]
    lines = text_table([NAME, TextColumn("s", 1)], rows).splitlines()
    assert [line.split() for line in lines[2:]] == [["x", "-"]] * 3


def test_columns_move_closer_before_a_cell_is_broken_over_lines() -> None:
    columns, row = [TextColumn("x", 0)] * 11, [12345] * 11
    assert text_table(columns[:3], [row[:3]]).splitlines()[2] == "   ".join(["12,345"] * 3)
    assert text_table(columns, [row]).splitlines()[2] == " ".join(["12,345"] * 11)


def test_a_long_text_wraps_and_no_number_is_lost() -> None:
    lines = text_table([NAME, TextColumn("MSE", 5)], [["word " * 40, 0.12345]], title="t" * 100).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert "".join(lines[:2]) == "t" * 100
    assert " ".join(lines[4:]).split().count("word") == 40
    assert lines[4].endswith("0.12345")


def test_text_is_shown_as_it_is_and_nothing_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    rows = [["[bold]x[/bold] :car: 12.5 /a/path"]]
    assert text_table([NAME], rows).splitlines()[2] == rows[0][0]


def test_a_table_without_headings_has_no_rule() -> None:
    assert text_table([TextColumn("", numeric=False), TextColumn("")], [["rows", 5]]) == "rows   5"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 1 cells a row, got 2"):
        text_table([NAME], [["a", "b"]])


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(1234.56, 1, "1,234.6"), (7, None, "7"), (0, 2, "0.00"), (None, 2, "-")]
)
def test_a_number_has_its_digits_and_groups_of_three(value: float | None, digits: int | None, text: str) -> None:
    assert format_number(value, digits) == text
