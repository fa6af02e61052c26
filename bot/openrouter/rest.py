"""Lets streams rest until it is worthwhile to read them: waking up costs more than what is then read.

One timer glances at all of them. A stream is read when somebody is about to look,
and when it has fallen silent, for that may be its end. This module knows nothing
of sockets, nor of what a stream says.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

GLANCE_SECONDS = 0.05
"""Between two glances. Each costs a wake-up, which is most of what a single running answer costs."""
CROWD = 40
"""More streams at once are read less promptly: together they come near to what Discord takes, and wait for it."""
_CROWDED_GLANCE_SECONDS = 0.1
SILENT_SECONDS = 0.025
"""A stream of which nothing has come for so long may have ended: it is read at the next glance, whoever wants it."""
KEPT_SECONDS = 1.3
"""How long something is left unread, or kept, at most: a little more than lies between two edits on Discord."""
MOST_BYTES = 64 * 1024
"""As much is read, and handed up, whether or not it is wanted."""


class Unread(Protocol):
    """What waits to be read of a stream. It is asked all the time: every answer is cheap, and none raises."""

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing has come for so long, or nothing more will."""
        ...

    def size(self) -> int | None:
        """How many bytes wait; None where no more will come."""
        ...

    def is_much(self) -> bool:
        """Whether so many bytes wait, about MOST_BYTES, that they are read in any case."""
        ...


class Glances:
    """The one timer. While nothing rests it does not run."""

    def __init__(self) -> None:
        self._resting: dict[asyncio.Future[None], Callable[[float], bool]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def until(self, is_over: Callable[[float], bool]) -> None:
        """Return at the first glance at which `is_over` says so of the loop's time; it must be cheap and not raise."""
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        self._resting[over] = is_over
        if self._timer is None:
            self._set_timer(loop)
        try:
            await over
        finally:
            del self._resting[over]

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        now, pause = loop.time(), GLANCE_SECONDS if len(self._resting) <= CROWD else _CROWDED_GLANCE_SECONDS
        self._timer = loop.call_at(now + pause - now % pause, self._glance, loop)

    def _glance(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for over, is_over in self._resting.items():
            if is_over(now) and not over.done():
                over.set_result(None)
        if self._resting:
            self._set_timer(loop)


class Demand:
    """Whether what a stream has brought is to be handed up: when it is `wanted`, and after KEPT_SECONDS."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self._wanted = wanted
        self._now = asyncio.get_running_loop().time
        self._met_at = -math.inf

    def is_due(self, now: float | None = None, *, at_least_after: float = 0.0) -> bool:
        """Whether something that has come should be handed up now; not within so many seconds of the last time."""
        unmet_seconds = (self._now() if now is None else now) - self._met_at
        return unmet_seconds >= KEPT_SECONDS or (unmet_seconds >= at_least_after and self._wanted())

    def meet(self) -> None:
        """Everything that was read is handed up now."""
        self._met_at = self._now()


class Rest:
    """The pauses between two reads of one stream.

    `spacing` says how many seconds lie between two reads of what is wanted all the time.
    """

    def __init__(self, glances: Glances, demand: Demand, unread: Unread, spacing: Callable[[], float]) -> None:
        self._glances = glances
        self._demand = demand
        self._unread = unread
        self._spacing = spacing

    async def until_worthwhile(self) -> bool:
        """Wait until the stream should be read, and be it to wait for more; returns whether something is there."""
        if self._unread.size() is not None:
            await self._glances.until(self._is_worthwhile)
        return self._unread.size() != 0

    def _is_worthwhile(self, now: float) -> bool:
        if self._unread.is_silent(SILENT_SECONDS) and self._unread.size() != 0:
            return True
        return self._unread.is_much() or self._demand.is_due(now, at_least_after=self._spacing())
