"""What a model is sent: turns as messages, reasoning given back, parameters within the model's means."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.guild import DataPolicy
from bot.messages import Part, ReasoningDetail, Said, Step, Text, TextFile, ToolCall, ToolResult, Turn, TurnStatus
from bot.model import ModelInfo, ModelRequest, ToolSpec
from bot.openrouter.replay import family
from bot.openrouter.request import build_body, serialise

SCHEMAS = Path(__file__).parents[1].parent / "shared" / "data" / "openrouter-sdk-1.3.84-schemas.json"
KIMI, CLAUDE = "moonshotai/kimi-k2-thinking", "anthropic/claude-sonnet-4.5"
KIMI_INFO = ModelInfo(KIMI, "Kimi", 262_144, 16_384, reasons=True, must_reason=True, efforts=("low", "high"))
RAW: ReasoningDetail = {"type": "reasoning.text", "text": "hm", "format": "unknown", "index": 0}
SIGNED: ReasoningDetail = {"type": "reasoning.text", "text": "hm", "signature": "S", "format": "anthropic-claude-v1"}
SEALED: ReasoningDetail = {"type": "reasoning.encrypted", "data": "X", "id": "r", "format": "openai-responses-v1"}


def said(*parts: Part | str, name: str = "Ada", author: int = 7) -> Said:
    return Said(1, author, name, tuple(Text(part) if isinstance(part, str) else part for part in parts), 0.0)


def turn(*steps: Step, question: str = "Why?", **more: Any) -> Turn:
    return Turn(1, 1, (said(question),), steps=steps, **more)


def request(*turns: Turn, model: str = KIMI, **more: Any) -> ModelRequest:
    return ModelRequest(model, "Be brief.", turns, "conversation-1", **more)


def messages(*turns: Turn, **more: Any) -> list[Any]:
    """The messages of `turns` and of one more turn that is being answered, without that one's question."""
    built: Any = build_body(request(*turns, turn(question="And now?"), **more), None, openrouter=True)["messages"]
    assert built[-1] == {"role": "user", "content": "[Ada] And now?"}
    return built[1:-1]


def assistant(step: Step, model: str = KIMI) -> Any:
    """The one assistant message that a step becomes."""
    (message,) = (message for message in messages(turn(step), model=model) if message["role"] == "assistant")
    return message


def test_a_conversation_becomes_alternating_messages() -> None:
    body = build_body(request(turn(Step(KIMI, text="Because.")), turn(question="Really?")), None, openrouter=True)
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "[Ada] Why?"},
        {"role": "assistant", "content": "Because."},
        {"role": "user", "content": "[Ada] Really?"},
    ]


def question_of(*burst: Said, name_speakers: bool = True) -> Any:
    asked = request(Turn(1, 1, burst), name_speakers=name_speakers)
    built: Any = build_body(asked, None, openrouter=True)["messages"]
    return built[-1]["content"]


def test_a_burst_is_one_message_of_one_speaker() -> None:
    assert question_of(said("one"), said("two")) == "[Ada] one\ntwo"
    assert question_of(said("one"), said("two", name="Bob", author=8)) == "[Ada] one\n[Bob] two"
    assert question_of(said("one"), name_speakers=False) == "one"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("A[d]a", "Ada"), ("A\nda\u2028x", "A da x"), ("[]\u202e", "member"), ("x" * 99, "x" * 32), ("é 🙂", "é 🙂")],
)
def test_a_speaker_cannot_break_out_of_the_brackets(name: str, shown: str) -> None:
    assert question_of(said("Hi", name=name)) == f"[{shown}] Hi"


def test_an_empty_question_is_not_sent_empty() -> None:
    assert question_of(said(""), name_speakers=False) == "(an empty message)"
    assert question_of(said("")) == "[Ada]"


def test_a_file_is_fenced_and_named() -> None:
    content = question_of(said("See", TextFile("a`b\n.py", "x = 1\n")))
    assert content == "[Ada] See\n\nAttached file `ab .py`:\n```\nx = 1\n```"


@given(st.text(alphabet="`a\n", max_size=40))
def test_nothing_in_a_file_closes_its_fence(text: str) -> None:
    content = question_of(said(TextFile("f", text)), name_speakers=False)
    fence = content.split("\n")[1]
    assert content.endswith("\n" + fence)
    assert fence not in text


