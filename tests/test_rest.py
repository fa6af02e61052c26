"""A stream is read when that is worthwhile: somebody is about to look, it fell silent, it ended, or a lot has come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest

from bot.openrouter import rest as rest_module
from bot.openrouter.rest import MOST_BYTES, SILENT_SECONDS, Demand, Glances, Rest


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_module, "KEPT_SECONDS", 1_000.0)
    monkeypatch.setattr(rest_module, "GLANCE_SECONDS", 0.001)


class Waits(NamedTuple):
    """What waits to be read, in bytes, and how long ago the last of it came, in seconds."""

    size: int
    silent_seconds: float


NOTHING = Waits(0, 10.0)
ENDED = None
OFTEN = 20


def growing_stream() -> Stream:
    return Stream(Waits(size, SILENT_SECONDS / 2) for size in range(100, 10_000))


class Stream:
    """What waits to be read at each glance, the last for ever, and how often that was looked up."""

    def __init__(self, waiting: Iterator[Waits | None]) -> None:
        self.was_often_seen = asyncio.Event()
        self._waiting = waiting
        self._now: Waits | None = next(waiting)
        self.glances = 0

    def is_silent(self, seconds: float) -> bool:
        """The first question at every glance."""
        self.glances += 1
        if self.glances == OFTEN:
            self.was_often_seen.set()
        self._now = next(self._waiting, self._now)
        return self._now is None or self._now.silent_seconds >= seconds

    def size(self) -> int | None:
        return self._now and self._now.size

    def is_much(self) -> bool:
        return self._now is not None and self._now.size > MOST_BYTES


def never() -> bool:
    return False


def resting(stream: Stream, wanted: Callable[[], bool] = never, *, spacing: float = 0.0) -> Rest:
    demand = Demand(wanted)
    demand.meet()
    return Rest(Glances(), demand, stream, lambda: spacing)


async def test_a_stream_that_goes_on_is_not_read_until_it_is_wanted() -> None:
    growing = growing_stream()
    async with asyncio.timeout(5):
        assert await resting(growing, lambda: growing.glances >= OFTEN).until_worthwhile()
    assert growing.glances == OFTEN


async def test_a_stream_that_fell_silent_is_read_though_nobody_wants_it() -> None:
    silent = Stream(iter([NOTHING, NOTHING, Waits(20, 0.0), Waits(20, SILENT_SECONDS)]))
    async with asyncio.timeout(5):
        assert await resting(silent).until_worthwhile()
    assert silent.glances == 3


async def test_a_stream_that_has_ended_is_read_at_once() -> None:
    assert await resting(Stream(iter([ENDED]))).until_worthwhile()


async def test_a_stream_that_ends_meanwhile_is_read_at_the_next_glance() -> None:
    ending = Stream(iter([NOTHING, Waits(20, 0.0), ENDED]))
    async with asyncio.timeout(5):
        assert await resting(ending).until_worthwhile()
    assert ending.glances == 2


async def test_a_lot_is_read_whoever_wants_it() -> None:
    fast = Stream(iter([NOTHING, Waits(MOST_BYTES, 0.0), Waits(MOST_BYTES + 1, 0.0)]))
    async with asyncio.timeout(5):
        assert await resting(fast).until_worthwhile()
    assert fast.glances == 2


async def test_where_nothing_comes_the_rest_lasts_until_something_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_module, "KEPT_SECONDS", 0.01)
    async with asyncio.timeout(5):
        assert not await resting(Stream(iter([NOTHING]))).until_worthwhile()


async def test_what_is_wanted_all_the_time_is_read_at_intervals() -> None:
    growing = growing_stream()
    waiting = asyncio.ensure_future(resting(growing, lambda: True, spacing=1_000.0).until_worthwhile())
    await growing.was_often_seen.wait()
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait({waiting})


async def test_nothing_is_left_unread_for_long_however_rarely_a_crowd_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_module, "KEPT_SECONDS", 0.01)
    async with asyncio.timeout(5):
        assert await resting(growing_stream(), spacing=1_000.0).until_worthwhile()


async def test_one_timer_looks_after_all_and_stops_when_nothing_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    set_timers: list[asyncio.TimerHandle] = []
    call_at = loop.call_at

    def noted(*args: Any) -> asyncio.TimerHandle:
        set_timers.append(call_at(*args))
        return set_timers[-1]

    monkeypatch.setattr(loop, "call_at", noted)
    streams, glances = [growing_stream() for _ in range(50)], Glances()

    def is_over(stream: Stream, now: float) -> bool:
        return not stream.is_silent(SILENT_SECONDS) and stream.was_often_seen.is_set()

    await asyncio.gather(*(glances.until(partial(is_over, stream)) for stream in streams))
    assert len(set_timers) <= OFTEN + 1
    rung = len(set_timers)
    await asyncio.to_thread(time.sleep, 0.01)
    assert len(set_timers) == rung
