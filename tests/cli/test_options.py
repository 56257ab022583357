from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from simulator_bridge.cli.common_options import pair
from simulator_bridge.cli.option_parser import build_parser, parse_config
from simulator_bridge.cli.options import argument, check_options, did_you_mean, option
from simulator_bridge.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class GreetConfig:
    people: tuple[str, ...] = argument("whom to greet", metavar="NAME")
    times: int = option(1, "how often", at_least=1, at_most=5)
    volume: float | None = option(None, "how loud", above=0, below=1, unit="bel")
    tone: str = option("kind", "how", choices=("kind", "gruff"))
    output: Path = option(Path("out.txt"), "where to")
    bow: bool = option(True, "bow, too")
    wave: bool = option(False, "wave, too", short="-w")
    colours: tuple[str, ...] = option(("red",), "of the flags", is_list=True)
    places: tuple[str, ...] = option(("here",), "where", flag="--at", repeats=True)
    pairs: tuple[tuple[str, str], ...] = option(
        (), "of socks", flag="--pair", metavar="NAME=VALUE", convert=pair, repeats=True
    )
    delays_s: tuple[float, ...] = option((0.0,), "between two", flag="--delay", is_list=True, at_least=0)
    songs: tuple[str, ...] = option(("hymn",), "to sing", flag="--song", is_list=True, repeats=True)
    mood: Literal["merry", "solemn"] = option("merry", "of the songs")
    picture: Path | None = option(None, "of it all", suffixes=(".png", ".jpg"))
    secret: bool = option(False, "of no interest", is_hidden=True)

    def __post_init__(self) -> None:
        check_options(self)


def test_what_is_not_said_is_as_the_config_has_it() -> None:
    assert parse_config(GreetConfig, ["Ada"]) == GreetConfig(people=("Ada",))


def test_every_kind_of_value_is_read() -> None:
    words = "Ada Bob --times 2 --volume 0.5 --tone gruff --output a/b --no-bow -w --colours red,blue --at x --at y"
    words += " --pair left=grey --pair right=blue=ish"
    words += " --delay 0.5,2 --song march --song round,catch --mood solemn --picture party.PNG"
    assert parse_config(GreetConfig, words.split()) == GreetConfig(
        people=("Ada", "Bob"),
        times=2,
        volume=0.5,
        tone="gruff",
        output=Path("a/b"),
        bow=False,
        wave=True,
        colours=("red", "blue"),
        places=("x", "y"),
        pairs=(("left", "grey"), ("right", "blue=ish")),
        delays_s=(0.5, 2.0),
        songs=("march", "round", "catch"),
        mood="solemn",
        picture=Path("party.PNG"),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Ada", "--times", "0"], "expected --times of at least 1 and up to 5, got 0"),
        (["Ada", "--times", "6"], "expected --times of at least 1 and up to 5, got 6"),
        (["Ada", "--times", "two"], "argument --times: expected a whole number, got 'two'"),
        (["Ada", "--volume", "1"], "expected --volume above 0 and below 1 bel, got 1"),
        (["Ada", "--volume", "nan"], "expected --volume above 0 and below 1 bel, got nan"),
        (
            ["Ada", "--tone", "grufff"],
            "argument --tone: expected one of kind, gruff; got 'grufff'; did you mean gruff?",
        ),
        (["Ada", "--tims", "3"], "unknown option --tims; did you mean --times?"),
        (["Ada", "--zzz"], "unknown option --zzz"),
        (["Ada", "--times"], "argument --times: expected N after it (how often (default: 1))"),
        (["Ada", "--pair", "x"], "argument --pair: expected NAME=VALUE, got 'x'"),
        (["Ada", "--colours", ","], "argument --colours: expected TEXT, got ','"),
        (["Ada", "--delay", "1,x"], "argument --delay: expected a number, got 'x'"),
        (["Ada", "--delay", "1,-2"], "expected --delay of at least 0, got -2"),
        (
            ["Ada", "--mood", "mery"],
            "argument --mood: expected one of merry, solemn; got 'mery'; did you mean merry?",
        ),
        (["Ada", "--picture", "party.gif"], "expected --picture to end in .png or .jpg, got party.gif"),
        (["Ada", "--secrets"], "unknown option --secrets"),
        ([], "the following arguments are required: NAME"),
    ],
)
def test_a_wrong_command_line_says_what_was_expected(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as info:
        parse_config(GreetConfig, words)
    assert str(info.value) == message


def test_an_abbreviation_is_no_flag() -> None:
    with pytest.raises(UsageError, match=r"unknown option --time; did you mean --times\?"):
        parse_config(GreetConfig, ["Ada", "--time", "3"])


def test_a_config_made_in_code_is_checked_as_one_from_the_command_line() -> None:
    with pytest.raises(UsageError, match="expected --times of at least 1 and up to 5, got 9"):
        GreetConfig(people=("Ada",), times=9)
    with pytest.raises(UsageError, match=r"expected --tone to be one of kind, gruff; got 'kid'; did you mean kind\?"):
        GreetConfig(people=("Ada",), tone="kid")
    with pytest.raises(UsageError, match=r"expected --mood to be one of merry, solemn; got 'grim'"):
        GreetConfig(people=("Ada",), mood="grim")  # type: ignore[arg-type]


def test_help_shows_usage_defaults_and_choices_but_nothing_hidden() -> None:
    text = build_parser(GreetConfig, "Greets.").format_help()
    assert text.startswith("usage: ")
    assert "NAME... [options]" in text
    assert "--times N" in text
    assert "how often (default: 1)" in text
    assert "--tone kind|gruff" in text
    assert "(default: red)" in text
    assert "secret" not in text


def test_help_fills_paragraphs_but_keeps_line_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = build_parser(GreetConfig, "Greets " + "very " * 10 + "kindly.", "a\n  b\n\nlast").format_help()
    assert "Greets very very very very very very\nvery very very very kindly.\n" in text
    assert text.endswith("a\n  b\n\nlast\n")


def test_usage_shows_that_an_argument_may_be_left_out() -> None:
    @dataclass(frozen=True)
    class LookConfig:
        places: tuple[str, ...] = argument("where", default=("here",), metavar="PLACE")

    assert build_parser(LookConfig, "").format_usage().endswith(" [PLACE...] [options]\n")


def test_a_former_flag_names_the_new_one() -> None:
    parser = build_parser(GreetConfig, "Greets.", former={"--often": "say --times N"})
    for words in (["Ada", "--often", "3"], ["Ada", "--often=3"]):
        with pytest.raises(UsageError, match=r"--often is gone: say --times N"):
            parser.parse_args(words)


def test_suggestions_know_no_case_and_need_a_likeness() -> None:
    assert did_you_mean("LAEK", ["lake", "jungle"]) == "; did you mean lake?"
    assert did_you_mean("xyz", ["lake", "jungle"]) == ""
    assert did_you_mean("", ["lake", "jungle"]) == ""


def test_an_abbreviation_suggests_what_it_is_short_for() -> None:
    assert did_you_mean("--seed", ["--speed", "--seeds"]) == "; did you mean --seeds?"
    assert did_you_mean("--max", ["--laps", "--max-interventions"]) == "; did you mean --max-interventions?"
