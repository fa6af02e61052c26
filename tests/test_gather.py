"""A stream's bytes are handed up when somebody is about to look, and at once when it ends or fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest

from bot.openrouter import rest as rest_module
from bot.openrouter.gather import gathered
from bot.openrouter.rest import Demand, Glances, Rest


class Wire:
    """A stream that a test feeds by hand."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.is_closed = False
        self.read = 0

    def send(self, *items: bytes | Exception | None) -> None:
        for item in items:
            self._queue.put_nowait(item)

    def is_silent(self, seconds: float) -> bool:
        return True

    def size(self) -> int:
        return self._queue.qsize()

    def is_much(self) -> bool:
        return False

    async def until_read(self) -> None:
        await self._queue.join()

    async def chunks(self) -> AsyncGenerator[bytes]:
        try:
            while (item := await self._queue.get()) is not None:
                self._queue.task_done()
                if isinstance(item, Exception):
                    raise item
                self.read += len(item)
                yield item
        finally:
            self.is_closed = True


def gathering(wire: Wire, wanted: Callable[[], bool]) -> AsyncGenerator[bytes]:
    demand = Demand(wanted)
    return gathered(wire.chunks(), demand, Rest(Glances(), demand, wire, lambda: 0.0))


@pytest.fixture(autouse=True)
def _kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_module, "KEPT_SECONDS", 1_000.0)
    monkeypatch.setattr(rest_module, "GLANCE_SECONDS", 0.001)


async def having_met(found: AsyncGenerator[bytes], wire: Wire) -> None:
    """Whatever comes first has been waited for, and is handed up at once."""
    wire.send(b"first")
    assert await anext(found) == b"first"


async def test_what_is_not_wanted_is_kept_until_it_is() -> None:
    wire, is_wanted = Wire(), False
    async with aclosing(gathering(wire, lambda: is_wanted)) as found, asyncio.timeout(5):
        await having_met(found, wire)
        waiting = asyncio.ensure_future(anext(found))
        for piece in (b"a", b"b", b"c"):
            wire.send(piece)
            await wire.until_read()
        assert not waiting.done()
        is_wanted = True
        assert await waiting == b"abc"


async def test_everything_that_is_wanted_is_handed_up_in_order_and_nothing_twice() -> None:
    wire, numbers = Wire(), [b"%d," % number for number in range(100)]
    wire.send(*numbers, None)
    assert b"".join([piece async for piece in gathering(wire, lambda: True)]) == b"".join(numbers)


@pytest.mark.parametrize(
    "pieces", [[b"data: [D", b"ONE]\n\n"], [b"data: [DONE", b"]\n\n"], [b"[", b"DO", b"N", b"E", b"]"]]
)
async def test_the_end_is_handed_up_though_nobody_wants_it_and_the_connection_stays_open(pieces: list[bytes]) -> None:
    wire = Wire()
    async with aclosing(gathering(wire, lambda: False)) as found, asyncio.timeout(5):
        await having_met(found, wire)
        wire.send(b"text ", *pieces)
        heard = b""
        while b"[DONE]" not in heard:
            heard += await anext(found)
    assert heard.startswith(b"text ")


async def test_what_came_before_a_failure_is_handed_up_before_it() -> None:
    wire = Wire()
    wire.send(b"one ", b"two", ConnectionError("gone"))
    heard: list[bytes] = []
    with pytest.raises(ConnectionError):
        async for piece in gathering(wire, lambda: False):
            heard.append(piece)  # noqa: PERF401 - a comprehension would lose them to the failure
    assert b"".join(heard) == b"one two"


async def test_a_stream_that_falls_silent_is_handed_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_module, "KEPT_SECONDS", 0.01)
    wire = Wire()
    async with aclosing(gathering(wire, lambda: False)) as found, asyncio.timeout(5):
        await having_met(found, wire)
        wire.send(b"half a ", b"sentence")
        heard = b""
        while heard != b"half a sentence":
            heard += await anext(found)


async def test_more_than_is_kept_is_not_read_before_it_is_taken() -> None:
    wire = Wire()
    wire.send(*[b"x" * 30_000] * 50, None)
    async with aclosing(gathering(wire, lambda: False)) as found, asyncio.timeout(5):
        first = await anext(found)
        await asyncio.sleep(0)
        assert wire.read < 200_000
        assert len(first) + sum([len(piece) async for piece in found]) == 50 * 30_000


@pytest.mark.parametrize("is_waiting", [True, False])
async def test_closing_ends_the_reading_and_closes_the_stream(is_waiting: bool) -> None:
    wire = Wire()
    wire.send(b"a")
    found = gathering(wire, lambda: True)
    assert await anext(found) == b"a"
    if is_waiting:
        waiting = asyncio.ensure_future(anext(found))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
    await found.aclose()
    assert wire.is_closed
