"""Discord's ids: a timestamp and a counter in one integer, strictly increasing here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

EPOCH_MS = 1_420_070_400_000
"""The first second of 2015 (Discord, "Snowflakes")."""

_COUNTER_BITS = 22


class Snowflakes:
    """Mints ids that sort by creation, even while the clock stands still or steps back."""

    def __init__(self, now: Callable[[], float], last: int = 0) -> None:
        """`now` gives Unix seconds; `last` is the highest id already in use."""
        self._now = now
        self.last = last

    def mint(self) -> int:
        self.last = max(self.last + 1, snowflake_at(self._now()))
        return self.last


def snowflake_at(unix_seconds: float) -> int:
    """The lowest id of that moment."""
    return (round(unix_seconds * 1000) - EPOCH_MS) << _COUNTER_BITS


def created_at(snowflake: int) -> float:
    """When an id was minted, in Unix seconds."""
    return ((snowflake >> _COUNTER_BITS) + EPOCH_MS) / 1000


def iso(unix_seconds: float) -> str:
    """A moment as Discord writes it: ISO 8601 with microseconds and an offset."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="microseconds")