CALL = ToolCall("functions.f:0", "f", '{"a": 1}')
RESULT = ToolResult("functions.f:0", "f", "one")


def test_tools_are_replayed_with_ids_and_arguments_verbatim() -> None:
    step = Step(KIMI, tool_calls=(CALL,), tool_results=(RESULT,), reasoning="hm", reasoning_details=(RAW,))
    call = {"id": CALL.id, "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    assert messages(turn(step, Step(KIMI, text="Done")))[1:] == [
        {"role": "assistant", "content": None, "reasoning_details": [RAW], "tool_calls": [call]},
        {"role": "tool", "tool_call_id": CALL.id, "content": "one"},
        {"role": "assistant", "content": "Done"},
    ]


def test_a_call_without_its_result_is_not_sent() -> None:
    other = replace(CALL, id="functions.g:1")
    step = Step(KIMI, text="Let me", tool_calls=(other, CALL), tool_results=(RESULT,), reasoning_details=(SEALED,))
    sent = messages(turn(step))
    assert [call["id"] for call in sent[1]["tool_calls"]] == [CALL.id]
    assert "reasoning_details" not in sent[1], "sealed reasoning belongs to the calls that were left out"
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert messages(turn(replace(step, text="", tool_results=())))[1:] == []


def test_repeated_ids_are_paired_in_order() -> None:
    step = Step(KIMI, tool_calls=(CALL, CALL), tool_results=(RESULT, replace(RESULT, content="two")))
    assert [message["content"] for message in messages(turn(step))[2:]] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ("", "{}"),
        ('{"a":  1}', '{"a":  1}'),
        ('{"a"', '{"malformed": "{\\"a\\""}'),
        ("[1]", '{"malformed": "[1]"}'),
        ('{"a": NaN}', '{"malformed": "{\\"a\\": NaN}"}'),
        ('{"a": [-Infinity]}', '{"malformed": "{\\"a\\": [-Infinity]}"}'),
    ],
)
def test_malformed_arguments_do_not_spoil_later_requests(arguments: str, sent: str) -> None:
    step = Step(KIMI, tool_calls=(replace(CALL, arguments=arguments, name="no such.tool"),), tool_results=(RESULT,))
    assert assistant(step)["tool_calls"][0]["function"] == {"name": "no_such_tool", "arguments": sent}


@pytest.mark.parametrize("status", [TurnStatus.STOPPED, TurnStatus.INTERRUPTED, TurnStatus.FAILED])
def test_a_turn_cut_short_keeps_what_was_said(status: TurnStatus) -> None:
    sent = messages(turn(Step(KIMI, text="Half a"), status=status), turn(Step(KIMI, reasoning="hm"), status=status))
    assert [message["content"] for message in sent] == ["[Ada] Why?", "Half a", "[Ada] Why?"]


def test_the_turn_being_answered_ends_with_its_question_or_its_results() -> None:
    tools = Step(KIMI, tool_calls=(CALL,), tool_results=(RESULT,))
    for steps, role in [((), "user"), ((tools,), "tool"), ((Step(KIMI, text="Half"),), "user")]:
        built: Any = build_body(request(turn(*steps)), None, openrouter=True)["messages"]
        assert built[-1]["role"] == role


