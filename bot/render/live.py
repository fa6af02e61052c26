"""Decides when which page of which answer goes to Discord: the only scheduler of its kind in the process.

Latest wins: what is sent is computed when it is sent. One request is in flight
for an answer, one streaming edit for a channel; the stalest answer goes first,
the end of an answer before all else, and its first words wait for no rhythm.
One task owns the schedule; requests are short tasks that it starts and `aclose`
awaits. This module knows nothing of discord.py (the port does), and nothing of
what a page says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol, assert_never
from weakref import WeakValueDictionary

from bot.errors import FilesRefused, MessageGone, RetryLater, ShowError, describe
from bot.render.pace import Allowance, Pace, Rhythm
from bot.render.page import Page
from bot.render.reply import Reply
from bot.render.showing import LiveReply, OnSent
from bot.render.slots import Delete, Edit, Send, Slots, Step

log = logging.getLogger(__name__)

_SHUTTING_DOWN = "The bot is shutting down, so this answer is not shown completely."


class Port(Protocol):
    """What carries pages to Discord.

    Its methods raise ShowError when trying again is useless, MessageGone when
    the message was deleted, FilesRefused when it may pass without its files,
    RetryLater when Discord names a time, and OSError (TimeoutError included)
    when nobody knows what happened.
    """

    async def send(self, channel_id: int, page: Page, *, nonce: str, reply_to: int | None, turn_id: int) -> int:
        """Post a page and return the message's id. A known `nonce` must give the message it made before."""
        ...

    async def edit(self, channel_id: int, message_id: int, page: Page, *, turn_id: int) -> None:
        """Let a message show a page: its content, and exactly its buttons and files."""
        ...

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Remove a message."""
        ...

    async def typing(self, channel_id: int) -> None:
        """Signal that the bot is writing, for about ten seconds."""
        ...


class Live:
    """Shows any number of answers at once, within Discord's limits. `clock` is the one replies are timed by."""

    def __init__(self, port: Port, *, clock: Callable[[], float], pace: Pace | None = None) -> None:
        self._port = port
        self._clock = clock
        self._pace = pace or Pace()
        self._allowance = Allowance(self._pace.requests_per_second, self._pace.burst, clock())
        self._rhythms: WeakValueDictionary[int, Rhythm] = WeakValueDictionary()
        self._replies: dict[LiveReply, None] = {}
        self._changed = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None
        self._requests: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def open(
        self,
        channel_id: int,
        turn_id: int,
        reply: Reply,
        *,
        reply_to: int | None,
        pages: Sequence[int] = (),
        on_sent: OnSent,
        on_going_out: Callable[[], object] = lambda: None,
    ) -> LiveReply:
        """Begin to show a reply, at once.

        `pages` are the messages of an earlier attempt: they are edited in
        place, surplus ones deleted. `reply_to` is the message that the first
        page answers. `on_sent` is told all message ids whenever they change,
        `on_going_out` when something of the reply is about to be shown.
        """
        rhythm = self._rhythms.setdefault(channel_id, Rhythm())
        slots = Slots(channel_id, turn_id, reply_to, pages)
        shown = LiveReply(reply, slots, rhythm, on_sent, on_going_out, self._wake, self._clock())
        self._wake(shown)
        return shown

    async def aclose(self, grace_seconds: float = 3.0) -> None:
        """Let answers that have ended be shown for a moment, then stop all work. Idempotent."""
        self._is_closed = True
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    for shown in [shown for shown in self._replies if shown.reply.over]:
                        await shown.settled()
        finally:
            tasks = [*self._requests, *([self._owner] if self._owner else [])]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    def _wake(self, shown: LiveReply) -> None:
        if self._is_closed and shown not in self._replies:
            shown.fail(ShowError(_SHUTTING_DOWN))
            return
        self._replies[shown] = None
        self._changed.set()
        if self._owner is None:
            self._owner = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while True:
                self._changed.clear()
                wake_at = self._start_due(self._clock())
                pause = None if wake_at is None else max(0.0, wake_at - self._clock())
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
        finally:
            for shown in self._replies:
                shown.fail(ShowError(_SHUTTING_DOWN))

    def _start_due(self, now: float) -> float | None:
        """Start every request that may go out now; returns when to look again, None if only after a change."""
        wake_at: list[float] = []
        for shown in sorted(self._replies, key=lambda shown: (not shown.reply.over, shown.shown_at)):
            if shown.is_settled:
                del self._replies[shown]
                continue
            if not (shown.slots.ids or shown.is_typing or shown.reply.over):
                wake_at.append(self._start_typing(shown, now))
            if not shown.is_busy:
                wake_at += self._start_step(shown, now)
        return min(wake_at, default=None)

    def _start_step(self, shown: LiveReply, now: float) -> list[float]:
        """Start the next request of a reply, if it may go out; returns when to look again, if not after a change."""
        ready_at = max(shown.due_at, self._allowance.ready_at(now, 0 if shown.reply.over else self._pace.kept_for_ends))
        if ready_at > now:
            return [ready_at]
        try:
            step = shown.step(now)
        except Exception as error:  # noqa: BLE001 - a reply that cannot be drawn must not stop the others
            shown.fail(error)
            return [now]
        if step is None:
            shown.rest(now, self._pace.tick_seconds)
            return [now if shown.is_settled else shown.due_at]
        if not shown.reply.over:
            if shown.rhythm.in_flight:
                shown.hold(now)
                return []  # the request that keeps the channel busy wakes the schedule when it ends
            if not shown.is_urgent and (paced_at := _paced_at(shown.rhythm, step)) > now:
                shown.hold(paced_at)
                return [paced_at]
        self._allowance.take()
        self._start_request(shown, step, now)
        return []

    def _start_request(self, shown: LiveReply, step: Step, now: float) -> None:
        rhythm = shown.rhythm
        if isinstance(step, Send):
            rhythm.send_at = max(now, rhythm.send_at) + self._pace.send_seconds
        rhythm.edit_at = max(now, rhythm.edit_at) + self._pace.edit_seconds  # what came early is made up for
        rhythm.in_flight += 1
        shown.go_out()
        task = asyncio.create_task(self._request(shown, step))
        self._requests.add(task)
        task.add_done_callback(partial(self._ended, shown))

    def _ended(self, shown: LiveReply, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        shown.is_busy = False
        shown.rhythm.in_flight -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            shown.fail(error)
        self._changed.set()

    async def _request(self, shown: LiveReply, step: Step) -> None:
        """Send one step and note what came of it."""
        known = shown.slots.ids
        try:
            async with asyncio.timeout(self._pace.request_seconds):
                await self._carry_out(shown.slots, step)
        except MessageGone:
            if not shown.slots.lose(step):
                raise
            shown.stumble(self._clock(), self._pace.give_up_seconds, wait=0.0)
        except FilesRefused:
            shown.go_without_files()
        except RetryLater as later:
            shown.stumble(self._clock(), self._pace.give_up_seconds, wait=later.seconds)
        except OSError:
            shown.stumble(self._clock(), self._pace.give_up_seconds)
        else:
            shown.succeed(self._clock())
        if shown.slots.ids != known:
            await self._tell(shown)

    async def _tell(self, shown: LiveReply) -> None:
        """Tell the reply's owner which messages show it."""
        try:
            async with asyncio.timeout(self._pace.request_seconds):
                await shown.on_sent(shown.slots.ids)
        except Exception as error:  # noqa: BLE001 - whatever the owner's storage raises, people still see the answer
            log.warning("the messages of an answer could not be noted: %s", describe(error))

    async def _carry_out(self, slots: Slots, step: Step) -> None:
        channel_id, turn_id = slots.channel_id, slots.turn_id
        match step:
            case Send(page=page, nonce=nonce, reply_to=reply_to):
                slots.sent(
                    step, await self._port.send(channel_id, page, nonce=nonce, reply_to=reply_to, turn_id=turn_id)
                )
            case Edit(index=_, message_id=message_id, page=page):
                await self._port.edit(channel_id, message_id, page, turn_id=turn_id)
                slots.edited(step)
            case Delete(index=_, message_id=message_id):
                await self._port.delete(channel_id, message_id)
                slots.deleted(step)
            case _:
                assert_never(step)

    def _start_typing(self, shown: LiveReply, now: float) -> float:
        """Keep the typing signal alive until there is something to see; returns when to look again."""
        ready_at = max(shown.typing_at, self._allowance.ready_at(now, self._pace.kept_for_ends))
        if ready_at > now:
            return ready_at
        self._allowance.take()
        shown.is_typing = True
        shown.typing_at = now + self._pace.typing_seconds
        task = asyncio.create_task(self._type(shown))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
        return shown.typing_at

    async def _type(self, shown: LiveReply) -> None:
        try:
            with suppress(ShowError, RetryLater, OSError):  # a missing signal is no reason to show less
                async with asyncio.timeout(self._pace.request_seconds):
                    await self._port.typing(shown.slots.channel_id)
        finally:
            shown.is_typing = False


def _paced_at(rhythm: Rhythm, step: Step) -> float:
    match step:
        case Send():
            return rhythm.send_at
        case Edit():
            return rhythm.edit_at
        case Delete():
            return 0.0
        case _:
            assert_never(step)
