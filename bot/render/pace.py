"""How often Discord may be asked: one allowance for the process, one rhythm for each channel.

Times are seconds of the caller's clock. This module knows nothing of what is sent.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to send. The defaults stay below Discord's limits as they are seen in practice.

    Discord, 'Rate Limits': 50 requests a second for a bot; unpublished, about
    five sends and five edits in five seconds for a channel.
    """

    edit_seconds: float = 1.1
    """Between two edits of answers that still stream, in one channel."""
    send_seconds: float = 1.0
    """Between two new messages of answers that still stream, in one channel."""
    requests_per_second: float = 40.0
    """For the whole process; the rest of Discord's 50 is left to commands and reactions."""
    burst: int = 10
    kept_for_ends: int = 4
    """Requests of the burst that only the ends of answers may use."""
    tick_seconds: float = 3.0
    """Between two updates of a status line in which only the time changes."""
    typing_seconds: float = 8.0
    """Between two typing signals. Discord shows one for ten seconds."""
    request_seconds: float = 20.0
    """After which a request counts as failed."""
    give_up_seconds: float = 600.0
    """How long to try again while Discord cannot be reached."""


class Allowance:
    """A token bucket: `burst` requests at once, `rate` a second in the long run."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._at = now

    def ready_at(self, now: float, keep: int = 0) -> float:
        """When the next request may go out that leaves `keep` others in the bucket; `now` if at once."""
        keep = min(keep, self._burst - 1)  # a bucket too small to keep any must still give
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        missing = 1 + keep - self._left
        return now + missing / self._rate if missing > 1e-9 else now

    def take(self) -> None:
        self._left -= 1


@dataclass(slots=True, weakref_slot=True)
class Rhythm:
    """When a channel's next streaming edit and message are due, and whether one is on its way."""

    edit_at: float = 0.0
    send_at: float = 0.0
    in_flight: int = 0