@pytest.mark.parametrize(
    ("step", "model", "fields"),
    [
        pytest.param(Step(KIMI, reasoning_details=(RAW,)), KIMI, {"reasoning_details": [RAW]}, id="own details"),
        pytest.param(
            Step("moonshotai/kimi-k2.5-0127", reasoning_details=(RAW,)),
            "~moonshotai/kimi-latest",
            {"reasoning_details": [RAW]},
            id="details of the family",
        ),
        pytest.param(
            Step(CLAUDE, reasoning_details=()), CLAUDE, {"reasoning_details": []}, id="an explicit empty list"
        ),
        pytest.param(
            Step(CLAUDE, reasoning="hm", reasoning_details=(SIGNED,)),
            "anthropic/claude-opus-5",
            {"reasoning_details": [SIGNED]},
            id="signed by the family",
        ),
        pytest.param(Step(CLAUDE, reasoning="hm", reasoning_details=(SIGNED,)), KIMI, {}, id="signed by others"),
        pytest.param(Step("openai/gpt-5", reasoning_details=(SEALED,)), CLAUDE, {}, id="sealed by others"),
        pytest.param(
            Step(CLAUDE, reasoning="hm", reasoning_details=({**SIGNED, "signature": None},)), CLAUDE, {}, id="unsigned"
        ),
        pytest.param(
            Step("z-ai/glm-5", reasoning="hm", reasoning_details=(RAW,)),
            KIMI,
            {"reasoning": "hm"},
            id="raw text of others as text",
        ),
        pytest.param(Step(KIMI, reasoning="hm", reasoning_details=(RAW,)), CLAUDE, {}, id="raw text for signers"),
        pytest.param(Step(KIMI, reasoning="hm"), KIMI, {"reasoning": "hm"}, id="text alone"),
        pytest.param(
            Step(KIMI, reasoning="hm", reasoning_details=()),
            KIMI,
            {"reasoning_details": [], "reasoning": "hm"},
            id="text beside an empty list",
        ),
        pytest.param(Step(KIMI), KIMI, {}, id="nothing captured"),
    ],
)
def test_reasoning_goes_back_to_those_who_can_take_it(step: Step, model: str, fields: dict[str, Any]) -> None:
    message = assistant(replace(step, text="Because."), model)
    assert {name: value for name, value in message.items() if "reasoning" in name} == fields


def test_kimi_always_finds_reasoning_beside_its_tool_calls() -> None:
    tools = Step(KIMI, tool_calls=(CALL,), tool_results=(RESULT,))
    assert assistant(tools)["reasoning_content"] == ""
    assert assistant(replace(tools, reasoning_details=()))["reasoning_content"] == ""
    assert "reasoning_content" not in assistant(replace(tools, reasoning="hm"))
    assert "reasoning_content" not in assistant(tools, CLAUDE)


def test_stored_reasoning_is_not_touched() -> None:
    strange: ReasoningDetail = {"z": None, "type": "new", "a": [1, {"b": 1.5}], "text": "  \u2028 "}
    content = serialise(
        build_body(request(turn(Step(KIMI, text="x", reasoning_details=(strange,))), turn()), None, openrouter=True)
    )
    assert json.dumps(strange, ensure_ascii=False, separators=(",", ":")).encode() in content


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("moonshotai/kimi-k2.5-0127:free", ("moonshotai", "kimi")),
        ("~moonshotai/kimi-latest", ("moonshotai", "kimi")),
        ("openai/gpt-5.1", ("openai", "gpt")),
        ("SmolLM2-360M", ("", "smollm")),
        ("01-ai/34b", ("01-ai", "34b")),
    ],
)
def test_a_family_is_an_author_and_the_first_word(model: str, expected: tuple[str, str]) -> None:
    assert family(model) == expected


def reasoning_of(info: ModelInfo | None, effort: str | None, *, openrouter: bool = True) -> Any:
    return build_body(request(turn(), effort=effort), info, openrouter=openrouter).get("reasoning")


def test_an_effort_is_sent_only_where_the_model_takes_it() -> None:
    assert reasoning_of(KIMI_INFO, "high") == {"effort": "high"}
    assert reasoning_of(KIMI_INFO, "max") == {"enabled": True}
    assert reasoning_of(KIMI_INFO, None) == {"enabled": True}
    assert reasoning_of(ModelInfo("a/b", "B"), "high") is None


def test_a_model_that_must_reason_is_never_told_not_to() -> None:
    assert reasoning_of(replace(KIMI_INFO, efforts=("none", "low")), "none") == {"enabled": True}
    free = replace(KIMI_INFO, id="a/b", must_reason=False, efforts=("none", "low"))
    assert reasoning_of(free, "none") == {"effort": "none"}


def test_of_an_unknown_model_only_openrouter_is_asked_to_reason() -> None:
    assert reasoning_of(None, "high") == {"effort": "high"}
    assert reasoning_of(None, None) == {"enabled": True}
    assert reasoning_of(None, "none") is None
    assert reasoning_of(None, "high", openrouter=False) is None


def test_openrouters_own_parameters_go_to_openrouter_alone() -> None:
    asked = request(turn(), fallbacks=("a/b", KIMI))
    ours = build_body(asked, None, openrouter=True)
    assert (ours["models"], ours["session_id"], ours["usage"]) == ([KIMI, "a/b"], "conversation-1", {"include": True})
    assert build_body(asked, None, openrouter=False).keys() == {
        "model",
        "stream",
        "stream_options",
        "messages",
        "max_tokens",
    }


