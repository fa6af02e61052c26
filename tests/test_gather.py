"""A stream's bytes are handed up when somebody is about to look, and at once when it ends or fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from bot.openrouter import gather
from bot.openrouter.gather import gathered


class Wire:
    """A stream that a test feeds by hand."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.is_closed = False
        self.read = 0

    def send(self, *items: bytes | Exception | None) -> None:
        for item in items:
            self._queue.put_nowait(item)

    async def chunks(self) -> AsyncGenerator[bytes]:
        try:
            while (item := await self._queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                self.read += len(item)
                yield item
        finally:
            self.is_closed = True


@pytest.fixture(autouse=True)
def _kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "KEPT_SECONDS", 1_000.0)


async def test_what_is_not_wanted_is_kept_until_it_is() -> None:
    wire, answers = Wire(), iter([False, False, True])
    wire.send(b"a", b"b", b"c")
    async with aclosing(gathered(wire.chunks(), lambda: next(answers, False))) as found, asyncio.timeout(5):
        assert await anext(found) == b"abc"
        wire.send(b"d", b"e", None)
        assert [piece async for piece in found] == [b"de"]


async def test_everything_that_is_wanted_is_handed_up_in_order_and_nothing_twice() -> None:
    wire, numbers = Wire(), [b"%d," % number for number in range(100)]
    wire.send(*numbers, None)
    assert b"".join([piece async for piece in gathered(wire.chunks(), lambda: True)]) == b"".join(numbers)


@pytest.mark.parametrize("split", range(1, 7))
async def test_the_end_is_handed_up_though_nobody_wants_it_and_the_connection_stays_open(split: int) -> None:
    wire = Wire()
    end = b"data: [DONE]\n\n"
    wire.send(b"text ", end[: 5 + split], end[5 + split :])
    async with aclosing(gathered(wire.chunks(), lambda: False)) as found, asyncio.timeout(5):
        heard = b""
        while b"[DONE]" not in heard:
            heard += await anext(found)
    assert heard.startswith(b"text data: [DONE]")


async def test_what_came_before_a_failure_is_handed_up_before_it() -> None:
    wire = Wire()
    wire.send(b"one ", b"two", ConnectionError("gone"))
    heard: list[bytes] = []
    with pytest.raises(ConnectionError):
        async for piece in gathered(wire.chunks(), lambda: False):
            heard.append(piece)  # noqa: PERF401 - a comprehension would lose them to the failure
    assert b"".join(heard) == b"one two"


async def test_a_stream_that_falls_silent_is_handed_up_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "KEPT_SECONDS", 0.01)
    wire = Wire()
    wire.send(b"half a ", b"sentence")
    async with aclosing(gathered(wire.chunks(), lambda: False)) as found, asyncio.timeout(5):
        assert await anext(found) == b"half a sentence"


async def test_more_than_is_kept_is_not_read_before_it_is_taken() -> None:
    wire = Wire()
    wire.send(*[b"x" * 30_000] * 50, None)
    async with aclosing(gathered(wire.chunks(), lambda: False)) as found, asyncio.timeout(5):
        first = await anext(found)
        await asyncio.sleep(0)
        assert wire.read < 200_000
        assert len(first) + sum([len(piece) async for piece in found]) == 50 * 30_000


@pytest.mark.parametrize("is_waiting", [True, False])
async def test_closing_ends_the_reading_and_closes_the_stream(is_waiting: bool) -> None:
    wire = Wire()
    wire.send(b"a")
    found = gathered(wire.chunks(), lambda: True)
    assert await anext(found) == b"a"
    if is_waiting:
        waiting = asyncio.ensure_future(anext(found))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
    await found.aclose()
    assert wire.is_closed
