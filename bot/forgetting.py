"""The use case: a member asks to be forgotten. It is done at once, completely, and to its end even after a crash.

Noted first, then conversation by conversation: answers to others that repeat the
member's words, then what they said with its answers; what was running or waiting
is cut, and what shows it on Discord is deleted. What they spent keeps their name
for a day, for otherwise being forgotten would be a way round every limit. This
module knows nothing of Discord or of SQL.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.changes import Changes
from bot.chat import Chat
from bot.earlier import own_words
from bot.errors import describe
from bot.store import Store
from bot.store.erasure import Erased, Job
from bot.traces import Traces

log = logging.getLogger(__name__)

LONGEST_WINDOW = 24 * 3600.0
"""Seconds that any limit of a member looks back (product: the last hour, the last 24 hours)."""

LATE_SECONDS = 3600.0
"""How long after that a job is kept, should something of it have been on its way when it was asked for."""


@dataclass(frozen=True, slots=True)
class Forgot:
    """What was deleted: a member's messages, answers of which they were a part, and what shows those on Discord."""

    messages: int = 0
    answers: int = 0
    shown: int = 0

    def __add__(self, other: Forgot) -> Forgot:
        return Forgot(self.messages + other.messages, self.answers + other.answers, self.shown + other.shown)


class Forgetting:
    """Forgets members, one after the other. `clock` gives Unix seconds."""

    def __init__(self, store: Store, chat: Chat, changes: Changes, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._chat = chat
        self._changes = changes
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[Forgot]] = set()

    async def forget(self, user_id: int, asked_at: float) -> Forgot:
        """Forget what a member has said up to `asked_at` (Unix seconds); goes on when its caller is cancelled."""
        await self._store.begin_forgetting(user_id, asked_at)
        task = asyncio.create_task(self._do(Job(user_id, asked_at)))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def go_on(self) -> None:
        """Do what is left to do: after a crash, and from time to time, until the ledger is without names as well."""
        for job in await self._store.being_forgotten():
            await self._do(job)
            now = self._clock()
            if now > job.asked_at + LONGEST_WINDOW + LATE_SECONDS:
                await self._store.end_forgetting(job)

    async def aclose(self) -> None:
        """Stop; the next process goes on."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _do(self, job: Job) -> Forgot:
        async with self._one_at_a_time:
            forgot = Forgot()
            for conversation_id in await self._store.conversations_with(job):
                forgot += await self._in_conversation(job, conversation_id)
            while (erased := await self._store.erase_quoted(job, own_words)) is not None:
                forgot += await self._clear(erased) + Forgot(answers=1)
            await self._store.erase_traces(job)
            old = self._clock() - LONGEST_WINDOW
            while await self._store.erase_from_ledger(job, before=old):
                pass
            if forgot != Forgot() and not await self._store.scrub():
                log.info("what was deleted is overwritten, but the database file was not rewritten")
            return forgot

    async def _in_conversation(self, job: Job, conversation_id: int) -> Forgot:
        """Forget a member in one conversation; what repeats their words goes first, while they are known."""
        forgot = await self._answers_to_others(job, conversation_id)
        while (erased := await self._store.erase_said(job, conversation_id)).messages:
            forgot += await self._clear(erased)
        # An answer to somebody else that is being written has seen what is forgotten now.
        if (running := self._chat.running_turn(conversation_id)) is not None and forgot.messages:
            await self._chat.ask_again(running)
        return forgot

    async def _clear(self, erased: Erased) -> Forgot:
        """What is gone from the store goes from Discord, and from what is running and waiting."""
        for turn in erased.grown:
            await self._chat.ask_again(turn)
        for gone in erased.gone:
            await self._changes.clear(gone, patiently=True)
        for left in erased.answers:
            self._chat.take_back(left, patiently=True)
        for turn in erased.void:
            await self._changes.take_continuations(turn)
        shown = sum(len(left.pages) for left in (*erased.gone, *erased.answers))
        return Forgot(erased.messages, len(erased.gone), shown)

    async def _answers_to_others(self, job: Job, conversation_id: int) -> Forgot:
        traces, first, skip = Traces(job.user_id), 0, 0
        while found := await self._store.said_by(job, conversation_id, skip=skip):
            first = first or found[0][0]
            skip += len(found)
            await asyncio.to_thread(traces.add, [said for _, said in found])
        forgot, after = Forgot(), first
        while turns := await self._store.answers_to_others(job, conversation_id, after=after):
            after = turns[-1].id
            repeating = [turn.id for turn in await asyncio.to_thread(traces.found_in, turns)]
            if repeating:
                left = await self._store.withdraw_answers(repeating)
                for message in left:
                    self._chat.take_back(message, patiently=True)
                forgot += Forgot(0, len(repeating), len(left))
        return forgot

    def _done(self, task: asyncio.Task[Forgot]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("somebody could not be forgotten yet: %s", describe(error))
