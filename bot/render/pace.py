"""How often Discord may be asked: the numbers to begin with, and the one allowance that the whole process shares.

Times are seconds of the caller's clock. This module knows nothing of what is
sent, nor of a single channel's limits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum, auto


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to send, as far as Discord's answers do not say it."""

    requests: int = 48
    """For the whole process in `window_seconds`. Discord, 'Rate Limits': 50 in a second."""
    window_seconds: float = 1.03
    """A little more than Discord's second, for requests take unequally long to get there."""
    kept: int = 3
    """Of these, what streaming leaves to ends, commands and reactions."""
    tick_seconds: float = 3.0
    """Between two updates of a status line in which only the time changes."""
    typing_after: float = 0.5
    """How long nothing has to be visible before the typing signal is sent."""
    typing_seconds: float = 8.0
    """Between two typing signals. Discord shows one for ten seconds."""
    request_seconds: float = 20.0
    """After which a request counts as failed."""
    give_up_seconds: float = 600.0
    """How long to try again while Discord cannot be reached."""


class Urgency(IntEnum):
    """How much a request may take of what there is; the smallest goes first."""

    END = auto()
    """The end of an answer, and whatever people wait for: everything."""
    FIRST = auto()
    """The first sign of an answer: all but what is kept, at once."""
    STREAM = auto()
    """One of many edits: all but what is kept, evenly spread, so that nobody waits behind a burst of them."""


@dataclass(slots=True)
class Taken:
    """One request of the allowance, and when it went out or will."""

    at: float


class Allowance:
    """So many requests in any span of so many seconds, for the whole process.

    Discord counts in windows that begin whenever it likes; what keeps to the
    limit in every span keeps to it in every window.
    """

    def __init__(self, pace: Pace) -> None:
        self._limit = pace.requests
        self._seconds = pace.window_seconds
        self._kept = min(pace.kept, pace.requests - 1)  # an allowance too small to keep any must still give
        self._spacing = pace.window_seconds / (self._limit - self._kept)
        self._taken: deque[Taken] = deque(maxlen=self._limit)
        self._stream_at = self._blocked_until = float("-inf")

    def ready_at(self, now: float, urgency: Urgency) -> float:
        """When the next request may go out; `now` if at once."""
        ready = max(now, self._blocked_until)
        counted = self._limit if urgency is Urgency.END else self._limit - self._kept
        if len(self._taken) >= counted:
            ready = max(ready, self._taken[-counted].at + self._seconds)
        return max(ready, self._stream_at) if urgency is Urgency.STREAM else ready

    def take(self, at: float, urgency: Urgency) -> Taken:
        """Count a request that goes out at `at`, which may lie ahead. Whoever sees it go out later corrects that."""
        taken = Taken(at)
        self._taken.append(taken)
        if urgency is Urgency.STREAM:
            self._stream_at = max(self._stream_at, at - self._spacing) + self._spacing
        return taken

    def block(self, until: float) -> None:
        """Let nothing out before `until`: Discord has refused a request for the sum of all."""
        self._blocked_until = max(self._blocked_until, until)
