"""What may stand in a response's body, over a real socket: framing, ends, errors and limits."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from httpx_sse import EventSource
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.assemble import StepAssembler
from bot.errors import ModelError, ModelFault
from bot.events import Finished, Opened, ReasoningDelta, TextDelta, UsageReported
from bot.messages import Step, Usage
from bot.openrouter import Timeouts
from bot.openrouter import sse as sse_module
from tests.asking import REQUEST, ask, client_of, failure, outcome, said
from tests.model_server import HELLO, Reply, chunk, serving, sse

WIRE = Path(__file__).parents[1].parent / "shared" / "data" / "wire"


SPLIT = (
    b": comment\n\n"
    + b"data: "
    + json.dumps(chunk({"content": "né\u2028\U0001f600"}), ensure_ascii=False).encode()
    + b"\n\n"
    + b"data: "
    + json.dumps(chunk({"content": "\U0001f600"}, finish="stop")).encode()
    + b"\n\ndata: [DONE]\n\n"
)


LINES = st.sampled_from(
    ["data: {}", "data: ", "data:{}", "data:  {} ", "data", ": comment", "event: x", "id: 1", "\u2028", "data: \v", ""]
)


@given(st.lists(st.tuples(LINES, st.sampled_from(["\n", "\n\n", "\n\n", "\n\n", "\r", "\r\n"]))))
def test_plain_events_say_what_any_reader_of_events_finds_in_them(lines: list[tuple[str, str]]) -> None:
    text = "".join(line + end for line, end in lines) + "\n\n"
    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text=text)
    assert sse_module.Events().data_of(text) == [event.data for event in EventSource(response).iter_sse() if event.data]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
async def test_a_stream_split_at_any_byte_says_the_same(newline: bytes) -> None:
    stream = SPLIT.replace(b"\n", newline)
    replies = [Reply([stream[:at], stream[at:]]) for at in range(1, len(stream))]
    async with serving(*replies) as server, client_of(server) as client:
        for _ in replies:
            assert said([event async for event in client.stream(REQUEST)]) == "né\u2028\U0001f600\U0001f600"
        assert server.connections == 1


async def test_a_stream_sent_byte_by_byte_says_the_same() -> None:
    result = await outcome(Reply([bytes([byte]) for byte in SPLIT]))
    assert isinstance(result, list)
    assert said(result) == "né\u2028\U0001f600\U0001f600"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1), min_size=1, max_size=8), st.data())
def test_any_text_arrives_whole_however_the_socket_cuts_it(texts: list[str], data: st.DataObject) -> None:
    stream = sse(*(chunk({"content": "." + text}) for text in texts), chunk(finish="stop"), "[DONE]")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=12)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    result = asyncio.run(outcome(Reply(pieces)))
    assert isinstance(result, list)
    assert said(result) == "".join("." + text for text in texts)


async def test_a_character_cut_in_two_escapes_is_put_together() -> None:
    stream = sse(chunk({"content": "a\ud83d"}), chunk({"content": "\ude00b"}), chunk(finish="stop"), "[DONE]")
    assert b"\\ud83d" in stream
    result = await outcome(Reply([stream]))
    assert isinstance(result, list)
    assert said(result) == "a\U0001f600b"


async def test_a_byte_order_mark_does_not_cost_the_first_event() -> None:
    result = await outcome(Reply([b"\xef\xbb\xbf" + HELLO]))
    assert isinstance(result, list)
    assert said(result) == "Hello"


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "text/event-stream; charset=latin-1", ""])
async def test_a_stream_is_known_by_its_content_whatever_its_type_claims(content_type: str) -> None:
    stream = sse(chunk({"content": "x"})) + b"data: {}\n\n" + HELLO
    result = await outcome(Reply([stream], headers={"Content-Type": content_type}))
    assert isinstance(result, list)
    assert said(result) == "xHello"


async def test_reading_goes_on_after_the_finish_reason_and_ends_with_done() -> None:
    usage = chunk(usage={"prompt_tokens": 1})
    result = await outcome(
        Reply([sse(chunk({"content": "x"}, finish="stop"), usage, "[DONE]", chunk({"content": "y"}))])
    )
    assert isinstance(result, list)
    assert said(result) == "x"
    assert UsageReported(Usage(1)) in result


async def test_an_end_without_done_is_an_end_when_the_model_has_finished() -> None:
    result = await outcome(Reply([sse(chunk({"content": "x"}, finish="stop"))]))
    assert isinstance(result, list)
    assert said(result) == "x"


@pytest.mark.parametrize("delta", [{"content": "x"}, {"tool_calls": [{"function": {"name": "f"}}]}])
async def test_done_without_a_finish_reason_is_given_one(delta: dict[str, Any]) -> None:
    result = await outcome(Reply([sse(chunk(delta), "[DONE]")]))
    assert isinstance(result, list)
    assert result[-1] == Finished("stop" if "content" in delta else "tool_calls")


@pytest.mark.parametrize("at", range(0, len(HELLO), 7))
async def test_a_stream_cut_anywhere_is_either_whole_or_an_error(at: int) -> None:
    result = await outcome(Reply([HELLO[:at]] if at else []))
    if isinstance(result, ModelError):
        assert result.fault is ModelFault.CUT_OFF
    else:
        assert said(result) == "Hello"
        assert Finished("stop") in result


@pytest.mark.parametrize("finish", ["stop", "length"])
async def test_a_proper_end_with_nothing_said_is_an_empty_answer(finish: str) -> None:
    error = await failure(Reply([sse(chunk({"content": " \n"}), chunk(finish=finish), "[DONE]")]))
    assert error.fault is ModelFault.EMPTY
    assert error.retryable


async def test_an_empty_answer_of_a_content_filter_is_moderation() -> None:
    error = await failure(Reply([sse(chunk(finish="content_filter"), "[DONE]")]))
    assert error.fault is ModelFault.MODERATED
    assert not error.retryable


MID_STREAM_ERRORS = [
    chunk({"content": ""}, finish="error", error={"code": 429, "message": "secret"}),
    chunk(error={"code": 429, "message": "secret", "metadata": {"error_type": "rate_limit_exceeded"}}),
    {"choices": [{"delta": {"content": ""}, "finish_reason": "error", "error": {"code": 429, "message": "secret"}}]},
    {"error": {"code": "rate_limit_exceeded", "message": "secret"}},
    {"choices": None, "error": {"code": "429"}},
]


@pytest.mark.parametrize("payload", MID_STREAM_ERRORS)
async def test_an_error_in_the_stream_is_found_in_every_place(payload: dict[str, Any]) -> None:
    stream = sse(chunk({"content": "x"}), payload)
    async with serving(Reply([stream])) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server)
        assert len(server.received) == 1
    assert caught.value.fault is ModelFault.RATE_LIMITED
    assert "secret" not in str(caught.value)


async def test_a_finish_reason_error_without_an_error_is_a_stream_cut_off() -> None:
    error = await failure(Reply([sse(chunk({"content": "x"}), chunk(finish="error"), "[DONE]")]))
    assert error.fault is ModelFault.CUT_OFF


COMPLETE = {
    "id": "gen-2",
    "model": "a/b",
    "choices": [{"message": {"content": "Hi", "reasoning": "Hm", "tool_calls": None}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1},
}


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "text/plain"])
async def test_a_complete_answer_is_read_too_after_any_blanks(content_type: str) -> None:
    pieces = [b"   \n" * 20, b"\n" + json.dumps(COMPLETE).encode()]
    assert await outcome(Reply(pieces, headers={"Content-Type": content_type})) == [
        Opened("gen-2", "a/b"),
        ReasoningDelta("Hm"),
        TextDelta("Hi"),
        Finished("stop"),
        UsageReported(Usage(1)),
    ]


async def test_a_complete_answer_in_the_provider_field_is_read_too() -> None:
    result = await outcome(Reply([json.dumps({"choices": None, "provider": COMPLETE}).encode()]))
    assert isinstance(result, list)
    assert said(result) == "Hi"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"error":{"code":429,"message":"x"},"user_id":"u"}', ModelFault.RATE_LIMITED),
        (b'{"choices":null,"id":null}', ModelFault.GARBLED),
        (b'{"choices":[]}', ModelFault.GARBLED),
        (b"{broken", ModelFault.GARBLED),
        (b"  <!DOCTYPE html><p>captive portal", ModelFault.GARBLED),
        (b"data: {broken\n\n", ModelFault.GARBLED),
        (b"data: [1]\n\n", ModelFault.GARBLED),
        (b"data: " + b"[" * 100_000 + b"\n\n", ModelFault.GARBLED),
        (b"hello", ModelFault.CUT_OFF),
        (b"", ModelFault.CUT_OFF),
    ],
)
async def test_a_200_that_is_no_answer_is_an_error(body: bytes, fault: ModelFault) -> None:
    error = await failure(Reply([body] if body else []))
    assert error.fault is fault
    assert error.retryable


async def test_numbers_that_json_does_not_have_do_not_get_in() -> None:
    payload = '{"choices":[{"delta":{"content":"x","reasoning_details":[{"a":NaN,"b":1e999,"c":-Infinity,"d":1.5}]}}]}'
    result = await outcome(Reply([sse(payload, "[DONE]")]))
    assert isinstance(result, list)
    assert result[1] == ReasoningDelta("", ({"a": None, "b": None, "c": None, "d": 1.5},))


async def test_a_compressed_stream_is_refused() -> None:
    error = await failure(Reply([HELLO], headers={"Content-Encoding": "gzip"}))
    assert error.fault is ModelFault.GARBLED


async def test_a_redirect_is_refused_and_the_key_goes_nowhere_else() -> None:
    async with serving(Reply([HELLO])) as elsewhere:
        error = await failure(Reply(status=307, headers={"Location": elsewhere.url + "/chat/completions"}))
        assert error.fault is ModelFault.GARBLED
        assert elsewhere.received == []


async def test_a_single_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_module, "MAX_EVENT", 10_000)
    error = await failure(Reply([b"data: " + b"x" * 9_000, b"x" * 9_000], end="hang"))
    assert error.fault is ModelFault.GARBLED
    assert not error.retryable


async def test_many_events_may_be_larger_together_than_one_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_module, "MAX_EVENT", 2**20)
    pieces = [sse(chunk({"content": "x" * 100_000})) for _ in range(30)]
    result = await outcome(Reply([*pieces, HELLO]))
    assert isinstance(result, list)
    assert said(result) == "x" * 3_000_000 + "Hello"


async def test_a_body_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse_module, "MAX_BODY", 10_000)
    pieces = [sse(chunk({"content": "x" * 100})) for _ in range(100)]
    assert (await failure(Reply(pieces))).fault is ModelFault.GARBLED


@pytest.mark.parametrize(
    "pieces", [[], [b": hi\n\n"], [sse(chunk({"content": "x"}))]], ids=["none", "comment", "event"]
)
async def test_silence_is_a_timeout(pieces: list[bytes]) -> None:
    error = await failure(Reply(pieces, end="hang"), timeouts=Timeouts(first_byte=0.02, silence=0.02))
    assert error.fault is ModelFault.TIMEOUT
    assert error.retryable


async def test_comments_keep_a_stream_alive_but_not_for_ever() -> None:
    error = await failure(Reply([b": hi\n\n"], end="chatter"), timeouts=Timeouts(event=0.03))
    assert error.fault is ModelFault.TIMEOUT


def recorded(name: str) -> list[str]:
    file = WIRE / f"{name}.yaml"
    if not file.exists():
        pytest.skip("the recorded streams are not part of the repository")
    return [interaction["response"]["body"] for interaction in yaml.safe_load(file.read_text())["interactions"]]


@pytest.mark.parametrize("name", ["claude-thinking-stream", "kimi-k2.5-tool-stream"])
async def test_recorded_streams_become_steps(name: str) -> None:
    for body in recorded(name):
        chunks = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
        deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
        step = await step_of(body.encode())
        assert step.text == "".join(delta.get("content") or "" for delta in deltas)
        assert step.reasoning == "".join(delta.get("reasoning") or "" for delta in deltas)
        assert step.generation_id == chunks[0]["id"]
        assert step.finish == chunks[-1]["choices"][0]["finish_reason"]
        assert step.usage is not None
        assert step.usage.cost == round(chunks[-1]["usage"]["cost"] * 1e9)
        visible = [item for item in step.reasoning_details or () if item["type"] == "reasoning.text"]
        assert "".join(str(item.get("text", "")) for item in visible) == step.reasoning
        assert len(visible) <= 1
        assert all(item.get("signature") for item in visible if item["format"] == "anthropic-claude-v1")
        for call in step.tool_calls:
            assert isinstance(json.loads(call.arguments), dict)


async def step_of(body: bytes) -> Step:
    result = await outcome(Reply([body]))
    assert isinstance(result, list), result
    assembler = StepAssembler()
    for event in result:
        assembler.apply(event)
    return assembler.snapshot()