def test_no_more_models_are_named_than_openrouter_takes() -> None:
    asked = request(turn(), fallbacks=("a/b", "c/d", "e/f"))
    assert build_body(asked, None, openrouter=True)["models"] == [KIMI, "a/b", "c/d"]


def test_the_ceiling_keeps_within_the_model_and_its_window() -> None:
    long = request(turn(question="word " * 20_000))
    assert build_body(request(turn()), None, openrouter=True)["max_tokens"] == 32_000
    assert build_body(request(turn()), KIMI_INFO, openrouter=True)["max_tokens"] == 16_384
    small: Any = build_body(long, replace(KIMI_INFO, context_tokens=32_768), openrouter=True)["max_tokens"]
    assert 1_024 <= small < 10_000
    assert build_body(long, replace(KIMI_INFO, context_tokens=8_192), openrouter=True)["max_tokens"] == 1_024


def test_tools_are_described_and_never_an_empty_list() -> None:
    tool = ToolSpec("web_fetch", "Fetches.", {"type": "object", "properties": {}})
    assert build_body(request(turn(), tools=(tool,)), None, openrouter=True)["tools"] == [
        {
            "type": "function",
            "function": {"name": "web_fetch", "description": "Fetches.", "parameters": tool.parameters},
        }
    ]
    assert "tools" not in build_body(request(turn()), None, openrouter=True)


STEPS = st.builds(
    lambda text, reasoning, details, tools: Step(
        KIMI,
        text=text,
        reasoning=reasoning,
        reasoning_details=details,
        tool_calls=(CALL,) * tools,
        tool_results=(RESULT,) * tools,
    ),
    st.text(),
    st.text(),
    st.none() | st.just(()) | st.just((RAW,)),
    st.integers(0, 2),
)
TURNS = st.lists(st.lists(STEPS, max_size=3), min_size=2, max_size=4)


@given(TURNS)
def test_each_request_begins_with_the_bytes_of_the_one_before(answers: list[list[Step]]) -> None:
    turns = [turn(*steps, question=f"Question {number}") for number, steps in enumerate(answers)]
    before: bytes | None = None
    for count in range(1, len(turns) + 1):
        asked = (*turns[: count - 1], replace(turns[count - 1], steps=()))
        content = serialise(build_body(request(*asked), KIMI_INFO, openrouter=True))
        if before is not None:
            assert content.startswith(before)
        before = content[: content.rindex(b'],"max_tokens"')]


@pytest.mark.parametrize(
    ("policy", "wishes"),
    [
        (DataPolicy.NO_TRAINING, {"data_collection": "deny"}),
        (DataPolicy.ZERO_RETENTION, {"data_collection": "deny", "zdr": True}),
        (DataPolicy.ANY, None),
    ],
)
def test_openrouter_is_told_to_whom_a_conversation_may_go_and_nobody_else(
    policy: DataPolicy, wishes: dict[str, object] | None
) -> None:
    asked = request(turn(), data_policy=policy)
    assert build_body(asked, None, openrouter=True).get("provider") == wishes
    assert "provider" not in build_body(asked, None, openrouter=False)


def test_any_text_can_be_serialised() -> None:
    content = serialise(build_body(request(turn(question="a\ud83d b\ud83d\ude00")), None, openrouter=True))
    assert json.loads(content)["messages"][1]["content"] == "[Ada] a\ufffd b\U0001f600"


@pytest.mark.skipif(not SCHEMAS.exists(), reason="OpenRouter's schemas are not part of the repository")
def test_bodies_agree_with_openrouters_schema() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(SCHEMAS.read_text())["ChatRequest"])
    steps = (
        Step(KIMI, tool_calls=(CALL, CALL), tool_results=(RESULT, RESULT), reasoning_details=(RAW,)),
        Step(KIMI, text="Done", reasoning="hm", reasoning_details=()),
    )
    tool = ToolSpec("f", "Does.", {"type": "object", "properties": {}})
    asked = request(turn(*steps), turn(), tools=(tool,), fallbacks=("a/b",), effort="high")
    for info in (None, KIMI_INFO):
        for policy in DataPolicy:
            schema.validate(build_body(replace(asked, data_policy=policy), info, openrouter=True))
    assert not schema.is_valid({"messages": [{"role": "user", "content": 7}]})
