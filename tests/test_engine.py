"""The engine: the tool loop, and what happens when a model fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from bot.engine import Draft, Engine
from bot.errors import ModelError, ModelFault
from bot.events import (
    Answered,
    Finished,
    ModelEvent,
    Noticed,
    Opened,
    ReasoningDelta,
    ReplyEvent,
    StartedOver,
    TextDelta,
    Thought,
    ToolCallDelta,
    ToolEnded,
    ToolStarted,
    UsageReported,
)
from bot.messages import JsonObject, Said, Text, ToolCall, Turn, Usage
from bot.model import ModelRequest, ToolSpec
from bot.tools import Adapted, Toolbox, ToolFailed

Script = Sequence[ModelEvent | ModelError]

SAY_HI: Script = (Opened("gen-1", "a/one"), TextDelta("Hi"), Finished("stop"), UsageReported(Usage(10, 2)))


@dataclass
class ScriptedModel:
    """A model that plays one script a request, and remembers the requests."""

    scripts: list[Script]
    asked: list[ModelRequest] = field(default_factory=list)
    closed: int = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        self.asked.append(request)
        try:
            for item in self.scripts[len(self.asked) - 1]:
                if isinstance(item, ModelError):
                    raise item
                yield item
        finally:
            self.closed += 1


@dataclass(frozen=True)
class Doubler:
    """A tool that doubles a number."""

    spec: ToolSpec = field(default_factory=lambda: ToolSpec("double", "Doubles n.", {"type": "object"}))

    async def call(self, arguments: JsonObject) -> str:
        number = arguments.get("n")
        if not isinstance(number, int):
            raise ToolFailed("n must be a whole number.")
        return str(number * 2)


def request(*fallbacks: str) -> ModelRequest:
    said = Said(1, 1, "Ada", (Text("What is twice 21?"),), 0.0)
    return ModelRequest("a/one", "system", (Turn(1, 1, (said,)),), "session", fallbacks=fallbacks)


async def run(
    model: ScriptedModel, asked: ModelRequest, draft: Draft, tools: Toolbox | None = None
) -> list[ReplyEvent]:
    async def no_sleep(_seconds: float) -> None:
        return None

    engine = Engine(model, clock=lambda: 0.0, sleep=no_sleep)
    async with aclosing(engine.run(asked, tools or Toolbox(), draft)) as stream:
        return [event async for event in stream]


async def test_what_the_model_says_is_passed_on_and_folded_into_one_step() -> None:
    draft = Draft()
    details = ({"type": "reasoning.text", "text": "hm", "index": 0},)
    model = ScriptedModel(
        [(Opened("gen-1", "a/one"), ReasoningDelta("hm", details), TextDelta("4"), TextDelta("2"), Finished("stop"))]
    )

    events = await run(model, request(), draft)

    assert events == [Thought("hm"), Answered("4"), Answered("2")]
    (step,) = draft.steps()
    assert (step.text, step.reasoning, step.reasoning_details, step.finish) == ("42", "hm", details, "stop")


async def test_tools_run_and_their_results_go_back_with_the_reasoning_of_their_step() -> None:
    draft = Draft()
    details = ({"type": "reasoning.text", "text": "call it", "index": 0},)
    call: Script = (
        Opened("gen-1", "a/one"),
        ReasoningDelta("call it", details),
        ToolCallDelta(0, "functions.double:0", "double", ""),
        ToolCallDelta(0, None, None, '{"n": 21}'),
        Finished("tool_calls"),
    )
    model = ScriptedModel([call, SAY_HI])

    events = await run(model, request(), draft, Toolbox([Adapted(Doubler())]))

    assert [type(event) for event in events] == [Thought, ToolStarted, ToolEnded, Answered]
    sent_back = model.asked[1].turns[-1].steps
    assert [step.reasoning_details for step in sent_back] == [details]
    assert sent_back[0].tool_calls == (ToolCall("functions.double:0", "double", '{"n": 21}'),)
    assert [(result.call_id, result.content) for result in sent_back[0].tool_results] == [("functions.double:0", "42")]
    assert [spec.name for spec in model.asked[1].tools] == ["double"]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("double", "not json", "not JSON"),
        ("double", "[1]", "must be a JSON object"),
        ("double", '{"n": "x"}', "whole number"),
        ("triple", "{}", "There is no tool named 'triple'"),
    ],
)
async def test_a_wrong_call_comes_back_to_the_model_as_an_error_it_can_act_on(
    name: str, arguments: str, told: str
) -> None:
    draft = Draft()
    call: Script = (Opened("gen-1", "a/one"), ToolCallDelta(0, "x", name, arguments), Finished("tool_calls"))
    model = ScriptedModel([call, SAY_HI])

    await run(model, request(), draft, Toolbox([Adapted(Doubler())]))

    (result,) = model.asked[1].turns[-1].steps[0].tool_results
    assert result.is_error
    assert told in result.content


@pytest.mark.parametrize("fault", [ModelFault.CUT_OFF, ModelFault.EMPTY, ModelFault.GARBLED])
async def test_a_stream_that_fails_before_any_text_is_asked_again_from_the_start(fault: ModelFault) -> None:
    draft = Draft()
    model = ScriptedModel([(Opened("gen-1", "a/one"), ReasoningDelta("so"), ModelError(fault)), SAY_HI])

    events = await run(model, request(), draft)

    assert events == [Thought("so"), StartedOver(), Answered("Hi")]
    assert [step.text for step in draft.steps()] == ["Hi"]


async def test_a_stream_that_fails_after_some_text_is_not_asked_again_and_the_text_stays() -> None:
    draft = Draft()
    model = ScriptedModel([(Opened("gen-1", "a/one"), TextDelta("Half"), ModelError(ModelFault.CUT_OFF))])

    with pytest.raises(ModelError) as caught:
        await run(model, request("b/two"), draft)

    assert caught.value.fault is ModelFault.CUT_OFF
    assert [step.text for step in draft.steps()] == ["Half"]
    assert model.closed == 1


@pytest.mark.parametrize(
    "fault",
    [ModelFault.OVERLOADED, ModelFault.RATE_LIMITED, ModelFault.TIMEOUT, ModelFault.NO_MODEL, ModelFault.POLICY],
)
async def test_a_model_that_is_not_available_hands_over_to_the_next_one(fault: ModelFault) -> None:
    model = ScriptedModel([(ModelError(fault),), SAY_HI])

    events = await run(model, request("b/two-0127"), Draft())

    assert [asked.model for asked in model.asked] == ["a/one", "b/two-0127"]
    assert Noticed("one was not available; two was asked instead.") in events


async def test_the_providers_own_suggestion_is_followed_when_a_model_is_gone() -> None:
    model = ScriptedModel([(ModelError(ModelFault.NO_MODEL, fallback_models=("c/three",)),), SAY_HI])

    await run(model, request(), Draft())

    assert [asked.model for asked in model.asked] == ["a/one", "c/three"]


@pytest.mark.parametrize(
    "fault",
    [ModelFault.BAD_KEY, ModelFault.NO_CREDIT, ModelFault.MODERATED, ModelFault.CONTEXT_FULL, ModelFault.REFUSED],
)
async def test_what_no_other_model_can_mend_is_told_at_once(fault: ModelFault) -> None:
    model = ScriptedModel([(ModelError(fault),)])

    with pytest.raises(ModelError):
        await run(model, request("b/two"), Draft())

    assert len(model.asked) == 1


async def test_when_every_model_fails_the_last_error_is_told() -> None:
    model = ScriptedModel([(ModelError(ModelFault.OVERLOADED),), (ModelError(ModelFault.TIMEOUT),)])

    with pytest.raises(ModelError) as caught:
        await run(model, request("b/two"), Draft())

    assert caught.value.fault is ModelFault.TIMEOUT


async def test_closing_the_engine_closes_the_models_stream() -> None:
    model = ScriptedModel([SAY_HI])
    engine = Engine(model, clock=lambda: 0.0)

    async with aclosing(engine.run(request(), Toolbox(), Draft())) as events:
        await anext(events)

    assert model.closed == 1


LEAKED = '<|tool_call_begin|>functions.double:0<|tool_call_argument_begin|>{"n": 21}<|tool_call_end|>'
"""A tool call that the model's server did not recognise."""


