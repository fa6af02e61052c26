"""Everything that the process asks of Discord, counted: what may go out when, and what the answers teach.

The renderer plans its requests here before it sends them. Whoever watches the
wire reports each request and each answer, the renderer's and all others, so that
commands and reactions count too. This module knows nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum, auto

from bot.render.buckets import Buckets, Key, Kind, Quota
from bot.render.pace import Allowance, Pace, Taken, Urgency


@dataclass(slots=True)
class Ticket:
    """A request that is counted already and has gone out at most once; refused, it comes back to its planner."""

    key: Key
    taken: Taken | None = None
    """Its place in the process's allowance; None where it has none."""
    is_used: bool = False


TICKET: ContextVar[Ticket | None] = ContextVar("TICKET", default=None)
"""Of the request that the current task makes. A library lies between the planner and the wire, and hands nothing on."""


class Scope(Enum):
    """What a refusal is about. Discord, 'Rate Limits': the header X-RateLimit-Scope."""

    BUCKET = auto()
    EVERYTHING = auto()


class Traffic:
    """The process's allowance and the channels' buckets. `clock` counts monotonic seconds."""

    def __init__(self, clock: Callable[[], float], pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self._clock = clock
        self._allowance = Allowance(self.pace)
        self._buckets = Buckets()
        self.refusals = 0
        """How many requests Discord has refused because there were too many."""

    def allowed_at(self, now: float, urgency: Urgency) -> float:
        """When the process as a whole may send the next request; `now` if at once."""
        return self._allowance.ready_at(now, urgency)

    def ready_at(self, key: Key, now: float, urgency: Urgency) -> float:
        """When a bucket takes the next request; `now` if at once.

        Only edits are spread evenly: a new message comes when there is something to put in it.
        """
        paced = urgency is Urgency.STREAM and key[1] in (Kind.EDIT, Kind.TOKEN)
        return self._buckets.ready_at(key, now, keep=urgency is not Urgency.END, paced=paced)

    def plan(self, key: Key, now: float, urgency: Urgency) -> Ticket:
        """Count a request that goes out now. Set the ticket where the request is made."""
        taken = None if key[1] is Kind.TOKEN else self._allowance.take(now, urgency)
        self._buckets.started(key, now)
        return Ticket(key, taken)

    def admit(self, key: Key | None, *, is_shared: bool) -> tuple[Taken | None, float]:
        """Count a request that nobody planned; returns its place in the allowance and the seconds it has to wait.

        `key` is its bucket if it is known; `is_shared` whether it counts in the process's allowance.
        """
        now = at = self._clock()
        taken = None
        if is_shared:
            at = self._allowance.ready_at(now, Urgency.END)
            taken = self._allowance.take(at, Urgency.END)
        if key is not None:
            self._buckets.started(key, at)
        return taken, at - now

    def sent(self, taken: Taken) -> None:
        """A request has gone out only now: where many go out at once, or a connection has to be made, that is late."""
        taken.at = self._clock()

    def answered(self, key: Key, quota: Quota) -> None:
        """An answer came, whatever it said otherwise."""
        self._buckets.answered(key, quota, self._clock())

    def refused(self, key: Key | None, scope: Scope, seconds: float) -> None:
        """A request was refused because there were too many; the next may come in so many seconds."""
        until = self._clock() + seconds
        if scope is Scope.EVERYTHING:
            self._allowance.block(until)
        elif key is not None:
            self._buckets.refused(key, until)
