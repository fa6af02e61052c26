"""How hard a model may be asked to think."""

from __future__ import annotations

import pytest

from bot.effort import allowed, offered
from bot.model import ModelInfo

MODEL = ModelInfo("a/m", "M", reasons=True, efforts=("high", "medium", "low", "none"))


@pytest.mark.parametrize(
    ("highest", "choices"),
    [
        (None, ("none", "low", "medium", "high")),
        ("medium", ("none", "low", "medium")),
        ("minimal", ("none",)),
    ],
)
def test_members_are_offered_what_the_model_has_and_the_server_allows(
    highest: str | None, choices: tuple[str, ...]
) -> None:
    assert offered(MODEL, highest) == choices


def test_a_model_that_must_reason_is_not_told_to_stop() -> None:
    assert offered(ModelInfo("a/m", "M", must_reason=True, efforts=("none", "low")), None) == ("low",)


def test_nothing_is_offered_for_a_model_of_which_nothing_is_known() -> None:
    assert offered(None, None) == ()


def test_an_effort_with_an_unknown_name_counts_as_the_highest() -> None:
    model = ModelInfo("a/m", "M", efforts=("low", "galactic"))
    assert offered(model, None) == ("low", "galactic")
    assert offered(model, "max") == ("low",)


@pytest.mark.parametrize(
    ("wanted", "default", "highest", "asked"),
    [
        ("high", None, None, "high"),
        (None, None, None, None),
        ("high", None, "medium", "medium"),
        ("low", None, "medium", "low"),
        (None, None, "medium", None),
        (None, None, "low", "low"),
        (None, "high", "medium", "medium"),
        (None, "low", "low", None),
    ],
)
def test_no_answer_takes_more_effort_than_the_server_allows(
    wanted: str | None, default: str | None, highest: str | None, asked: str | None
) -> None:
    model = ModelInfo("a/m", "M", reasons=True, efforts=MODEL.efforts, default_effort=default)
    assert allowed(wanted, model, highest) == asked


def test_without_the_models_list_the_servers_maximum_still_holds() -> None:
    assert allowed("max", None, "low") == "low"
    assert allowed("max", ModelInfo("a/m", "M"), "low") is None