@pytest.mark.parametrize(
    "leak",
    [
        (Opened("gen-1", "a/one"), TextDelta(LEAKED), Finished("stop")),
        (Opened("gen-1", "a/one"), ReasoningDelta(LEAKED), ModelError(ModelFault.EMPTY, retryable=True)),
    ],
    ids=["in the answer", "in the reasoning"],
)
async def test_a_tool_call_that_leaked_into_the_text_is_run(leak: Script) -> None:
    draft = Draft()
    model = ScriptedModel([leak, SAY_HI])

    events = await run(model, request(), draft, Toolbox([Adapted(Doubler())]))

    assert events == [ToolStarted("double", ""), ToolEnded("double", 0.0, False), Answered("Hi")]
    assert [result.content for result in draft.steps()[0].tool_results] == ["42"]


async def test_an_answer_of_which_cleaning_leaves_nothing_is_asked_for_again() -> None:
    draft = Draft()
    leak: Script = (
        Opened("gen-1", "a/one"),
        TextDelta("<think>Hm.</think>"),
        TextDelta("<|im_end|>"),
        Finished("stop"),
    )

    events = await run(ScriptedModel([leak, SAY_HI]), request(), draft)

    assert events == [Thought("Hm."), StartedOver(), Answered("Hi")]


async def test_what_turns_out_to_be_reasoning_is_taken_back_from_the_answer_and_earlier_steps_are_told_again() -> None:
    draft = Draft()
    call: Script = (TextDelta("Look."), ToolCallDelta(0, "d:0", "double", '{"n": 21}'), Finished("tool_calls"))
    leak: Script = (TextDelta("Hm"), TextDelta(".\n"), TextDelta("</think>\n\nIt is 42."), Finished("stop"))

    events = await run(ScriptedModel([call, leak]), request(), draft, Toolbox([Adapted(Doubler())]))

    first = [Answered("Look."), ToolStarted("double", ""), ToolEnded("double", 0.0, False)]
    taken_back = [StartedOver(), *first, Thought("Hm.\n")]
    assert events == [*first, Answered("Hm"), Answered(".\n"), *taken_back, Answered("It is 42.")]
    assert (draft.steps()[1].reasoning, draft.steps()[1].text) == ("Hm.\n", "It is 42.")


async def test_a_later_step_that_is_tried_again_does_not_show_its_thoughts_twice() -> None:
    call: Script = (ReasoningDelta("Call."), ToolCallDelta(0, "d:0", "double", '{"n": 21}'), Finished("tool_calls"))
    cut: Script = (ReasoningDelta("Now"), ModelError(ModelFault.CUT_OFF, retryable=True))

    events = await run(ScriptedModel([call, cut, SAY_HI]), request(), Draft(), Toolbox([Adapted(Doubler())]))

    first = [Thought("Call."), ToolStarted("double", ""), ToolEnded("double", 0.0, False)]
    assert events == [*first, Thought("Now"), StartedOver(), *first, Answered("Hi")]
