"""Reasoning and tool calls that a model's server let through into the text, and text that only talks of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.assemble import StepAssembler
from bot.events import Finished, ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta
from bot.leaks import Leaks
from bot.messages import Step, ToolCall

CALL = '<|tool_call_begin|>functions.web_fetch:0<|tool_call_argument_begin|>{"url": "https://e.org"}<|tool_call_end|>'
SECTION = f"<|tool_calls_section_begin|>{CALL}<|tool_calls_section_end|>"
FETCH = ToolCall("functions.web_fetch:0", "web_fetch", '{"url": "https://e.org"}')


def step_of(events: Iterable[ModelEvent], offered: Sequence[str] = ("web_fetch",)) -> Step:
    leaks, assembler = Leaks(offered), StepAssembler(lambda: 0.0)
    for event in events:
        for cleaned in leaks.apply(event):
            assembler.apply(cleaned)
    for cleaned in (*leaks.end(), *leaks.calls()):
        assembler.apply(cleaned)
    return assembler.snapshot()


def said(text: str, size: int = 1_000_000) -> Step:
    return step_of(TextDelta(text[start : start + size]) for start in range(0, len(text), size))


def thought(text: str, size: int = 1_000_000) -> Step:
    return step_of(ReasoningDelta(text[start : start + size]) for start in range(0, len(text), size))


@pytest.mark.parametrize(
    ("content", "reasoning", "text"),
    [
        ("<think>Hm.</think>Hi.", "Hm.", "Hi."),
        ("\n<think>\nHm.\n</think>\n\nHi.", "Hm.\n", "\nHi."),
        ("<thinking>Hm.</thinking>\nHi.", "Hm.", "Hi."),
        ("◁think▷Hm.◁/think▷Hi.", "Hm.", "Hi."),
        ("<think>One.</think>\n<think> Two.</think>Hi.", "One.Two.", "Hi."),
        ("<think>It never ends", "It never ends", ""),
        ("Let me see.\nHm.\n</think>\n\nHi.", "Let me see.\nHm.\n", "Hi."),
        ("Hm.</think>Hi.", "Hm.", "Hi."),
        ("</think>\n\nHi.", "", "Hi."),
        ("Hm.◁/think▷Hi.", "Hm.", "Hi."),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_reasoning_in_the_answer_becomes_reasoning(content: str, reasoning: str, text: str, size: int) -> None:
    step = said(content, size)
    assert (step.reasoning, step.text) == (reasoning, text)


@pytest.mark.parametrize(
    "text",
    [
        "Some models write <think> before they answer, and </think> after it.",
        'Look for "</think>" in the text.',
        "Use `</think>`:\n```xml\n<think>x</think>\n</think>\n```\nDone.",
        "```\n<|im_end|>\n" + SECTION + "\n```\n",
        "The token `<|im_end|>` and ``<|tool_call_begin|>`` end it.",
        "If a < b and c <| d, then a<t. ◁ is a triangle.",
        "Hermes writes\n<tool_call>\nlike this\n</tool_call>\n",
        "Hermes writes\n<tool_call>{not json}</tool_call>\n",
        "It writes <tool_call>{}</tool_call> in a line",
        "a <",
        "Text.\n<tool_call>",
        "<thinker>",
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_text_that_talks_of_marks_is_left_alone(text: str, size: int) -> None:
    assert said(text, size).text == text
    assert thought(text, size).reasoning == text


def test_a_lone_backtick_hides_a_leak_on_its_own_line_only() -> None:
    assert said("It is a ` here.\nText" + SECTION).tool_calls == (FETCH,)


def test_the_end_of_a_reasoning_that_came_separately_is_only_dropped_at_the_start() -> None:
    step = step_of([ReasoningDelta("Hm."), TextDelta("</think>Hi.\n"), TextDelta("</think> is a tag.")])
    assert (step.reasoning, step.text) == ("Hm.", "Hi.\n</think> is a tag.")


def test_reasoning_in_the_answer_is_a_new_paragraph_of_what_came_separately() -> None:
    step = step_of([ReasoningDelta("Hm."), TextDelta("<think>Fur"), TextDelta("ther.</think>Hi.")])
    assert (step.reasoning, step.text) == ("Hm.\n\nFurther.", "Hi.")


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_marks_of_reasoning_inside_reasoning_are_dropped(size: int) -> None:
    assert thought("<think>Hm.\n</think>", size).reasoning == "Hm.\n"


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("leak", [SECTION, CALL, f"<|tool_calls_section_begin|>{CALL}"])
def test_a_complete_tool_call_in_the_text_is_made(leak: str, size: int) -> None:
    assert said(f"Let me look.{leak}<|im_end|>", size) == Step(text="Let me look.", tool_calls=(FETCH,))
    step = thought(f"I look.{leak}", size)
    assert (step.reasoning, step.text, step.tool_calls) == ("I look.", "", (FETCH,))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_hermes_calls_are_made(size: int) -> None:
    leak = '<tool_call>\n{"name": "web_fetch", "arguments": {"url": "ü"}}\n</tool_call>'
    step = said(f"Look:\n{leak}\n{leak}", size)
    assert step.text == "Look:\n\n"
    assert step.tool_calls == (ToolCall("call_0", "web_fetch", '{"url": "ü"}'),)
    assert said('<tool_call>{"name": "web_fetch", "argu', size).text == ""


@pytest.mark.parametrize(
    "broken",
    [
        CALL.replace("web_fetch", "launch"),
        CALL.replace('"}', '"'),
        CALL.replace("<|tool_call_end|>", ""),
        CALL.replace('{"url": "https://e.org"}', "[" * 100_000),
        "<|tool_call_begin|>" * 30_000,
    ],
)
def test_a_call_that_is_unknown_or_broken_is_dropped(broken: str) -> None:
    step = said(f"Hi.<|tool_calls_section_begin|>{broken}")
    assert (step.text, step.tool_calls) == ("Hi.", ())


def test_calls_that_the_server_told_of_are_not_made_twice() -> None:
    step = step_of([ReasoningDelta(SECTION), ToolCallDelta(0, FETCH.id, FETCH.name, FETCH.arguments), Finished("stop")])
    assert step.tool_calls == (FETCH,)
    assert step_of([ReasoningDelta(SECTION), TextDelta(SECTION)]).tool_calls == (FETCH,)


def test_the_details_of_a_reasoning_pass_untouched() -> None:
    detail = {"type": "reasoning.text", "text": f"Hm.{SECTION}", "format": "unknown", "index": 0}
    step = step_of([ReasoningDelta(f"Hm.{SECTION}", (detail,))])
    assert step.reasoning == "Hm."
    assert step.reasoning_details == (detail,)
    assert step_of([ReasoningDelta("<think>", ())]).reasoning_details == ()


def test_ordinary_events_pass_as_they_are_at_once() -> None:
    leaks = Leaks()
    leaks.apply(TextDelta("A"))
    for event in (TextDelta("nd so on, "), ReasoningDelta("", None), Finished("stop")):
        assert leaks.apply(event) == (event,)


def test_no_more_is_held_back_than_may_begin_a_mark() -> None:
    leaks = Leaks()
    assert leaks.apply(TextDelta("a <thin")) == [TextDelta("a ")]
    assert leaks.apply(TextDelta("g>")) == [TextDelta("<thing>")]
    assert leaks.apply(TextDelta("b <")) == [TextDelta("b ")]
    assert leaks.end() == [TextDelta("<")]


def test_memory_and_work_stay_bounded_while_a_call_does_not_end() -> None:
    began = time.process_time()
    leaks = Leaks(["web_fetch"])
    leaks.apply(TextDelta("<tool_call>{"))
    for _ in range(100_000):
        assert leaks.apply(TextDelta("x" * 10)) == []
    assert time.process_time() - began < 5  # quadratic work would take minutes


PIECES = st.lists(
    st.sampled_from([
        "<think>", "</think>", "◁think▷", "◁/think▷", "<thinking>", "</thinking>", SECTION, CALL, "<tool_call>",
        '{"name": "web_fetch"}', "</tool_call>", "<|im_end|>", "<|", "<", "`", "```", "\n", " ", "a", "word. ",
        "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_end|>", "|>", "<function=f>",
    ]),
    max_size=14,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(PIECES, st.lists(st.integers(1, 12), max_size=40), st.booleans(), st.booleans())
@example(["a", "\n", "<tool_call>", "\n", "word. "], [1] * 40, False, False)
def test_the_way_a_text_is_cut_makes_no_difference(
    pieces: list[str], sizes: list[int], is_thought: bool, was_thought: bool
) -> None:
    text = "".join(pieces)
    delta = ReasoningDelta if is_thought else TextDelta
    before: list[ModelEvent] = [ReasoningDelta("Hm.")] if was_thought else []
    cut: list[ModelEvent] = []
    position = 0
    for size in sizes:
        cut.append(delta(text[position : position + size]))
        position += size
    cut.append(delta(text[position:]))
    assert step_of([*before, *cut]) == step_of([*before, delta(text)])


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="<◁"), max_size=60), st.integers(1, 9))
def test_text_without_marks_is_never_changed(text: str, size: int) -> None:
    assert said(text, size).text == text
    assert thought(text, size).reasoning == text
