"""What was consumed in a period: the values between the ledger and those who read of it.

Pure values. This module knows nothing of where they are stored, shown or drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from bot.messages import Usage

HOUR, DAY = 3_600, 86_400
NOBODY = 0
"""Stands in the ledger for people who asked to be forgotten."""


class Period(StrEnum):
    """How far back is looked, the current hour or day of UTC included."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def slot_seconds(self) -> int:
        """How long each part is that is summed by itself."""
        return HOUR if self is Period.DAY else DAY

    @property
    def slots(self) -> int:
        """How many such parts there are."""
        return {Period.DAY: 24, Period.WEEK: 7, Period.MONTH: 30}[self]

    @property
    def words(self) -> str:
        return {Period.DAY: "the last 24 hours", Period.WEEK: "the last 7 days", Period.MONTH: "the last 30 days"}[self]

    def first_slot(self, now: float) -> int:
        """The number of the oldest part, counted from 1970; `now` is in Unix seconds."""
        return int(now // self.slot_seconds) - self.slots + 1

    def since(self, now: float) -> int:
        """When the period begins, in Unix seconds."""
        return self.first_slot(now) * self.slot_seconds


class Scope(StrEnum):
    """Whose consumption is looked at."""

    ME = "me"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Spent:
    """A sum of requests. `unpriced` are those whose cost was not reported; `usage.cost` is that of the others."""

    requests: int = 0
    usage: Usage = field(default_factory=Usage)
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        return self.usage.prompt_tokens + self.usage.completion_tokens

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.requests + other.requests, self.usage + other.usage, self.unpriced + other.unpriced)

    def __sub__(self, part: Spent) -> Spent:
        """What is left without a part of this sum."""
        requests, unpriced = self.requests - part.requests, self.unpriced - part.unpriced
        usage, less = self.usage, part.usage
        return Spent(
            requests,
            Usage(
                usage.prompt_tokens - less.prompt_tokens,
                usage.completion_tokens - less.completion_tokens,
                usage.reasoning_tokens - less.reasoning_tokens,
                usage.cached_tokens - less.cached_tokens,
                (usage.cost or 0) - (less.cost or 0) if requests > unpriced else None,
            ),
            unpriced,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What was consumed in a period, by one person or in one server, and how it is divided.

    Of models and members only the costliest are there by name, costliest first;
    `model_count` and `member_count` tell how many there are.
    """

    period: Period
    first_slot: int
    total: Spent
    by_slot: tuple[tuple[int, Spent], ...]
    """The parts of the period in which there was anything, oldest first."""
    models: tuple[tuple[str, Spent], ...] = ()
    model_count: int = 0
    members: tuple[tuple[int, Spent], ...] = ()
    member_count: int = 0

    @property
    def slots(self) -> list[Spent]:
        """Every part of the period, oldest first."""
        found = dict(self.by_slot)
        return [found.get(self.first_slot + number, Spent()) for number in range(self.period.slots)]

    def begins(self, slot: int) -> datetime:
        """When a part of the period begins."""
        return datetime.fromtimestamp(slot * self.period.slot_seconds, UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """What one member consumed with one model on one day of UTC. `day` counts from 1970."""

    day: int
    model: str
    user_id: int
    spent: Spent
