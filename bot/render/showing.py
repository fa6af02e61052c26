"""One answer on its way to Discord: whether it has to be looked at, when, and whether its end is shown.

Keeps time and trouble for the scheduler in `live`. This module knows nothing
of requests, and nothing of other answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from bot.errors import ShowError
from bot.render.pace import Urgency
from bot.render.page import Page
from bot.render.reply import Reply
from bot.render.slots import Slots, Step

OnSent: TypeAlias = Callable[[tuple[int, ...]], Awaitable[None]]

_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 30.0
_SOON = 0.06
"""Seconds; a little more than lies between two glances at a stream, so that one of them comes in time."""


class LiveReply:
    """An answer that is being shown. Made by `Live.open`."""

    def __init__(
        self,
        reply: Reply,
        slots: Slots,
        on_sent: OnSent,
        on_going_out: Callable[[], object],
        on_lost: Callable[[BaseException], object],
        wake: Callable[[LiveReply], None],
        now: float,
        typing_at: float,
    ) -> None:
        self.reply = reply
        self.slots = slots
        self.on_sent = on_sent
        self.is_busy = False
        self.is_typing = False
        self.typing_at = typing_at
        self.planned_at = float("inf")
        """When the scheduler will look at it."""
        self.queued_as: tuple[int, float] | None = None
        """Its rank among those that may have something to send now: the smallest goes first."""
        self.shown_at = float("-inf")
        """When a request for it last succeeded."""
        self._on_going_out = on_going_out
        self._on_lost = on_lost
        self._wake = wake
        self._pages: tuple[Page, ...] = ()
        self._is_dirty = True
        self._noted = (False, False)
        self._has_shown_words = False
        self._paced_at = self._tick_at = now
        self._retry_at = self._taken_at = float("-inf")
        self._failing_since: float | None = None
        self._failures = 0
        self._settled = asyncio.Event()
        self._error: BaseException | None = None

    def touch(self) -> None:
        """The reply has changed. Never blocks, and costs the same however often it is called."""
        news = (self.reply.over, self.reply.has_words)
        if self._error is not None or (self._is_dirty and self._noted == news):
            return
        if self._noted != news:
            self._noted = news
            self._taken_at = float("-inf")
        self._is_dirty = True
        self._settled.clear()
        self._wake(self)

    async def finished(self) -> tuple[int, ...]:
        """Wait until the reply's end is completely shown; returns its messages in order.

        Raises ShowError if it cannot be shown.
        """
        await self.settled()
        if self._error is not None:
            raise self._error
        return self.slots.ids

    async def settled(self) -> None:
        """Wait until there is nothing left to show, or no way to."""
        await self._settled.wait()

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing left to show, or no way to."""
        return self._settled.is_set()

    @property
    def urgency(self) -> Urgency:
        """Its end goes before all else, and its first sign and first words wait for no rhythm."""
        if self.reply.over:
            return Urgency.END
        if not self.slots.ids or (self.reply.has_words and not self._has_shown_words):
            return Urgency.FIRST
        return Urgency.STREAM

    @property
    def due_at(self) -> float:
        """When it may next have something to send."""
        held_until = max(self._retry_at, self._taken_at)
        if self.reply.over or (self._is_dirty and self.urgency is Urgency.FIRST):
            return held_until
        return max(held_until, self._paced_at if self._is_dirty else self._tick_at)

    def is_soon(self, now: float) -> bool:
        """Whether what changes now would be sent before much more could come; first words would be at any time."""
        if self.is_busy:
            return False
        soon = now + _SOON
        if self._retry_at > soon or self._taken_at > soon:
            return False
        return self._paced_at <= soon or not self._has_shown_words

    def is_due(self, now: float) -> bool:
        """Whether it may have something to send at `now`."""
        return not (self.is_busy or self.is_settled) and self.due_at <= now

    def is_waiting(self, now: float) -> bool:
        """Whether there is something to show that cannot go out yet, or is about to."""
        held = max(self._retry_at, self._taken_at) > now and self._is_dirty
        return not (self.is_busy or self.is_settled) and (held or self.due_at <= now)

    @property
    def wants_typing(self) -> bool:
        """Whether only the typing signal tells that something is coming."""
        return not (self.slots.ids or self.is_typing or self.reply.over)

    @property
    def look_at(self) -> float:
        """When to look at it next."""
        due_at = float("inf") if self.is_busy else self.due_at
        return min(due_at, self.typing_at) if self.wants_typing else due_at

    def step(self, now: float, *, sends: bool) -> Step | None:
        """What to send at `now`; what changes afterwards is a new reason to look.

        `sends` says whether the channel takes a new message now.
        """
        self._is_dirty = False
        self._noted = (self.reply.over, self.reply.has_words)
        self._pages = self.reply.pages(now)
        return self.slots.next_step(self._pages, self.reply.over, sends_first=sends and not self.reply.over)

    def go_out(self) -> None:
        """A request for it begins."""
        self.is_busy = True
        self._has_shown_words = self.reply.shows_words
        self._on_going_out()

    def rest(self, now: float, tick_seconds: float) -> None:
        """Everything there is to show is shown."""
        self._tick_at = now + tick_seconds
        if self.reply.over:
            self._settled.set()

    def hold(self, until: float) -> None:
        """There is something to show, but not before `until`, unless it becomes more urgent than it is."""
        self._is_dirty = True
        self._taken_at = until

    def succeed(self, now: float, tick_seconds: float, next_at: float) -> None:
        """A request was carried out; what has come since is due at `next_at`, what was still missing then at once."""
        self.shown_at = now
        is_behind = self.slots.next_step(self._pages, self.reply.over) is not None
        self._paced_at = now if is_behind else next_at
        self._tick_at = now + tick_seconds
        self._is_dirty = self._is_dirty or is_behind or self.reply.over
        self._failures = 0
        self._failing_since = None

    def stumble(self, now: float, give_up_seconds: float, wait: float | None = None) -> None:
        """A request failed that may succeed later: after `wait` seconds, or with growing pauses."""
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since > give_up_seconds and self.reply.has_files:
            self.go_without_files()
        elif now - self._failing_since > give_up_seconds:
            self.fail(
                ShowError("Discord could not be reached for a long time, so this answer is not shown completely.")
            )
            return
        backoff = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._is_dirty = True
        self._retry_at = now + (backoff if wait is None else wait)

    def go_without_files(self) -> None:
        """The reply's files cannot be sent: it says so instead, and there is as much time again to show that."""
        self.reply.refuse_files()
        self._failing_since = None
        self._is_dirty = True

    def fail(self, error: BaseException) -> None:
        """Give up showing it, unless all is shown already."""
        if not self.is_settled:
            self._error = error
            self._settled.set()
            self._on_lost(error)
