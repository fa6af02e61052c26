"""The speed at which a stream is sent: tokens a second with a little unevenness.

Sleeps against a schedule, so that errors of single sleeps do not add up. The clock
and the sleep are given from outside. This module knows nothing of what is sent.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from random import Random

_UNEVENNESS = 0.4
_SHORTEST_SLEEP = 0.001


class Pace:
    """One stream's schedule; `factor` multiplies natural speed, infinity means no waiting."""

    def __init__(
        self,
        tokens_a_second: float,
        factor: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        random: Random,
    ) -> None:
        self._rate = tokens_a_second * factor
        self._factor = factor
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._due = clock()

    async def after(self, tokens: int) -> None:
        """Wait as long as a model needs for so many tokens."""
        if math.isinf(self._rate):
            await asyncio.sleep(0)
            return
        self._due += tokens / self._rate * self._random.uniform(1 - _UNEVENNESS, 1 + _UNEVENNESS)
        ahead = self._due - self._clock()
        await self._sleep(ahead if ahead > _SHORTEST_SLEEP else 0)

    async def wait(self, seconds: float) -> None:
        """Wait for so many seconds of natural speed; for ever if they are infinite."""
        if math.isinf(seconds):
            await asyncio.Event().wait()
        await self._sleep(max(seconds / self._factor, _SHORTEST_SLEEP))
        self._due = self._clock()
