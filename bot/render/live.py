"""Decides when which page of which answer goes to Discord: the only scheduler of its kind in the process.

Latest wins: what is sent is computed when it is sent. One request is in flight
for an answer, one streaming request for a channel; the stalest answer goes first,
the end of an answer before all else, and its first words wait for no rhythm.
One task owns the schedule; requests are short tasks that it starts and `aclose`
awaits. How often Discord may be asked is `Traffic`'s knowledge. This module knows
nothing of discord.py (the port does), and nothing of what a page says.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from bot.errors import FilesRefused, MessageGone, MessageTooOld, RetryLater, ShowError, ShutDown, describe
from bot.events import Noticed
from bot.render.agenda import NEVER, Agenda
from bot.render.buckets import Key, Kind
from bot.render.pace import Urgency
from bot.render.port import Port, carry_out
from bot.render.reply import Reply
from bot.render.routes import Routes
from bot.render.showing import LiveReply, OnSent
from bot.render.slots import Edit, Slots, Step
from bot.render.traffic import TICKET, Ticket, Traffic

log = logging.getLogger(__name__)

_SHUTTING_DOWN = "The bot is shutting down, so this answer is not shown completely."
_MOVED = "Discord does not let me edit the old message any more, so the answer goes on here."


class Live:
    """Shows any number of answers at once, within Discord's limits. `clock` is the one replies are timed by."""

    def __init__(self, port: Port, *, clock: Callable[[], float], traffic: Traffic | None = None) -> None:
        self._port = port
        self._clock = clock
        self._traffic = traffic or Traffic(clock)
        self._pace = self._traffic.pace
        self._routes = Routes(port, self._traffic)
        self._replies: dict[LiveReply, None] = {}
        self._agenda = Agenda()
        self._in_flight: Counter[int] = Counter()
        """Requests by channel."""
        self._behind: dict[int, list[LiveReply]] = {}
        """What waits by channel until a request of another reply has ended."""
        self._awake_at = float("-inf")
        self._changed = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None
        self._requests: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def backlog(self) -> int:
        """How many answers have something to show that Discord does not take yet."""
        now = self._clock()
        return sum(shown.is_waiting(now) for shown in self._replies)

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
        on_lost: Callable[[BaseException], object] = lambda _error: None,
    ) -> LiveReply:
        """Begin to show a reply, at once.

        `pages` are the messages of an earlier attempt: they are edited in
        place, surplus ones deleted. `reply_to` is the message that the first
        page answers. `on_sent` is told all message ids whenever they change,
        `on_going_out` when something of the reply is about to be shown, and
        `on_lost` why nothing more of it can be shown.
        """
        now = self._clock()
        slots = Slots(channel_id, turn_id, reply_to, pages)
        typing_at = now + self._pace.typing_after
        shown = LiveReply(reply, slots, on_sent, on_going_out, on_lost, self._wake, now, typing_at)
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
            shown.fail(ShutDown(_SHUTTING_DOWN))
            return
        self._replies[shown] = None
        self._plan(shown)
        if self._owner is None:
            self._owner = asyncio.create_task(self._run())

    def _plan(self, shown: LiveReply) -> None:
        """See to it that the reply is looked at in time, and wake the schedule only if that is before it would wake."""
        if shown.is_settled and not shown.is_busy:
            self._replies.pop(shown, None)
            return
        self._agenda.plan(shown)
        if self._agenda.next_at < self._awake_at:
            self._changed.set()

    async def _run(self) -> None:
        try:
            while True:
                self._changed.clear()
                self._awake_at = self._start_due(self._clock())
                pause = self._awake_at - self._clock()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause if pause < NEVER else None):
                        await self._changed.wait()
        finally:
            for shown in list(self._replies):
                shown.fail(ShutDown(_SHUTTING_DOWN))

    def _start_due(self, now: float) -> float:
        """Start every request that may go out now; returns when to look again unless something changes."""
        for shown in self._agenda.take_planned(now):
            self._look(shown, now)
        while (shown := self._agenda.first()) is not None:
            if shown.is_due(now):
                ready_at = self._routes.allowed_at(shown.slots, now, shown.urgency)
                if ready_at > now:
                    return min(ready_at, self._agenda.next_at)
                self._start_step(shown, now)
            self._agenda.leave(shown)
            self._plan(shown)
        return self._agenda.next_at

    def _look(self, shown: LiveReply, now: float) -> None:
        """Signal typing if it is time, and queue the reply if it may have something to send."""
        if shown.wants_typing and shown.typing_at <= now:
            self._start_typing(shown, now)
        if shown.is_due(now):
            self._agenda.queue(shown)
        else:
            self._plan(shown)

    def _start_step(self, shown: LiveReply, now: float) -> None:
        """Start the next request of a reply, if there is one; hold the reply back while its channel takes none."""
        channel_id, urgency = shown.slots.channel_id, shown.urgency
        takes_messages = self._routes.takes_messages(channel_id, now, urgency)
        try:
            step = shown.step(now, sends=takes_messages)
        except Exception as error:  # noqa: BLE001 - a reply that cannot be drawn must not stop the others
            shown.fail(error)
            return
        if step is None:
            shown.rest(now, self._pace.tick_seconds)
            return
        if self._in_flight[channel_id] and not shown.reply.over:
            shown.hold(NEVER)
            self._behind.setdefault(channel_id, []).append(shown)
            return
        key = self._routes.key(channel_id, step, now, urgency)
        ready_at = self._routes.ready_at(key, now, urgency)
        if ready_at > now:
            shown.hold(ready_at)
        else:
            self._start_request(shown, step, key, now)

    def _start_request(self, shown: LiveReply, step: Step, key: Key, now: float) -> None:
        ticket = self._traffic.plan(key, now, shown.urgency)
        self._in_flight[shown.slots.channel_id] += 1
        shown.go_out()
        task = asyncio.create_task(self._request(shown, step, ticket))
        self._requests.add(task)
        task.add_done_callback(partial(self._ended, shown))

    def _ended(self, shown: LiveReply, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        channel_id = shown.slots.channel_id
        shown.is_busy = False
        self._in_flight[channel_id] -= 1
        if not self._in_flight[channel_id]:
            del self._in_flight[channel_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            shown.fail(error)
        self._plan(shown)
        for other in self._behind.pop(channel_id, ()):
            other.hold(self._clock())
            self._plan(other)

    async def _request(self, shown: LiveReply, step: Step, ticket: Ticket) -> None:
        """Send one step and note what came of it."""
        TICKET.set(ticket)  # the task has a context of its own
        known = shown.slots.ids
        try:
            async with asyncio.timeout(self._pace.request_seconds):
                await carry_out(self._port, shown.slots, step, with_token=ticket.key[1] is Kind.TOKEN)
        except MessageTooOld:
            if not isinstance(step, Edit):
                raise
            shown.slots.move(step)
            shown.reply.apply(Noticed(_MOVED))
            shown.stumble(self._clock(), self._pace.give_up_seconds, wait=0.0)
        except MessageGone:
            if not shown.slots.lose(step):
                raise
            shown.stumble(self._clock(), self._pace.give_up_seconds, wait=0.0)
        except FilesRefused:
            shown.go_without_files()
        except ShowError:
            await self._leave_tidy(shown)
            raise
        except RetryLater as later:
            shown.stumble(self._clock(), self._pace.give_up_seconds, wait=later.seconds)
        except OSError:
            shown.stumble(self._clock(), self._pace.give_up_seconds)
        else:
            now = self._clock()
            shown.succeed(now, self._pace.tick_seconds, self._routes.next_edit_at(shown.slots, now))
        if shown.slots.ids != known:
            await self._tell(shown)

    async def _leave_tidy(self, shown: LiveReply) -> None:
        """Where an answer cannot go on, leave no button behind that stops it; best effort."""
        if (step := shown.slots.without_controls()) is not None:
            with suppress(ShowError, RetryLater, OSError):
                async with asyncio.timeout(self._pace.request_seconds):
                    await carry_out(self._port, shown.slots, step, with_token=False)

    async def _tell(self, shown: LiveReply) -> None:
        """Tell the reply's owner which messages show it."""
        try:
            async with asyncio.timeout(self._pace.request_seconds):
                await shown.on_sent(shown.slots.ids)
        except Exception as error:  # noqa: BLE001 - whatever the owner's storage raises, people still see the answer
            log.warning("the messages of an answer could not be noted: %s", describe(error))

    def _start_typing(self, shown: LiveReply, now: float) -> None:
        """Keep the typing signal alive until there is something to see."""
        key = (shown.slots.channel_id, Kind.TYPING)
        ready_at = max(self._traffic.allowed_at(now, Urgency.STREAM), self._traffic.ready_at(key, now, Urgency.STREAM))
        if ready_at > now:
            shown.typing_at = ready_at
            return
        ticket = self._traffic.plan(key, now, Urgency.STREAM)
        shown.is_typing = True
        shown.typing_at = now + self._pace.typing_seconds
        task = asyncio.create_task(self._type(shown, ticket))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _type(self, shown: LiveReply, ticket: Ticket) -> None:
        TICKET.set(ticket)  # the task has a context of its own
        try:
            with suppress(ShowError, RetryLater, OSError):  # a missing signal is no reason to show less
                async with asyncio.timeout(self._pace.request_seconds):
                    await self._port.typing(shown.slots.channel_id)
        finally:
            shown.is_typing = False
            self._plan(shown)
