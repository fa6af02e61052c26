"""Faults on purpose: the n-th request of a route fails in a chosen way.

Tests use it to see what the bot does when Discord misbehaves. Without a plan
nothing here happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bot.playground.discord.errors import Refusal


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with a status and Discord's plain error body; `after` carries the request out first."""

    status: int
    after: bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse with one of Discord's own errors, such as a channel's write limit or a link held to be harmful."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class TooMany:
    """Answer 429. Scope is user, global or shared; without `via` it looks like Cloudflare's ban."""

    retry_after: float
    scope: str = "user"
    code: int | None = None
    via: bool = True


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the connection without an answer; `after` carries the request out first."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing for so many seconds, then answer as usual; `after` carries the request out first."""

    seconds: float
    after: bool = False


Fault: TypeAlias = Answer | Refuse | TooMany | Drop | Hang


@dataclass(slots=True)
class _Planned:
    method: str
    route: str
    fault: Fault
    skip: int
    times: int


class FaultPlan:
    """What is to go wrong. Routes are templates such as `/channels/{channel_id}/messages`."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, method: str, route: str, fault: Fault, *, nth: int = 1, times: int = 1) -> None:
        """Let the `nth` request from now on (1: the next), and `times` - 1 after it, fail."""
        self._planned.append(_Planned(method, route, fault, nth - 1, times))

    def next(self, method: str, route: str) -> Fault | None:
        """What the request that just arrived is to suffer; counts it."""
        for planned in self._planned:
            if (planned.method, planned.route) != (method, route) or planned.times == 0:
                continue
            if planned.skip > 0:
                planned.skip -= 1
                continue
            planned.times -= 1
            return planned.fault
        return None

    def clear(self) -> None:
        self._planned.clear()
