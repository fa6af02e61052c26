"""What each channel still takes: Discord's buckets, as far as its answers have told.

A bucket takes `limit` requests in a window of so many seconds that begins with
the first of them. Windows are learned from the facts of each answer; until
something is known, a channel takes five sends and five edits in five seconds.
Times are seconds of the caller's clock. This module knows nothing of HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

EARLY_SECONDS = 0.12
"""So long before its window ends the last request of a bucket is not kept any more: the next window is near enough."""

_MANY = 512


class Kind(Enum):
    """Requests that are counted apart. As seen in practice, sends and edits count apart, whatever their headers say."""

    SEND = auto()
    EDIT = auto()
    TOKEN = auto()
    """Whatever is done with an interaction's token instead of the bot's own."""
    DELETE = auto()
    TYPING = auto()


Key: TypeAlias = tuple[int, Kind]
"""A bucket's channel, or the message or conversation that an interaction's token is used for, and what is counted."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What an answer says of its bucket: the headers X-RateLimit-Limit, -Remaining and -Reset-After."""

    limit: int
    remaining: int
    reset_after: float


@dataclass(frozen=True, slots=True)
class _Shape:
    """How large a window is and how long it lasts; `spacing` is the least time between two paced requests."""

    limit: int
    seconds: float
    least_spacing: float = 0.0

    @property
    def spacing(self) -> float:
        """Even spacing that leaves one request of each window unused until shortly before its end."""
        return max(self.least_spacing, (self.seconds - EARLY_SECONDS) / max(1, self.limit - 1))


_SHAPES = {
    Kind.SEND: _Shape(5, 5.0),
    Kind.EDIT: _Shape(5, 5.0, least_spacing=1.0),
    Kind.TOKEN: _Shape(5, 2.0, least_spacing=2.0),
    Kind.DELETE: _Shape(5, 1.0),
    Kind.TYPING: _Shape(5, 5.0),
}
"""Discord publishes none; this is what bots measure. Tokens: five in two seconds, and thirty a minute in a channel.

Nobody reads edits that come faster than one a second, whatever Discord would take.
"""


@dataclass(slots=True)
class _Window:
    shape: _Shape
    left: int
    ends: float
    asked_at: float = float("-inf")
    """When the last request went out."""


class Buckets:
    """The windows of all channels in which something happened lately."""

    def __init__(self) -> None:
        self._windows: dict[Key, _Window] = {}
        self._shapes = dict(_SHAPES)

    def ready_at(self, key: Key, now: float, *, keep: bool, paced: bool = False) -> float:
        """When the next request may go out; `now` if at once.

        `keep` leaves the window's last one to somebody else; `paced` spreads
        requests evenly over the window.
        """
        window = self._windows.get(key)
        if window is None:
            return now
        ready = now
        spacing = window.shape.spacing
        if now < window.ends:
            if window.left <= 0:
                ready = window.ends
            elif keep and window.left == 1:
                ready = max(now, window.ends - EARLY_SECONDS)
            spacing = max(spacing, (window.ends - EARLY_SECONDS - window.asked_at) / max(1, window.left))
        return max(ready, window.asked_at + spacing) if paced else ready

    def started(self, key: Key, at: float) -> None:
        """A request goes out."""
        if key not in self._windows:
            self._forget(at)
        window = self._window(key, at)
        if at >= window.ends:
            window.left, window.ends = window.shape.limit, at + window.shape.seconds
        window.left -= 1
        window.asked_at = at

    def answered(self, key: Key, quota: Quota, now: float) -> None:
        """An answer came, and says how it stands."""
        window = self._windows.get(key)
        if window is None or quota.limit < 1:
            return
        ends = now + quota.reset_after
        is_next = ends > window.ends + window.shape.seconds / 2
        # What is on its way is counted here, and not yet there: the smaller number is the safe one.
        window.left = quota.remaining if is_next else min(window.left, quota.remaining)
        window.ends = ends
        if quota.remaining == quota.limit - 1 and quota.reset_after > EARLY_SECONDS:  # the first of its window
            known = self._shapes[key[1]]
            window.shape = _Shape(quota.limit, quota.reset_after, known.least_spacing)
            self._shapes[key[1]] = window.shape

    def refused(self, key: Key, until: float) -> None:
        """A request was refused; nothing is taken before `until`."""
        window = self._window(key, until)
        window.left, window.ends = 0, until

    def _window(self, key: Key, ends: float) -> _Window:
        window = self._windows.get(key)
        if window is None:
            shape = self._shapes[key[1]]
            window = self._windows[key] = _Window(shape, shape.limit, ends)
        return window

    def _forget(self, now: float) -> None:
        """Keep what is in force: a process cannot ask often enough to have many windows open at once."""
        if len(self._windows) >= _MANY:
            self._windows = {
                key: window
                for key, window in self._windows.items()
                if now < max(window.ends, window.asked_at + window.shape.spacing)
            }
