"""Lets streams rest until it is worthwhile to read them: waking up costs more than what is then read.

One timer glances at all of them. A stream is read when somebody is about to look,
and when it has fallen silent, for that may be its end. This module knows nothing
of sockets, nor of what a stream says.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple

GLANCE_SECONDS = 0.05
"""Between two glances. Each costs a wake-up, which is most of what a single running answer costs."""
SILENT_SECONDS = 0.025
"""A stream of which nothing has come for so long may have ended: it is read at the next glance, whoever wants it."""
KEPT_SECONDS = 1.3
"""How long something is left unread, or kept, at most: a little more than lies between two edits on Discord."""
MOST_BYTES = 64 * 1024
"""As much is read, and handed up, whether or not it is wanted."""


class Unread(NamedTuple):
    """What waits to be read of a stream."""

    size: int
    """In bytes."""
    silent_seconds: float
    """How long ago the last of it came."""


class Glances:
    """The one timer. While nothing rests it does not run."""

    def __init__(self) -> None:
        self._resting: dict[asyncio.Future[None], Callable[[], bool]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def until(self, is_over: Callable[[], bool]) -> None:
        """Return at the first glance at which `is_over` says so; it must be cheap and not raise."""
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
        now = loop.time()
        self._timer = loop.call_at(now + GLANCE_SECONDS - now % GLANCE_SECONDS, self._glance, loop)

    def _glance(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        for over, is_over in self._resting.items():
            if not over.done() and is_over():
                over.set_result(None)
        if self._resting:
            self._set_timer(loop)


class Demand:
    """Whether what a stream has brought is to be handed up: when it is `wanted`, and after KEPT_SECONDS."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self._wanted = wanted
        self._now = asyncio.get_running_loop().time
        self._met_at = -math.inf

    def is_due(self, *, at_least_after: float = 0.0) -> bool:
        """Whether something that has come should be handed up now; not within so many seconds of the last time."""
        unmet_seconds = self._now() - self._met_at
        return unmet_seconds >= KEPT_SECONDS or (unmet_seconds >= at_least_after and self._wanted())

    def meet(self) -> None:
        """Everything that was read is handed up now."""
        self._met_at = self._now()


class Rest:
    """The pauses between two reads of one stream.

    `look` says what waits to be read, None when there will be no more; `spacing`,
    how many seconds lie between two reads of what is wanted all the time.
    """

    def __init__(
        self, glances: Glances, demand: Demand, look: Callable[[], Unread | None], spacing: Callable[[], float]
    ) -> None:
        self._glances = glances
        self._demand = demand
        self._look = look
        self._spacing = spacing
        self._seen: Unread | None = None

    async def until_worthwhile(self) -> bool:
        """Wait until the stream should be read, and be it to wait for more; returns whether something is there."""
        self._seen = self._look()
        if self._seen is not None:
            await self._glances.until(self._is_worthwhile)
        return self._seen is None or self._seen.size > 0

    def _is_worthwhile(self) -> bool:
        seen = self._seen = self._look()
        if seen is None or seen.size > MOST_BYTES or (seen.size and seen.silent_seconds >= SILENT_SECONDS):
            return True
        return self._demand.is_due(at_least_after=self._spacing())
