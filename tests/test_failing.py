"""Who is told what when only admins or the operator can mend something."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.errors import ModelError, ModelFault
from bot.failing import (
    TOLD_ADMINS,
    TOLD_OPERATORS,
    Asked,
    Chooser,
    KeyUnusable,
    after_answer,
    after_failure,
    after_unusable,
)
from bot.model import ModelInfo, Standing

OWN = Asked(10, "a/b", Chooser.SERVER, key_id="0123456789ab")
OPERATORS = replace(OWN, key_id=None, chooser=Chooser.OPERATOR)
KEY_FAULTS = [ModelFault.BAD_KEY, ModelFault.NO_CREDIT, ModelFault.FORBIDDEN]
TODAY = date(2026, 11, 25)


@pytest.mark.parametrize("fault", KEY_FAULTS)
def test_a_servers_failing_key_is_told_to_its_admins_alone(fault: ModelFault) -> None:
    tidings = after_failure(OWN, ModelError(fault), has_operators=True)
    assert tidings.sentence.startswith("This server's key")
    assert tidings.sentence.endswith(TOLD_ADMINS)
    assert tidings.for_operators is None
    assert tidings.for_admins is not None
    assert "/key" in tidings.for_admins.text or "/settings" in tidings.for_admins.text


@pytest.mark.parametrize("fault", KEY_FAULTS)
def test_the_operators_failing_key_is_told_to_operators_alone_and_no_admin_is_bothered(fault: ModelFault) -> None:
    tidings = after_failure(OPERATORS, ModelError(fault), has_operators=True)
    assert tidings.sentence.endswith(TOLD_OPERATORS)
    assert "admin" not in tidings.sentence
    assert tidings.for_admins is None
    assert tidings.for_operators is not None
    assert "OPENROUTER_API_KEY" in tidings.for_operators.text
    alone = after_failure(OPERATORS, ModelError(fault), has_operators=False)
    assert alone.sentence.endswith("Only my operator can mend that.")


def test_every_fault_has_a_sentence_and_only_lasting_ones_are_told_on() -> None:
    for fault in ModelFault:
        for asked in (OWN, OPERATORS):
            tidings = after_failure(asked, ModelError(fault), has_operators=True)
            assert tidings.sentence.endswith(".")
            told = tidings.for_admins or tidings.for_operators
            assert (told is not None) == (fault in (*KEY_FAULTS, ModelFault.NO_MODEL))


@pytest.mark.parametrize(
    ("chooser", "admins", "operators"),
    [(Chooser.PERSON, False, False), (Chooser.SERVER, True, False), (Chooser.OPERATOR, False, True)],
)
def test_a_model_that_fails_for_good_is_told_to_whoever_chose_it(
    chooser: Chooser, admins: bool, operators: bool
) -> None:
    asked = replace(OPERATORS, chooser=chooser)
    for tidings in (
        after_failure(asked, ModelError(ModelFault.NO_MODEL), has_operators=True),
        after_answer(asked, Standing.GONE, None, TODAY),
    ):
        assert (tidings.for_admins is not None, tidings.for_operators is not None) == (admins, operators)


@pytest.mark.parametrize(
    ("day", "is_told"),
    [("2026-12-25", True), ("2026-11-25", True), ("2026-12-26", False), ("2027-01-01", False), (None, False)],
)
def test_a_retiring_model_is_announced_a_month_before_and_once_only(day: str | None, is_told: bool) -> None:
    info = ModelInfo("a/b", "B", retires_on=day)
    tidings = after_answer(OWN, Standing.THERE, info, TODAY)
    assert (tidings.for_admins is not None) == is_told
    if tidings.for_admins is not None:
        assert tidings.for_admins.every is None
        assert f"retires on {day}" in tidings.for_admins.text


def test_the_default_models_end_is_told_to_admins_and_operators_each_with_what_they_can_do() -> None:
    tidings = after_answer(OPERATORS, Standing.THERE, ModelInfo("a/b", "B", retires_on="2026-12-01"), TODAY)
    assert tidings.for_admins is not None
    assert "/settings" in tidings.for_admins.text
    assert tidings.for_operators is not None
    assert "MODEL" in tidings.for_operators.text


def test_a_model_that_a_person_chose_is_nobody_elses_business() -> None:
    asked = replace(OWN, chooser=Chooser.PERSON)
    tidings = after_answer(asked, Standing.THERE, ModelInfo("a/b", "B", retires_on="2026-12-01"), TODAY)
    assert (tidings.for_admins, tidings.for_operators) == (None, None)


@pytest.mark.parametrize(("has_secret", "words"), [(True, "behind the new one"), (False, "is not set any more")])
def test_a_key_that_cannot_be_decrypted_is_told_to_admins_and_operators(has_secret: bool, words: str) -> None:
    tidings = after_unusable(KeyUnusable(10, "0123456789ab", has_secret=has_secret))
    assert tidings.for_admins is not None
    assert "/key set" in tidings.for_admins.text
    assert tidings.for_operators is not None
    assert words in tidings.for_operators.text
