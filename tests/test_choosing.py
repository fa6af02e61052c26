"""Which model answers, and which names people may pick."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from bot.choosing import UNCHECKED, Choice, answers_for, choose, is_permitted, pick
from bot.errors import ForUser
from bot.model import Standing
from bot.openrouter import Catalogue
from tests.catalogues import filled

KIMI, CLAUDE, GPT, OLD = "moonshotai/kimi-k2-thinking", "anthropic/claude-haiku-4.5", "openai/gpt-4.1-mini", "a/old"
LAST_DAY = date(2026, 11, 24)
LISTED: list[dict[str, Any]] = [
    {"id": KIMI, "canonical_slug": f"{KIMI}-20251106", "supported_parameters": ["tools"]},
    {"id": CLAUDE, "canonical_slug": "anthropic/claude-4.5-haiku-20251001"},
    {"id": GPT, "canonical_slug": f"{GPT}-2025-04-14"},
    {"id": OLD, "expiration_date": "2026-11-23"},
    {"id": "a/last-day", "expiration_date": "2026-11-24"},
]


@pytest.fixture
async def catalogue() -> AsyncIterator[Catalogue]:
    async with filled(*LISTED, today=lambda: LAST_DAY) as found:
        yield found


def chosen(catalogue: Catalogue, model: str | None, **more: Any) -> Choice:
    given = {"defaults": (KIMI,), "fallbacks": (CLAUDE, GPT), "permitted": (), **more}
    return choose(model, catalogue=catalogue, **given)


@pytest.mark.parametrize(
    ("model", "patterns", "allowed"),
    [
        (KIMI, (), True),
        (KIMI, (KIMI,), True),
        (KIMI, ("moonshotai/*",), True),
        ("MoonshotAI/Kimi-K2", (" moonshotai/KIMI* ",), True),
        ("~moonshotai/kimi-latest", ("moonshotai/*",), True),
        (f"{KIMI}:free", (KIMI,), False),
        (f"{KIMI}:free", ("*:free",), True),
        (CLAUDE, ("moonshotai/*", "openai/*"), False),
        (CLAUDE, ("[",), False),
        (CLAUDE, ("",), False),
    ],
)
def test_a_server_allows_what_fits_one_of_its_patterns(model: str, patterns: tuple[str, ...], allowed: bool) -> None:
    assert is_permitted(model, patterns) is allowed


async def test_what_was_chosen_is_asked_and_then_the_fallbacks(catalogue: Catalogue) -> None:
    assert chosen(catalogue, None) == Choice(KIMI, (CLAUDE, GPT))
    assert chosen(catalogue, None, defaults=(GPT, KIMI)) == Choice(GPT, (CLAUDE,), (KIMI,))
    assert chosen(catalogue, CLAUDE) == Choice(CLAUDE, (GPT,), (KIMI,))
    assert chosen(catalogue, "a/last-day").model == "a/last-day"


async def test_a_model_whose_last_day_has_passed_is_replaced_with_a_note(catalogue: Catalogue) -> None:
    note = "old is not offered any more, so claude-haiku-4.5 answers. `/model` sets another one."
    assert chosen(catalogue, OLD) == Choice(CLAUDE, (GPT,), (GPT, KIMI), note)
    assert chosen(catalogue, OLD, fallbacks=()).model == KIMI
    assert chosen(catalogue, OLD, fallbacks=(), defaults=(OLD,)) == Choice(OLD), "its server knows best"


async def test_a_model_that_is_missing_is_asked_alone_because_its_refusal_may_name_successors(
    catalogue: Catalogue,
) -> None:
    assert chosen(catalogue, "a/gone") == Choice("a/gone", (), (CLAUDE, GPT, KIMI))


async def test_what_a_server_names_for_a_model_comes_first_as_long_as_it_is_not_listed(catalogue: Catalogue) -> None:
    catalogue.note_refusal("a/gone", (OLD, GPT, CLAUDE))
    assert chosen(catalogue, "a/gone").model == GPT
    catalogue.note_refusal("b/gone", ())
    assert chosen(catalogue, "b/gone").model == CLAUDE
    catalogue.note_refusal(KIMI, ())
    assert catalogue.standing(KIMI) is Standing.THERE, "a listed model may be refused for other reasons"
    catalogue.note_refusal(KIMI, (GPT,))
    assert chosen(catalogue, KIMI).model == GPT
    await catalogue.refresh()
    assert chosen(catalogue, KIMI).model == KIMI
    assert chosen(catalogue, "a/gone").model == GPT


async def test_aliases_and_presets_need_not_be_listed(catalogue: Catalogue) -> None:
    for name in ("~moonshotai/kimi-latest", "@preset/mine"):
        assert catalogue.standing(name) is Standing.THERE


async def test_a_server_that_is_not_openrouter_may_serve_what_it_does_not_list() -> None:
    async with filled({"id": "x.gguf", "object": "model"}) as catalogue:
        assert catalogue.standing("anything") is Standing.THERE


async def test_only_what_the_server_allows_is_asked(catalogue: Catalogue) -> None:
    assert chosen(catalogue, CLAUDE, permitted=("anthropic/*", KIMI)) == Choice(CLAUDE, (), (KIMI,))
    note = "This server does not allow claude-haiku-4.5, so kimi-k2-thinking answers. `/model` sets another one."
    assert chosen(catalogue, CLAUDE, permitted=(KIMI,)) == Choice(KIMI, (), (), note)
    assert chosen(catalogue, None, permitted=("openai/*",)).model == GPT
    assert chosen(catalogue, None, permitted=("x/*", "x/y")).model == "x/y"
    assert chosen(catalogue, OLD, permitted=("a/*", GPT)).model == GPT
    refused = chosen(catalogue, None, permitted=("x/*",))
    assert refused.refusal is not None
    assert refused.refusal.startswith("This server does not allow kimi-k2-thinking")


async def test_a_fallback_is_told_from_another_name_of_the_model(catalogue: Catalogue) -> None:
    assert not answers_for(CLAUDE, (KIMI,), "anthropic/claude-4.5-haiku-20251001", catalogue)
    assert answers_for(KIMI, (CLAUDE,), "anthropic/claude-4.5-haiku-20251001", catalogue)
    assert not answers_for("openrouter/auto", (CLAUDE,), GPT, catalogue)
    assert not answers_for(KIMI, (), KIMI, catalogue)


@pytest.mark.parametrize(
    ("typed", "model"),
    [
        (KIMI, KIMI),
        ("  MoonshotAI/Kimi-K2-Thinking ", KIMI),
        (f"{KIMI}-20251106", KIMI),
        (f"{KIMI}:nitro", f"{KIMI}:nitro"),
        (f"{KIMI}-20251106:nitro", f"{KIMI}:nitro"),
    ],
)
async def test_a_model_is_picked_by_any_of_its_names(catalogue: Catalogue, typed: str, model: str) -> None:
    picked = pick(typed, permitted=(), catalogue=catalogue)
    assert (picked.model, picked.remark) == (model, None)


@pytest.mark.parametrize(
    ("typed", "permitted", "sentence"),
    [
        ("moonshotai/kimi-k3-thinking", (), f"I do not know this model. Did you mean `{KIMI}`?"),
        ("???", (), "I do not know this model."),
        ("", (), "I do not know this model."),
        (f"{KIMI}:online", (), f"I do not know this model. Did you mean `{KIMI}`?"),
        (f"{KIMI}:free", (), f"I do not know this model. Did you mean `{KIMI}`?"),
        (CLAUDE, (KIMI,), f"This server does not allow this model. It allows `{KIMI}`."),
        (GPT, ("openai/gpt-4.1-mini:free", "x/*`"), "It allows `openai/gpt-4.1-mini:free`, `x/*`."),
        (KIMI, ("moonshotai/kimi-k3*",), "It allows `moonshotai/kimi-k3*`."),
        (OLD, (), "old is not offered any more. "),
    ],
)
async def test_what_cannot_be_picked_is_refused_with_the_nearest_names(
    catalogue: Catalogue, typed: str, permitted: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(ForUser) as refused:
        pick(typed, permitted=permitted, catalogue=catalogue)
    assert sentence in str(refused.value)


async def test_without_a_list_any_name_that_looks_like_one_is_taken_and_said_to_be_unchecked() -> None:
    async with filled() as catalogue:
        picked = pick("some/model:free", permitted=(), catalogue=catalogue)
        assert (picked.model, picked.remark) == ("some/model:free", UNCHECKED)
        for strange in ("", "a b", "a/`b`", "@everyone <@1>", "a/b\nc"):
            with pytest.raises(ForUser):
                pick(strange, permitted=(), catalogue=catalogue)
        with pytest.raises(ForUser, match="does not allow"):
            pick("some/model", permitted=("other/*",), catalogue=catalogue)
