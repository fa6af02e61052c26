"""The tool loop: calls at the same time, counted, kept, within the window, and given up at once."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from bot.calling import LAST, NONE_LEFT
from bot.engine import Draft, Engine
from bot.errors import ModelError, ModelFault
from bot.events import Noticed, ReplyEvent, ToolEnded, ToolStarted
from bot.guild import DataPolicy
from bot.messages import JsonObject, Said, Step, Text, ToolResult, Turn
from bot.model import Key
from bot.tools import Toolbox
from tests.tool_talk import ANSWER, ASKING, FakeTool, Script, ScriptedModel, answer, calls, question


def results(model: ScriptedModel, step: int = 0) -> tuple[ToolResult, ...]:
    """What the model was sent last of one of its steps."""
    return model.asked[-1].turns[-1].steps[step].tool_results


async def test_the_calls_of_one_step_run_at_the_same_time_and_answer_in_their_order() -> None:
    met = asyncio.Barrier(3)

    async def meet(arguments: JsonObject) -> str:
        await met.wait()  # would wait for ever if they ran one after the other
        return str(arguments["q"])

    model = ScriptedModel([calls(*((f"id{n}", "look", f'{{"q": {n}}}') for n in range(3))), ANSWER])

    events = await answer(model, Toolbox([FakeTool(does=meet)]))

    assert [result.content for result in results(model)] == ["0", "1", "2"]
    started = [event for event in events if isinstance(event, ToolStarted)]
    assert [(event.about, event.number, event.step) for event in started] == [("0", 0, 0), ("1", 1, 0), ("2", 2, 0)]


async def test_ids_that_repeat_go_back_as_they_came_each_with_the_result_of_its_own_call() -> None:
    async def echo(arguments: JsonObject) -> str:
        return str(arguments["q"])

    same = [("functions.look:0", "look", f'{{"q": "{word}"}}') for word in ("a", "b", "c")]
    model = ScriptedModel([calls(same[0]), calls(same[1]), calls(same[2]), ANSWER])

    await answer(model, Toolbox([FakeTool(does=echo)]))

    steps = model.asked[-1].turns[-1].steps
    assert [step.tool_calls[0].id for step in steps] == ["functions.look:0"] * 3
    assert [step.tool_results[0].content for step in steps] == ["a", "b", "c"]


async def test_two_calls_with_one_id_in_one_step_are_told_apart_by_their_place() -> None:
    async def echo(arguments: JsonObject) -> str:
        return str(arguments["q"])

    script: Script = (*calls(("x", "look", '{"q": 1}')),)
    twin = calls(("x", "look", '{"q": 1}'), ("y", "look", '{"q": 2}'))
    model = ScriptedModel([twin, script, ANSWER])

    await answer(model, Toolbox([FakeTool(does=echo)]))

    assert [(result.call_id, result.content) for result in results(model)] == [("x", "1"), ("y", "2")]


async def test_calls_are_counted_not_steps_and_the_answer_is_asked_for_when_they_are_used_up() -> None:
    tool = FakeTool()
    three = calls(*((f"i{n}", "look", f'{{"q": {n}}}') for n in range(3)))
    model = ScriptedModel([three, calls(*((f"j{n}", "look", f'{{"q": {n + 3}}}') for n in range(3))), ANSWER])

    events = await answer(model, Toolbox([tool], max_calls=5))

    assert len(tool.called) == 5
    assert [request.may_call for request in model.asked] == [True, True, False]
    assert [request.tools for request in model.asked] == [model.asked[0].tools] * 3
    assert [result.content for result in results(model, 1)] == ["found", "found", NONE_LEFT + LAST]
    assert Noticed("I have used the 5 tool calls that one question may take, so I answered with what I had.") in events


async def test_a_model_that_calls_on_without_being_allowed_to_ends_the_turn() -> None:
    tool = FakeTool()
    model = ScriptedModel([calls(("a", "look", '{"q": 1}')), calls(("b", "look", '{"q": 2}'))])
    draft = Draft()

    await answer(model, Toolbox([tool], max_calls=1), draft)

    assert (len(model.asked), len(tool.called)) == (2, 1)
    assert [len(step.tool_results) for step in draft.steps()] == [1, 1]


async def test_three_hundred_calls_are_possible() -> None:
    tool = FakeTool()
    model = ScriptedModel([*(calls(("x", "look", f'{{"q": {n}}}'), thought=f"step {n}") for n in range(300)), ANSWER])
    draft = Draft()

    await answer(model, Toolbox([tool], max_calls=300), draft)

    assert len(tool.called) == 300
    assert [step.reasoning for step in draft.steps()[:-1]] == [f"step {n}" for n in range(300)]
    assert draft.steps()[-1].text == "Done."


async def test_the_same_call_again_is_noticed_then_refused_and_going_in_circles_ends() -> None:
    tool = FakeTool()
    model = ScriptedModel([*[calls(("x", "look", '{"q": 1,"r":2}')), calls(("x", "look", '{"r": 2, "q": 1}'))] * 4])

    events = await answer(model, Toolbox([tool]))

    assert len(tool.called) == 3
    told = [step.tool_results[0].content for step in model.asked[-1].turns[-1].steps]
    assert told[0] == "found"
    assert told[1] == "found\n\n[You have made this very call once before in this turn. Do not make it again.]"
    assert "so it was not run again" in told[3]
    assert Noticed("I kept making the same tool calls, so I was asked to answer with what I had.") in events
    assert model.asked[-1].may_call is False
    assert len(model.asked) == 7


async def test_a_call_that_is_made_twice_in_one_step_runs_once() -> None:
    tool = FakeTool()
    model = ScriptedModel([calls(("x", "look", "{}"), ("y", "look", "{}")), ANSWER])

    await answer(model, Toolbox([tool]))

    assert len(tool.called) == 1
    assert "the same call as another one of this step" in results(model)[1].content


async def test_a_step_is_kept_with_its_reasoning_before_the_next_one_begins() -> None:
    draft, kept = Draft(), []
    model = ScriptedModel([calls(("x", "look", "{}"), thought="I look."), ANSWER])

    async def keep() -> None:
        kept.append((len(model.asked), draft.steps()))

    await answer(model, Toolbox([FakeTool()]), draft, keep=keep)

    ((asked, (step,)),) = kept
    assert asked == 1
    assert step.reasoning_details == ({"type": "reasoning.text", "text": "I look.", "index": 0},)
    assert step.tool_results[0].content == "found"


async def test_a_tool_hears_on_whose_behalf_it_is_called() -> None:
    tool = FakeTool()
    await answer(ScriptedModel([calls(("x", "look", "{}")), ANSWER]), Toolbox([tool], asking=ASKING))
    assert tool.called[0][1] == ASKING


async def test_closing_the_turn_gives_up_a_tool_at_once_even_one_that_takes_no_notice() -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def stubborn(_arguments: JsonObject) -> str:
        begun.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "too late"

    model = ScriptedModel([calls(("x", "look", "{}"))])
    turn = asyncio.create_task(answer(model, Toolbox([FakeTool(does=stubborn)])))
    await begun.wait()
    before = time.monotonic()

    turn.cancel()
    await asyncio.wait({turn}, timeout=5)

    assert turn.cancelled()
    assert time.monotonic() - before < 1
    release.set()


async def test_a_later_step_that_fails_keeps_the_finished_ones_and_goes_to_another_model() -> None:
    draft = Draft()
    said = calls(("x", "look", "{}"))
    model = ScriptedModel([said, (ModelError(ModelFault.OVERLOADED),), (ModelError(ModelFault.TIMEOUT),)])

    with pytest.raises(ModelError):
        await answer(model, Toolbox([FakeTool()]), draft)

    assert [len(step.tool_results) for step in draft.steps() if step.tool_calls] == [1]


class BudgetOver(Exception):
    """What stands before the model raises of its own."""


async def test_an_error_that_is_none_of_the_models_passes_through_with_the_finished_steps_kept() -> None:
    draft = Draft()
    model = ScriptedModel([calls(("x", "look", "{}")), (BudgetOver(),)])

    with pytest.raises(BudgetOver):
        await answer(model, Toolbox([FakeTool()]), draft)

    assert draft.finished == 1
    assert draft.steps()[0].tool_results[0].content == "found"


def numbered(n: int) -> Script:
    return calls(("x", "look", f'{{"q": {n}}}'), thought=f"thought {n}")


async def test_old_output_leaves_a_full_window_first_and_no_call_loses_its_result_or_its_reasoning() -> None:
    model = ScriptedModel([*map(numbered, range(40)), ANSWER])
    tool = FakeTool(gives="word " * 800)  # some 1,100 tokens
    draft = Draft()

    await answer(model, Toolbox([tool], max_calls=300), draft, request=question(room=12_000))

    for asked in model.asked:
        for step in asked.turns[-1].steps:
            assert len(step.tool_calls) == len(step.tool_results) == 1
            assert step.reasoning_details
    last = model.asked[-1].turns[-1].steps
    assert len(last) == 40
    assert last[0].tool_results[0].content == "[4,000 characters, no longer shown]"
    assert last[-1].tool_results[0].content == "word " * 800
    assert all(step.tool_results[0].content == "word " * 800 for step in draft.steps()[:-1])


async def test_the_beginning_of_the_prompt_changes_seldom_while_output_leaves() -> None:
    model = ScriptedModel([*map(numbered, range(60)), ANSWER])

    await answer(model, Toolbox([FakeTool(gives="word " * 800)], max_calls=300), request=question(room=20_000))

    sent = [asked.turns[-1].steps for asked in model.asked]
    changed = sum(after[: len(before)] != before for before, after in pairwise(sent))
    assert 0 < changed < len(sent) / 3


async def test_a_call_whose_result_has_left_the_window_may_be_made_again() -> None:
    model = ScriptedModel([*(numbered(n % 4) for n in range(40)), ANSWER])
    tool = FakeTool(gives="word " * 2_000)

    events = await answer(model, Toolbox([tool], max_calls=300), request=question(room=9_000))

    assert len(tool.called) > 12
    assert not any(isinstance(event, Noticed) for event in events)


async def test_earlier_turns_leave_when_old_output_does_not_suffice() -> None:
    said = Said(2, 1, "Ada", (Text("word " * 2_000),), 0.0)
    earlier = [Turn(n, 7, (said,), steps=(Step(text="Yes."),)) for n in range(1, 4)]
    model = ScriptedModel([*map(numbered, range(12)), ANSWER])

    await answer(model, Toolbox([FakeTool(gives="x" * 6_000)]), request=question(room=9_000, earlier=earlier))

    first, last = model.asked[0].turns, model.asked[-1].turns
    assert (len(first), len(last)) == (4, 2)
    assert [turn.id for turn in last] == [3, 9]


async def test_a_model_that_finds_the_turn_too_long_is_asked_again_with_less() -> None:
    full = (ModelError(ModelFault.CONTEXT_FULL),)
    model = ScriptedModel([numbered(0), numbered(1), full, ANSWER])

    await answer(model, Toolbox([FakeTool(gives="x" * 4_000)]))

    before, after = model.asked[2].turns[-1].steps, model.asked[3].turns[-1].steps
    assert before[0].tool_results[0].content == "x" * 4_000
    assert after[0].tool_results[0].content == "[4,000 characters, no longer shown]"
    assert after[1] == before[1]


async def test_one_step_cannot_fill_the_window_by_itself() -> None:
    wanted = calls(*((f"i{n}", "look", f'{{"q": {n}}}') for n in range(10)))
    model = ScriptedModel([wanted, ANSWER])

    await answer(model, Toolbox([FakeTool(gives="y" * 50_000_000)]), request=question(room=10_000))

    contents = [result.content for result in results(model)]
    assert sum(map(len, contents)) < 10_000
    assert all("characters left out here" in content for content in contents)


async def test_every_call_that_began_ends_and_says_so() -> None:
    model = ScriptedModel([calls(("a", "look", "{}"), ("b", "gone", "{}"), ("c", "look", "not json")), ANSWER])

    events: list[ReplyEvent] = await answer(model, Toolbox([FakeTool()]))

    ended: dict[int, Any] = {event.number: event.is_error for event in events if isinstance(event, ToolEnded)}
    assert ended == {0: False, 1: True, 2: True}


async def test_the_engine_keeps_nothing_of_one_turn_for_the_next() -> None:
    model = ScriptedModel([calls(("x", "look", "{}")), ANSWER])
    tool = FakeTool()
    for _ in range(5):
        model.asked.clear()
        await answer(model, Toolbox([tool]))
    assert len(tool.called) == 5


NO_TOOLS: Script = (ModelError(ModelFault.TOOLS_REFUSED),)


async def test_a_model_whose_server_takes_no_tools_answers_without_them_and_says_so_once_an_hour() -> None:
    clock = [0.0]
    model = ScriptedModel([NO_TOOLS, ANSWER, ANSWER, NO_TOOLS, ANSWER])
    engine = Engine(model, clock=lambda: clock[0])
    told: list[list[str]] = []
    for at in (0.0, 3_599.0, 3_600.0):
        clock[0] = at
        async with aclosing(engine.run(question(), Toolbox([FakeTool()], searches_web=True), Draft())) as events:
            told.append([event.text async for event in events if isinstance(event, Noticed)])

    assert [(len(asked.tools), asked.searches_web) for asked in model.asked] == [
        *((1, True), (0, False)),
        (0, False),
        *((1, True), (0, False)),
    ]
    said = "The server of one takes no tools with it, so it answers without them."
    assert told == [[said], [], [said]]


async def test_what_one_server_was_refused_under_its_terms_is_not_kept_from_another() -> None:
    model = ScriptedModel([NO_TOOLS, ANSWER])
    engine = Engine(model, clock=lambda: 0.0)
    own = replace(question(), key=Key("k1", "secret"))
    strict = replace(question(), data_policy=DataPolicy.ZERO_RETENTION)
    for request in (question(), own, strict):
        async with aclosing(engine.run(request, Toolbox([FakeTool()]), Draft())) as events:
            assert [event async for event in events]

    assert [len(asked.tools) for asked in model.asked] == [1, 0, 1, 1]


async def test_a_server_that_refuses_even_without_tools_is_not_asked_for_ever() -> None:
    model = ScriptedModel([NO_TOOLS])

    with pytest.raises(ModelError) as caught:
        await answer(model, Toolbox([FakeTool()]))

    assert (caught.value.fault, len(model.asked)) == (ModelFault.TOOLS_REFUSED, 2)


async def test_a_stand_in_that_takes_no_tools_is_passed_over_in_the_middle_of_a_turn() -> None:
    model = ScriptedModel([calls(("x", "look", "{}")), (ModelError(ModelFault.OVERLOADED),), NO_TOOLS, ANSWER])

    await answer(model, Toolbox([FakeTool()]), request=replace(question(), fallbacks=("b/two", "c/three")))

    assert [asked.model for asked in model.asked] == ["a/one", "a/one", "b/two", "c/three"]
    assert all(asked.tools for asked in model.asked)
