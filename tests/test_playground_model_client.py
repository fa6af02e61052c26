"""The real model client and the real engine against the embedded model: every scene ends as it should."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.engine import Draft, Engine
from bot.errors import ModelError, ModelFault
from bot.events import TextDelta
from bot.messages import JsonObject, Said, Text, Turn, TurnStatus
from bot.model import ModelRequest, ToolSpec
from bot.openrouter import Catalogue, OpenRouter, Timeouts, open_http
from bot.openrouter.replay import family
from bot.playground.model import ModelServer
from bot.playground.model.checks import UNPROVEN
from bot.tools import Adapted, Toolbox
from tests.model_talk import CLAUDE, GEMINI, GROK, KIMI, PLAIN, SCRIPT, SMALL, Json

pytest_plugins = ["tests.model_fixtures"]

PATIENT = Timeouts(connect=10, first_byte=10, silence=10, event=10)
IMPATIENT = Timeouts(connect=10, first_byte=0.1, silence=0.1, event=0.1)

FAULTS = {
    "fault 400": ModelFault.REFUSED,
    "fault 401": ModelFault.BAD_KEY,
    "fault 402": ModelFault.NO_CREDIT,
    "fault 403": ModelFault.MODERATED,
    "fault 404": ModelFault.NO_MODEL,
    "fault 408": ModelFault.TIMEOUT,
    "fault 413": ModelFault.CONTEXT_FULL,
    "fault busy": ModelFault.RATE_LIMITED,
    "fault 500": ModelFault.OVERLOADED,
    "fault 502": ModelFault.OVERLOADED,
    "fault 503": ModelFault.OVERLOADED,
    "fault 504": ModelFault.TIMEOUT,
    "fault 529": ModelFault.OVERLOADED,
    "fault error in 200": ModelFault.OVERLOADED,
    "fault null choices": ModelFault.GARBLED,
    "fault html": ModelFault.GARBLED,
    "fault gateway page": ModelFault.OVERLOADED,
    "fault cut": ModelFault.CUT_OFF,
    "fault reset": ModelFault.CUT_OFF,
    "fault no finish": None,
    "fault mid-stream error": ModelFault.RATE_LIMITED,
    "fault error without choices": ModelFault.OVERLOADED,
    "fault error on choice": ModelFault.OVERLOADED,
    "fault error without done": ModelFault.OVERLOADED,
    "fault error unsaid": ModelFault.CUT_OFF,
    "fault empty": ModelFault.EMPTY,
    "fault only reasoning": ModelFault.EMPTY,
    "fault garbage": ModelFault.GARBLED,
}
"""What the client makes of each fault; None and those not listed end well."""


ENDLESS = ("fault hang", "fault comments", "fault silence")
ONLY_LONG = ("very long answer", "think for a minute")
"""Scenes that differ from others in length alone."""
PHRASES = [scene.phrase for scene in SCRIPT.scenes if scene.phrase not in (*ENDLESS, *ONLY_LONG, None)]


async def at_once(_seconds: float) -> None:
    """A pause between attempts that takes no time."""


FETCH = ToolSpec(
    "web_fetch",
    "Fetch a page.",
    {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]},
)


@dataclass(frozen=True)
class Echo:
    """A tool that says what it was called with."""

    spec: ToolSpec

    async def call(self, arguments: JsonObject) -> str:
        return f"fetched {arguments['url']}"


@asynccontextmanager
async def client_of(server: ModelServer, timeouts: Timeouts) -> AsyncIterator[OpenRouter]:
    async with open_http(server.base_url) as http:
        catalogue = Catalogue(http, server.base_url, clock=time.monotonic)
        await catalogue.refresh()
        yield OpenRouter(http, server.base_url, "any-key", catalogue=catalogue, timeouts=timeouts, sleep=at_once)


@pytest.fixture
async def model(model_server: ModelServer) -> AsyncIterator[OpenRouter]:
    async with client_of(model_server, PATIENT) as model:
        yield model


def request(question: str, model: str = KIMI, *earlier: Turn, effort: str | None = None) -> ModelRequest:
    turn = Turn(len(earlier) + 1, 1, (Said(1, 1, "Ann", (Text(question),), 0.0),))
    return ModelRequest(model, "Be brief.", (*earlier, turn), "session", effort=effort)


async def answer(model: OpenRouter, question: ModelRequest) -> str:
    async with aclosing(model.stream(question)) as events:
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])


async def finished_turn(model: OpenRouter, question: ModelRequest) -> Turn:
    """Let the engine answer, and return the turn as it would be stored."""
    engine = Engine(model, clock=time.monotonic, sleep=at_once)
    draft = Draft()
    async with aclosing(engine.run(question, Toolbox([Adapted(Echo(FETCH))]), draft)) as events:
        async for _ in events:
            pass
    return replace(question.turns[-1], status=TurnStatus.DONE, steps=draft.steps())


@pytest.mark.parametrize("phrase", PHRASES)
async def test_every_scene_ends_well_or_as_the_right_error(model: OpenRouter, phrase: str) -> None:
    expected = FAULTS.get(phrase)
    if expected is None:
        assert await answer(model, request(phrase))
        return
    with pytest.raises(ModelError) as failure:
        await answer(model, request(phrase))
    assert failure.value.fault is expected


@pytest.mark.parametrize("phrase", ENDLESS)
async def test_a_scene_without_an_end_is_given_up(model_server: ModelServer, phrase: str) -> None:
    async with client_of(model_server, IMPATIENT) as model:
        with pytest.raises(ModelError) as failure:
            await answer(model, request(phrase))
    assert failure.value.fault is ModelFault.TIMEOUT
    await asyncio.wait_for(model_server.requests[-1].ended.wait(), 5)
    assert model_server.requests[-1].cancelled


@pytest.mark.parametrize("model_id", [KIMI, CLAUDE, GROK, GEMINI, PLAIN])
async def test_tools_run_in_rounds_with_the_reasoning_sent_back_unaltered(model: OpenRouter, model_id: str) -> None:
    """The embedded model refuses altered, lost or repeated reasoning, so an answer proves that none was."""
    turn = await finished_turn(model, request("call tools in a row", model_id, effort="low"))
    assert len(turn.steps) == 4
    assert turn.text.count("- fetched example") == 3


@pytest.mark.parametrize("model_id", [KIMI, CLAUDE, GROK, GEMINI])
async def test_reasoning_comes_back_in_the_next_turn(model: OpenRouter, model_id: str) -> None:
    first = await finished_turn(model, request("a red apple", model_id, effort="low"))
    second = await finished_turn(model, request("what did you think?", model_id, first, effort="low"))
    assert 'Ann writes: "a red apple"' in second.text


@pytest.mark.parametrize("before", [KIMI, CLAUDE, GROK, GEMINI, PLAIN])
@pytest.mark.parametrize("after", [KIMI, CLAUDE, GROK, GEMINI, PLAIN, SMALL])
async def test_the_model_may_change_between_turns(model: OpenRouter, before: str, after: str) -> None:
    """Reasoning that is signed or encrypted for one model is refused by another, so it must have been left out."""
    first = await finished_turn(model, request("call two tools", before, effort="low"))
    second = await finished_turn(model, request("what did I ask before?", after, first, effort="low"))
    assert "1. Ann: call two tools" in second.text


async def test_every_model_gets_its_own_reasoning_back_however_often_they_change(
    model: OpenRouter, model_server: ModelServer
) -> None:
    """Each refuses what it did not make itself or finds altered, so an answer proves that neither reached it."""
    turns: list[Turn] = []
    for number, name in enumerate((KIMI, CLAUDE, KIMI, GEMINI, GROK, KIMI, CLAUDE, GEMINI, PLAIN, KIMI)):
        question = request(f"{number}: call tools in a row", name, *turns, effort="low")
        turns.append(await finished_turn(model, question))
        own = [step for turn in turns for step in turn.steps if family(step.model) == family(name)]
        assert replayed(model_server) == [list(step.reasoning_details or ()) for step in own[:-1] if step.reasoning]
    assert turns[-1].text.count("- fetched example") == 3


def replayed(server: ModelServer) -> list[list[Json]]:
    """The reasoning that came back with the last request, without what only excuses its absence to Gemini."""
    messages: Any = server.requests[-1].body["messages"]
    details = [message["reasoning_details"] for message in messages if "reasoning_details" in message]
    return [listed for listed in details if listed[-1].get("data") != UNPROVEN]


async def test_claude_takes_over_in_the_middle_of_a_turn_with_tools(model: OpenRouter) -> None:
    """While it reasons it would refuse the calls of another model, so it is not asked to."""
    begun = await finished_turn(model, request("call tools in a row", effort="low"))
    half = replace(begun, steps=begun.steps[:2])
    answered = replace(request("call tools in a row", CLAUDE, effort="low"), turns=(half,))
    async with aclosing(model.stream(replace(answered, tools=(FETCH,)))) as events:
        assert [event async for event in events]


async def test_the_next_turn_finds_the_prompt_in_the_cache(model: OpenRouter) -> None:
    first = await finished_turn(model, request("tell me about apples " * 20))
    second = await finished_turn(model, request("and pears?", KIMI, first))
    assert second.usage.cached_tokens >= first.usage.prompt_tokens - 16
