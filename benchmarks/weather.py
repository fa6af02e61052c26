"""Bad weather on Discord: refusals, server errors, lost connections and silence, in the proportions of a bad day.

Each with a chance that Discord did what it was asked all the same, so that whoever
tries again may do it twice. This module knows nothing of what a request says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from bot.playground.discord.rest_faults import Answer, Drop, Fault, FaultPlan, Hang, TooMany

MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = f"{MESSAGES}/{{message_id}}"

SILENT_SECONDS = 22.0
"""How long an answer is kept back in silence: longer than Cogitor waits."""
_MOST_SILENT = 4
_CALM_SECONDS, _STORM_SECONDS = 6.0, 1.0


class Storm(FaultPlan):
    """Lets one in eight requests that show something suffer, and all of them for a second now and then."""

    def __init__(self, random: Random, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.refusals = 0
        """429s of the storm's own making."""
        self._random = random
        self._clock = clock
        self._silent = 0
        self._next_at = clock() + _CALM_SECONDS

    def next(self, method: str, route: str) -> Fault | None:
        if (method, route) not in (("POST", MESSAGES), ("PATCH", MESSAGE)):
            return None
        fault = self._refused_as_all() or self._suffered()
        self.refusals += isinstance(fault, TooMany)
        return fault

    def _refused_as_all(self) -> Fault | None:
        over_in = self._next_at + _STORM_SECONDS - self._clock()
        if over_in <= 0:
            self._next_at = self._clock() + _CALM_SECONDS
        return TooMany(round(over_in, 3), scope="global") if 0 < over_in <= _STORM_SECONDS else None

    def _suffered(self) -> Fault | None:
        random, roll = self._random, self._random.random()
        carried_out = random.random() < 0.5
        if roll < 0.05:
            return Answer(random.choice([500, 502, 503, 504]), after=carried_out)
        if roll < 0.07:
            return Drop(after=carried_out)
        if roll < 0.11:
            return TooMany(random.uniform(0.2, 1.5))
        if roll < 0.114:
            return TooMany(1.0, via=False)
        if roll < 0.119 and self._silent < _MOST_SILENT:
            self._silent += 1
            return Hang(SILENT_SECONDS, after=True)
        return None
