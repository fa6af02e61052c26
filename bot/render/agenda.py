"""When to look at which answer, and which of those that have something to send goes first.

Two heaps, so that thousands of tokens and hundreds of answers cost little: an
entry that does not hold any more stays where it is and is passed over when its
turn comes. This module knows nothing of requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias

from bot.render.showing import LiveReply

NEVER = float("inf")

Rank: TypeAlias = tuple[int, float]


class Agenda:
    """The answers that are being shown, by time while nothing is due, by rank as soon as something is."""

    def __init__(self) -> None:
        self._planned: list[tuple[float, int, LiveReply]] = []
        self._queued: list[tuple[Rank, int, LiveReply]] = []
        self._order = count()

    @property
    def next_at(self) -> float:
        """When the next planned look is due."""
        while self._planned and self._planned[0][0] != self._planned[0][2].planned_at:
            heappop(self._planned)  # it has become void, which is no reason to wake up
        return self._planned[0][0] if self._planned else NEVER

    def plan(self, shown: LiveReply) -> None:
        """See to it that a reply is looked at when it wants to be."""
        at = shown.look_at
        if at < shown.planned_at:
            shown.planned_at = at
            heappush(self._planned, (at, next(self._order), shown))

    def take_planned(self, now: float) -> Iterator[LiveReply]:
        """The replies to look at now, each once."""
        while self._planned and self._planned[0][0] <= now:
            at, _, shown = heappop(self._planned)
            if at == shown.planned_at:
                shown.planned_at = NEVER
                yield shown

    def queue(self, shown: LiveReply) -> None:
        """Let a reply wait for its turn: the most urgent first, and then the one that was shown longest ago."""
        rank = (shown.urgency.value, shown.shown_at)
        if shown.queued_as is None or rank < shown.queued_as:
            shown.queued_as = rank
            heappush(self._queued, (rank, next(self._order), shown))

    def first(self) -> LiveReply | None:
        """Whose turn it is."""
        while self._queued:
            rank, _, shown = self._queued[0]
            if rank == shown.queued_as:
                return shown
            heappop(self._queued)
        return None

    def leave(self, shown: LiveReply) -> None:
        """A reply has had its turn."""
        shown.queued_as = None
