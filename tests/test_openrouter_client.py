"""The model client over a real socket: what it sends, when it asks again, and how it lets go."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import ModelError, ModelFault
from bot.events import Finished, ModelEvent, Opened, ReasoningDelta, TextDelta, UsageReported
from bot.messages import Usage
from bot.model import Key
from bot.openrouter import Timeouts
from tests.asking import REQUEST, Sleeps, ask, client_of, failure, outcome, said
from tests.model_server import HELLO, Reply, chunk, serving, sse


async def test_an_answer_is_opened_spoken_finished_and_accounted() -> None:
    stream = sse(
        chunk({"role": "assistant", "content": "", "reasoning": "Hm", "reasoning_details": [{"type": "x"}]}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}, finish="stop"),
        chunk({"content": ""}, finish="stop", usage={"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.00020436}),
        "[DONE]",
    )
    async with serving(Reply([b": OPENROUTER PROCESSING\n\n", stream])) as server:
        assert await ask(server) == [
            Opened("gen-1", "a/model-0127"),
            ReasoningDelta("Hm", ({"type": "x"},)),
            TextDelta("Hello"),
            Finished("stop"),
            Finished("stop"),
            UsageReported(Usage(3, 2, cost=204_360)),
        ]
        received = server.received[0]
    assert (received.method, received.path) == ("POST", "/v1/chat/completions")
    assert received.headers["authorization"] == "Bearer sk-or-test"
    assert received.headers["x-openrouter-title"] == "Cogitor"
    assert received.headers["http-referer"]
    assert received.body["stream"] is True


async def test_without_a_key_none_is_sent() -> None:
    async with serving(Reply([HELLO])) as server:
        await ask(server, key="")
        assert "authorization" not in server.received[0].headers


async def test_a_request_that_brings_a_key_is_paid_by_it_alone() -> None:
    brought = replace(REQUEST, key=Key("0123456789ab", "sk-or-theirs"))
    async with serving(Reply([HELLO])) as server, client_of(server) as client:
        for request in (brought, REQUEST):
            _ = [event async for event in client.stream(request)]
        assert [received.headers["authorization"] for received in server.received] == [
            "Bearer sk-or-theirs",
            "Bearer sk-or-test",
        ]
        assert b"theirs" not in server.received[0].content
        assert b"0123456789ab" not in server.received[0].content


async def test_the_id_in_the_headers_is_noted_while_the_model_still_thinks() -> None:
    """Whoever stops a request before its first word can look up by it what that has cost."""
    headers = {"Content-Type": "text/event-stream", "X-Generation-Id": "gen-9" + "9" * 400}
    noted, is_noted = list[str](), asyncio.Event()

    def note(generation_id: str) -> None:
        noted.append(generation_id)
        is_noted.set()

    reply = Reply([b": OPENROUTER PROCESSING\n\n"], headers=headers, end="hang")
    async with serving(reply) as server, client_of(server) as client:
        events = client.stream(replace(REQUEST, noted=note))
        asking = asyncio.ensure_future(anext(events))
        await asyncio.wait_for(is_noted.wait(), 5)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
    assert noted == [("gen-9" + "9" * 400)[:256]]


async def test_a_key_that_cannot_be_sent_is_a_bad_key() -> None:
    error = await failure(Reply([HELLO]), key="schlüssel")
    assert error.fault is ModelFault.BAD_KEY
    assert not error.retryable


async def test_the_generation_id_of_the_headers_fills_in_for_a_missing_one() -> None:
    nameless = {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    reply = Reply([sse(nameless, "[DONE]")], headers={"X-Generation-Id": "gen-9"})
    assert (await outcome(reply))[0] == Opened("gen-9", "a/model")  # type: ignore[index]


@pytest.mark.parametrize("end", ["proper", "abort"])
async def test_a_stream_that_breaks_off_is_an_error_and_is_not_asked_again(end: Any) -> None:
    events: list[ModelEvent] = []
    async with serving(Reply([sse(chunk({"content": "x"}))], end=end)) as server, client_of(server) as client:
        with pytest.raises(ModelError) as caught:
            async for event in client.stream(REQUEST):
                events.append(event)  # noqa: PERF401 - what came before the error counts
        assert len(server.received) == 1
    assert said(events) == "x"
    assert caught.value.fault is ModelFault.CUT_OFF
    assert caught.value.retryable


async def test_an_unreachable_server_is_tried_again_and_then_told() -> None:
    async with serving(Reply([HELLO])) as server:
        pass
    sleeps = Sleeps()
    with pytest.raises(ModelError) as caught:
        await ask(server, sleeps=sleeps)
    assert caught.value.fault is ModelFault.UNREACHABLE
    assert sleeps.seconds == [0.5, 1.0]


BUSY = Reply([b'{"error":{"code":503,"message":"busy"}}'], status=503, headers={})


async def test_a_fault_before_the_first_event_is_tried_again_with_backoff() -> None:
    sleeps = Sleeps()
    result = await outcome(BUSY, BUSY, Reply([HELLO]), sleeps=sleeps)
    assert isinstance(result, list)
    assert said(result) == "Hello"
    assert sleeps.seconds == [0.5, 1.0]


async def test_an_error_as_the_first_event_is_tried_again() -> None:
    result = await outcome(Reply([sse(chunk(error={"code": 502}))]), Reply([HELLO]))
    assert isinstance(result, list)
    assert said(result) == "Hello"


async def test_attempts_are_bounded() -> None:
    async with serving(BUSY) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server)
        assert len(server.received) == 3
    assert (caught.value.fault, caught.value.status) == (ModelFault.OVERLOADED, 503)


async def test_a_fault_that_would_come_again_is_not_tried_again() -> None:
    async with serving(Reply(status=401, headers={})) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server)
        assert len(server.received) == 1
    assert caught.value.fault is ModelFault.BAD_KEY


async def test_the_server_says_how_long_to_wait() -> None:
    sleeps = Sleeps()
    await outcome(Reply(status=429, headers={"Retry-After": "7"}), Reply([HELLO]), sleeps=sleeps)
    assert sleeps.seconds == [7.0]


async def test_a_server_that_wants_too_long_a_wait_is_not_waited_for() -> None:
    sleeps = Sleeps()
    error = await failure(Reply(status=429, headers={"Retry-After": "3600"}), Reply([HELLO]), sleeps=sleeps)
    assert (error.fault, error.retry_after, sleeps.seconds) == (ModelFault.RATE_LIMITED, 3600.0, [])


async def test_an_old_connection_that_the_server_has_closed_is_replaced_at_once() -> None:
    sleeps = Sleeps()
    replies = [Reply([HELLO]), Reply(headless=True), Reply([HELLO])]
    async with serving(*replies) as server, client_of(server, sleeps=sleeps) as client:
        for _ in range(2):
            assert said([event async for event in client.stream(REQUEST)]) == "Hello"
        assert (len(server.received), server.connections) == (3, 2)
    assert sleeps.seconds == [0.0]


@pytest.mark.parametrize(
    "reply", [Reply(head=b"Hello, I speak no HTTP\r\n\r\n"), Reply(headless=True)], ids=["nonsense", "nothing"]
)
async def test_a_server_that_does_not_speak_http_is_unreachable(reply: Reply) -> None:
    assert (await failure(reply)).fault is ModelFault.UNREACHABLE


async def test_an_answer_that_turns_into_nonsense_ends_with_the_connection_or_the_silence_that_follows() -> None:
    nonsense = Reply([sse(chunk({"content": "x"}))], end="nonsense")
    error = await failure(nonsense, timeouts=Timeouts(silence=0.2))
    assert error.fault in (ModelFault.CUT_OFF, ModelFault.TIMEOUT)
    assert error.retryable


async def test_what_comes_in_quick_succession_is_read_together() -> None:
    words = [sse(chunk({"content": f"{number} "})) for number in range(200)]
    async with serving(Reply([*words, HELLO])) as server, client_of(server) as client:
        loop = asyncio.get_running_loop()
        began, text = loop.time(), said([event async for event in client.stream(REQUEST)])
        assert loop.time() - began < 200 * 0.05, "every token was waited for"
    assert text == "".join(f"{number} " for number in range(200)) + "Hello"


async def test_an_error_page_without_end_is_read_only_so_far() -> None:
    error = await failure(Reply([b"<html>" + b"x" * 60_000] * 3, status=500, headers={}, end="hang"))
    assert error.fault is ModelFault.OVERLOADED


async def test_closing_the_generator_closes_the_connection_at_once() -> None:
    hanging = Reply([sse(chunk({"content": "x"}))], end="hang")
    async with serving(hanging) as server, client_of(server) as client:
        async with aclosing(client.stream(REQUEST)) as events:
            assert isinstance(await anext(events), Opened)
        await asyncio.wait_for(server.left.wait(), 5)


async def test_cancelling_whoever_reads_closes_the_connection_at_once() -> None:
    hanging = Reply([sse(chunk({"content": "x"}))], end="hang")
    async with serving(hanging) as server, client_of(server) as client:
        reached = asyncio.Event()

        async def read() -> None:
            async with aclosing(client.stream(REQUEST)) as events:
                async for _ in events:
                    reached.set()

        task = asyncio.create_task(read())
        await asyncio.wait_for(reached.wait(), 5)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()
        await asyncio.wait_for(server.left.wait(), 5)


async def test_cancelling_before_the_first_byte_closes_the_connection_at_once() -> None:
    async with serving(Reply(end="hang")) as server, client_of(server) as client:
        task = asyncio.create_task(anext(client.stream(REQUEST)))  # type: ignore[arg-type]
        await asyncio.wait_for(server.asked.wait(), 5)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.left.wait(), 5)


async def test_a_server_that_keeps_the_connection_open_after_done_does_not_hold_up_the_answer() -> None:
    result = await asyncio.wait_for(outcome(Reply([HELLO], end="hang"), timeouts=Timeouts(linger=0.01)), 5)
    assert isinstance(result, list)
    assert said(result) == "Hello"
