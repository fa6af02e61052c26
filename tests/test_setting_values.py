"""The numbers in settings: each text is understood in its one meaning, or refused with what the setting takes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ForUser
from bot.guild import LIMITS, GuildSettings, unit_of
from bot.setting_values import amount, effective, may_be_off, range_of, read, takes, typed

NUMBERS = tuple(name for name in GuildSettings.model_fields if unit_of(name) is not None)
QUESTIONS, DOLLARS, TOKENS = "requests_per_user_hour", "usd_per_user_day", "tokens_per_user_day"
KILOBYTES, DAYS, ANSWER = "max_attachment_kb", "retention_days", "max_output_tokens"
NANO = 10**9


@st.composite
def values(draw: st.DrawFn) -> tuple[str, int]:
    name = draw(st.sampled_from(NUMBERS))
    return name, draw(st.integers(*range_of(name)))


@given(values())
def test_what_is_shown_and_what_stands_in_a_form_reads_as_the_same_value(value: tuple[str, int]) -> None:
    name, number = value
    assert read(name, typed(name, number), ceilings={}) == number
    assert read(name, amount(name, number), ceilings={}) == number


@given(st.sampled_from(NUMBERS), st.text(max_size=80) | st.from_regex(r"\A[$]?-?[0-9., _'kmKM]{1,20}[a-z$]{0,6}\Z"))
def test_any_text_gives_a_value_within_the_range_or_a_sentence_with_it(name: str, text: str) -> None:
    try:
        value = read(name, text, ceilings={})
    except ForUser as refusal:
        assert takes(name, {}) in str(refusal)
    else:
        assert may_be_off(name) if value is None else range_of(name)[0] <= value <= range_of(name)[1]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        (QUESTIONS, " 60 ", 60),
        (QUESTIONS, "0", 0),
        (QUESTIONS, "1k", 1_000),
        (QUESTIONS, "1.5K", 1_500),
        (QUESTIONS, "1,5k", 1_500),
        (QUESTIONS, "1,000", 1_000),
        (QUESTIONS, "1.000.000", 1_000_000),
        (QUESTIONS, "1 000", 1_000),
        (QUESTIONS, "1\u202f000", 1_000),
        (QUESTIONS, "1'000", 1_000),
        (QUESTIONS, "60 Questions", 60),
        (QUESTIONS, "`off`", None),
        (QUESTIONS, "5.0", 5),
        (TOKENS, "2M", 2_000_000),
        (TOKENS, "2 m tokens", 2_000_000),
        (KILOBYTES, "1,024 KB", 1_024),
        (DAYS, "30 days", 30),
        (DOLLARS, "$2.50", 2_500_000_000),
        (DOLLARS, "2,5", 2_500_000_000),
        (DOLLARS, "US$ 3", 3 * NANO),
        (DOLLARS, "0.125", 125_000_000),
        (DOLLARS, ".5 usd", NANO // 2),
        (DOLLARS, "1.234,56", 1_234_560_000_000),
        (DOLLARS, "1,234.56", 1_234_560_000_000),
        (DOLLARS, "$1k", 1_000 * NANO),
        (DOLLARS, "0.000000001", 1),
        (DOLLARS, "OFF", None),
    ],
)
def test_what_people_write_is_understood(name: str, text: str, value: int | None) -> None:
    assert read(name, text, ceilings={}) == value


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (QUESTIONS, "", "cannot read this as a number"),
        (QUESTIONS, "-5", "cannot read this as a number"),
        (QUESTIONS, "NaN", "cannot read this as a number"),
        (QUESTIONS, "inf", "cannot read this as a number"),
        (QUESTIONS, "1e3", "cannot read this as a number"),
        (QUESTIONS, "0x10", "cannot read this as a number"),
        (QUESTIONS, "٣", "cannot read this as a number"),
        (QUESTIONS, "sixty", "cannot read this as a number"),
        (QUESTIONS, "9" * 4_000, "cannot read this as a number"),
        (QUESTIONS, "1.000", "two different numbers"),
        (QUESTIONS, "1,5", "too many decimals"),
        (QUESTIONS, "2.50 dollars", "cannot read this as a number"),
        (QUESTIONS, "1,00,000", "cannot read this as a number"),
        (QUESTIONS, "1000001", "out of range"),
        (QUESTIONS, "9" * 50, "out of range"),
        (KILOBYTES, "1k", "cannot read this as a number"),
        (DAYS, "1m", "cannot read this as a number"),
        (DAYS, "0", "out of range"),
        (ANSWER, "off", "cannot be off"),
        (DOLLARS, "1.000", "two different numbers"),
        (DOLLARS, "1,000", "two different numbers"),
        (DOLLARS, "1.500k", "two different numbers"),
        (DOLLARS, "0.0000000001", "too many decimals"),
        (DOLLARS, "€5", "cannot read this as a number"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_range_and_the_unit(name: str, text: str, why: str) -> None:
    with pytest.raises(ForUser, match=why) as refused:
        read(name, text, ceilings={})
    assert takes(name, {}) in str(refused.value)


def test_the_sentence_names_range_unit_and_whether_it_may_be_off() -> None:
    assert takes(QUESTIONS, {}) == (
        "**Questions a member and hour** takes a whole number of questions from 0 to 1,000,000, or `off`."
    )
    assert takes(ANSWER, {}) == "**Longest answer** takes a whole number of tokens from 256 to 262,144."
    assert takes(DOLLARS, {DOLLARS: 5 * NANO}) == (
        "**Dollars a member and day** takes US dollars from $0.00 to $5.00, with up to 9 decimals, or `off`."
    )


def test_what_exceeds_the_operators_ceiling_is_refused_by_its_name_and_what_does_not_is_taken() -> None:
    ceilings = {DOLLARS: 5 * NANO}
    assert read(DOLLARS, "5", ceilings=ceilings) == 5 * NANO
    assert read(DOLLARS, "off", ceilings=ceilings) is None
    with pytest.raises(ForUser, match=re.escape("The operator of this bot allows at most $5.00 here.")):
        read(DOLLARS, "5.01", ceilings=ceilings)


@pytest.mark.parametrize(("value", "ceiling", "holds"), [(None, None, None), (None, 5, 5), (9, 5, 5), (3, 5, 3)])
def test_the_less_of_a_value_and_the_ceiling_holds(value: int | None, ceiling: int | None, holds: int | None) -> None:
    assert effective(QUESTIONS, value, {} if ceiling is None else {QUESTIONS: ceiling}) == holds


def test_amounts_have_their_units_and_no_three_decimals() -> None:
    assert amount(QUESTIONS, 1) == "1 question"
    assert amount(TOKENS, 32_000) == "32,000 tokens"
    assert amount(DOLLARS, 1_500_125_000_000) == "$1,500.1250"
    assert amount(QUESTIONS, None) == "off"


def test_every_limit_counts_something() -> None:
    assert set(LIMITS) <= set(NUMBERS)
