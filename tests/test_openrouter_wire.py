"""What one chunk says, however strange it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ModelError
from bot.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta, UsageReported
from bot.messages import Usage
from bot.openrouter.wire import events, opening


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": fields}]}


DETAIL = {"type": "reasoning.text", "text": "a"}
SEALED = {"type": "reasoning.encrypted", "data": "X"}
SUMMARY = {"type": "reasoning.summary", "summary": "s"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reasoning": "a", "reasoning_details": [DETAIL]}, ReasoningDelta("a", (DETAIL,))),
        ({"reasoning": "b", "reasoning_details": [SEALED]}, ReasoningDelta("b", (SEALED,))),
        ({"reasoning": "", "reasoning_details": [SUMMARY]}, ReasoningDelta("s", (SUMMARY,))),
        ({"reasoning": "a", "reasoning_content": "a"}, ReasoningDelta("a")),
        ({"reasoning_content": "a"}, ReasoningDelta("a")),
        ({"reasoning": None, "reasoning_details": []}, ReasoningDelta("", ())),
        ({"reasoning": "a", "reasoning_details": []}, ReasoningDelta("a", ())),
        ({"reasoning": "a", "reasoning_details": None}, ReasoningDelta("a")),
        ({"reasoning_details": [7, DETAIL, None]}, ReasoningDelta("a", (DETAIL,))),
    ],
)
def test_reasoning_is_shown_once_and_kept_as_it_came(fields: dict[str, Any], expected: ReasoningDelta) -> None:
    assert events(delta(**fields)) == (expected,)


@pytest.mark.parametrize("fields", [{}, {"content": None}, {"content": ""}, {"reasoning": None}, {"tool_calls": []}])
def test_a_delta_that_says_nothing_is_nothing(fields: dict[str, Any]) -> None:
    assert events(delta(role="assistant", **fields)) == ()


def test_everything_in_one_chunk_comes_in_the_order_of_speech() -> None:
    call = {"index": 2, "id": "functions.f:0", "type": "function", "function": {"name": "f", "arguments": "{"}}
    choice = {
        "delta": {"content": "x", "reasoning": "r", "tool_calls": [call]},
        "finish_reason": "tool_calls",
        "usage": {"prompt_tokens": 4},
    }
    assert events({"choices": [choice]}) == (
        ReasoningDelta("r"),
        TextDelta("x"),
        ToolCallDelta(2, "functions.f:0", "f", "{"),
        Finished("tool_calls"),
        UsageReported(Usage(4)),
    )


def test_tool_calls_without_an_index_are_numbered_by_place() -> None:
    calls = [{"function": {"name": "f", "arguments": None}}, "junk", {"id": "b", "function": None}]
    assert events(delta(tool_calls=calls)) == (ToolCallDelta(0, None, "f", ""), ToolCallDelta(2, "b", None, ""))


def test_a_refusal_is_what_the_model_said() -> None:
    assert events(delta(content=None, refusal="No.")) == (TextDelta("No."),)


@pytest.mark.parametrize("reason", [None, "", 7])
def test_no_finish_reason_is_none(reason: Any) -> None:
    assert events({"choices": [{"delta": {}, "finish_reason": reason}]}) == ()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 69, "completion_tokens": 87, "cost": 0.00020436}, Usage(69, 87, cost=204_360)),
        ({"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 5}}, Usage(1, cached_tokens=5)),
        ({"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 8}}, Usage(0, 9, 8)),
        ({"prompt_tokens": 1, "prompt_tokens_details": None, "cost": None}, Usage(1)),
        ({"prompt_tokens": 1, "cost": 0}, Usage(1, cost=0)),
        ({"prompt_tokens": 1, "cost": 3.036e-05}, Usage(1, cost=30_360)),
        ({"prompt_tokens": 1, "cost": 1e-10}, Usage(1, cost=0)),
        ({"prompt_tokens": True, "completion_tokens": -3, "cost": "free"}, Usage()),
        ({"prompt_tokens": 10**400, "cost": 1e300}, Usage()),
        ({"cost": float("nan")}, Usage()),
    ],
)
def test_usage_is_read_exactly_and_warily(usage: dict[str, Any], expected: Usage) -> None:
    assert events({"choices": [], "usage": usage}) == (UsageReported(expected),)


def test_an_error_is_found_before_anything_else_is_read() -> None:
    with pytest.raises(ModelError):
        events({"choices": [{"delta": {"content": "x"}}], "error": {"code": 502}})


def test_an_empty_error_field_is_none() -> None:
    assert events({**delta(content="x"), "error": None}) == (TextDelta("x"),)


def test_an_opening_takes_what_there_is() -> None:
    assert opening({"id": 7, "model": None}, model="a/b", generation_id=None).model == "a/b"
    assert len(opening({"model": "m" * 9_999}, model="a/b", generation_id=None).model) < 9_999


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = """choices delta message content reasoning reasoning_details tool_calls function arguments name id index
finish_reason error usage cost prompt_tokens prompt_tokens_details text"""
names = st.sampled_from(NAMES.split())
chunks = st.recursive(
    st.dictionaries(names, anything, max_size=4),
    lambda inner: st.dictionaries(names, inner | st.lists(inner, max_size=2), max_size=4),
    max_leaves=8,
)


@given(chunks)
def test_any_object_is_events_or_a_model_error(chunk: Any) -> None:
    try:
        said = events(chunk)
    except ModelError:
        return
    assert isinstance(said, tuple)
