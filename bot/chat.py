"""The use case: people ask, each conversation answers one question after the other.

Keeps one lane for each conversation that is busy, merges bursts, queues the
rest, and repairs at start what a crash left behind. It knows nothing of Discord:
questions come in as values, and answers go out through the live renderer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, Protocol

from bot.answer import UNEXPECTED, Answer, Backstage, Cut
from bot.errors import ForUser, ShowError, describe
from bot.events import Ended
from bot.guild import GuildSettings
from bot.messages import Conversation, Said, ShowReasoning, Text, Turn, TurnStatus, Usage
from bot.render.reply import Reply

log = logging.getLogger(__name__)

BURST_SECONDS = 1.5
"""Messages of one person within this time of each other count as one question."""

AWAY = "I was away when this was written. Press Retry if you still want an answer."
CONTINUE = "Continue exactly where you stopped, without repeating anything."


class Marks(Protocol):
    """How people see that a question waits; best effort, never raises."""

    async def waiting(self, channel_id: int, message_id: int, waits: bool) -> None: ...


class _Lane:
    """A busy conversation: the answer that is running and the turns that wait."""

    def __init__(self) -> None:
        self.queue: deque[Turn] = deque()
        self.answer: Answer | None = None


class Chat:
    """Takes questions and sees to it that each is answered once, in order, whatever happens."""

    def __init__(self, backstage: Backstage, marks: Marks, *, remarks_for_new: Sequence[str] = ()) -> None:
        self._backstage = backstage
        self._store = backstage.store
        self._marks = marks
        self._remarks_for_new = tuple(remarks_for_new)
        self._lanes: dict[int, _Lane] = {}
        self._remarks: dict[int, tuple[str, ...]] = {}
        self._waiting: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def running(self) -> int:
        """How many conversations are being answered."""
        return len(self._lanes)

    async def ask(self, conversation: Conversation, said: Said, *, remarks: Sequence[str] = ()) -> Turn | None:
        """Store a question and see to its answer; `conversation` is created where it is new.

        `remarks` are shown with the answer, such as which files could not be read.
        Returns the turn it belongs to, or None when this message is known already.
        """
        if await self._store.conversation(conversation.id) is None:
            conversation = await self._store.add_conversation(await self._with_defaults(conversation))
            remarks = (*remarks, *self._remarks_for_new)
        earlier = self._burst(conversation.id, said)
        grown = await self._store.ask_more(earlier.id, said) if earlier else None
        # A turn that was deleted meanwhile cannot grow; a message that is known cannot be asked either.
        turn = grown or await self._store.ask(conversation.id, said)
        if turn is None:
            return None
        self._remarks[turn.id] = (*self._remarks.get(turn.id, ()), *remarks)
        if grown:
            await self._grow(turn)
        else:
            self._enqueue(turn, tell=True)
        return turn

    async def offer(self, conversation: Conversation, said: Said) -> None:
        """Store a question that came too long ago to answer unasked, and show a button that answers it."""
        await self._store.add_conversation(await self._with_defaults(conversation))
        turn = await self._store.ask(conversation.id, said)
        if turn is not None:
            await self._store.finish(turn.id, TurnStatus.INTERRUPTED, (), error=None, notices=(AWAY,))
            self._spawn(self._redraw(turn.id))

    def running_turn(self, conversation_id: int) -> Turn | None:
        """The turn that is being answered in a conversation."""
        lane = self._lanes.get(conversation_id)
        return lane.answer.turn if lane and lane.answer else None

    def stop(self, conversation_id: int) -> bool:
        """Stop the running answer and keep what came; False when none is running. Waiting questions stay."""
        lane = self._lanes.get(conversation_id)
        if lane is None or lane.answer is None:
            return False
        lane.answer.cut(Cut.STOP)
        return True

    async def retry(self, turn_id: int, *, model: str | None = None) -> None:
        """Answer a turn anew in place of its old answer; by `model`, or else by the one it was asked of before.

        Raises ForUser where that makes no sense.
        """
        turn = await self._known(turn_id)
        if not await self._store.requeue(turn.id, model=model):
            raise ForUser("This question is being answered already.")
        turn = await self._known(turn_id)
        self._enqueue(turn, tell=True)

    async def go_on(self, turn_id: int, asked: Said) -> None:
        """Let the model continue an answer that was cut off. Raises ForUser where that makes no sense."""
        turn = await self._known(turn_id)
        if turn.status.unfinished:
            raise ForUser("This question is still being answered.")
        prompt = Said(asked.id, asked.author_id, asked.author_name, (Text(CONTINUE),), asked.at)
        conversation = await self._store.conversation(turn.conversation_id)
        if conversation is not None:
            await self.ask(conversation, prompt)

    async def settings_of(self, guild_id: int | None) -> GuildSettings:
        """What the admins of a server have decided; the defaults where there is none, as in direct messages."""
        if guild_id is None:
            return GuildSettings()
        return GuildSettings.model_validate(await self._store.guild_settings(guild_id) or {})

    async def resume(self) -> None:
        """Repair what an earlier process left: mark interrupted answers, ask the questions that waited."""
        for turn in await self._store.unfinished():
            if turn.status is TurnStatus.QUEUED:
                self._waiting.add(turn.id)
                self._enqueue(turn, tell=False)
            elif not self._is_running(turn):
                await self._store.finish(turn.id, TurnStatus.INTERRUPTED, turn.steps, error=None, notices=turn.notices)
                self._spawn(self._redraw(turn.id))

    async def aclose(self) -> None:
        """Interrupt what is running, storing and showing what has come; gives up on slow parts after a few seconds."""
        self._closing = True
        for lane in self._lanes.values():
            if lane.answer is not None:
                lane.answer.cut(Cut.SHUTDOWN)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=5.0)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=2.0)

    def _burst(self, conversation_id: int, said: Said) -> Turn | None:
        """The turn that this message belongs to because its author wrote on."""
        lane = self._lanes.get(conversation_id)
        if lane is None:
            return None
        answer = lane.answer
        turn = lane.queue[-1] if lane.queue else answer.turn if answer and not (answer.seen or answer.over) else None
        if turn is None or turn.asker_id != said.author_id or said.at - turn.question[-1].at > BURST_SECONDS:
            return None
        return turn

    async def _grow(self, turn: Turn) -> None:
        """A question grew: ask the running answer again, replace the waiting turn, or answer it anew."""
        lane = self._lanes.get(turn.conversation_id)
        answer = lane.answer if lane else None
        if answer is not None and answer.turn.id == turn.id and not answer.over:
            answer.remarks += self._remarks.pop(turn.id, ())
            answer.cut(Cut.RESTART)
        elif lane is not None and any(waiting.id == turn.id for waiting in lane.queue):
            lane.queue = deque(turn if waiting.id == turn.id else waiting for waiting in lane.queue)
        elif await self._store.requeue(turn.id):
            self._enqueue(turn, tell=False)

    def _enqueue(self, turn: Turn, *, tell: bool) -> None:
        if self._closing:
            return  # stored as QUEUED: the next process asks it
        lane = self._lanes.get(turn.conversation_id)
        if lane is None:
            lane = self._lanes[turn.conversation_id] = _Lane()
            self._spawn(self._serve(turn.conversation_id, lane))
        elif tell:
            self._mark(turn, waits=True)
        lane.queue.append(turn)

    async def _serve(self, conversation_id: int, lane: _Lane) -> None:
        """Answer a lane's turns in order until none is left."""
        try:
            while lane.queue and not self._closing:
                turn = lane.queue.popleft()
                try:
                    await self._answer(turn.id, lane)
                except Exception as error:  # noqa: BLE001 - the edge of one turn: its asker is told, the next goes on
                    log.error("turn %d: unexpected %s", turn.id, describe(error))
                    await self._apologise(turn)
        finally:
            del self._lanes[conversation_id]

    async def _answer(self, turn_id: int, lane: _Lane) -> None:
        turn = await self._store.turn(turn_id)
        if turn is None or turn.status is not TurnStatus.QUEUED:
            return
        conversation = await self._store.conversation(turn.conversation_id)
        if conversation is None:
            return
        if turn_id in self._waiting:
            self._mark(turn, waits=False)
        guild = await self.settings_of(conversation.guild_id)
        if self._closing:
            return  # it stays QUEUED
        remarks = self._remarks.pop(turn.id, ())
        answer = lane.answer = Answer(self._backstage, turn, conversation, guild, remarks=remarks)
        try:
            await answer.run()
        finally:
            lane.answer = None

    async def _with_defaults(self, new: Conversation) -> Conversation:
        """A new conversation, with what its server's admins have chosen for new ones."""
        return replace(new, show_reasoning=(await self.settings_of(new.guild_id)).show_reasoning)

    async def _apologise(self, turn: Turn) -> None:
        """Show that a turn failed before its answer could even begin."""
        reply = Reply(started_at=self._backstage.clock(), model=self._backstage.defaults.model)
        reply.apply(Ended(TurnStatus.FAILED, "", Usage(), 0.0, 0.0, error=UNEXPECTED))
        await self._show(turn, reply)

    def _mark(self, turn: Turn, *, waits: bool) -> None:
        """Show or clear the sign that a question waits, without waiting for Discord."""
        if waits:
            self._waiting.add(turn.id)
        else:
            self._waiting.discard(turn.id)
        self._spawn(self._marks.waiting(turn.conversation_id, turn.question[0].id, waits))

    async def _redraw(self, turn_id: int) -> None:
        """Show a stored turn as it is now, in its old messages."""
        turn = await self._known(turn_id)
        conversation = await self._store.conversation(turn.conversation_id)
        shows_reasoning = conversation is not None and conversation.show_reasoning is ShowReasoning.SPOILER
        await self._show(turn, Reply.of(turn, shows_reasoning=shows_reasoning))

    async def _show(self, turn: Turn, reply: Reply) -> None:
        async def sent(pages: tuple[int, ...]) -> None:
            await self._store.save_pages(turn.id, pages)

        shown = self._backstage.live.open(
            turn.conversation_id, turn.id, reply, reply_to=None, pages=turn.pages, on_sent=sent
        )
        try:
            await shown.finished()
        except ShowError as error:
            log.info("turn %d: its end could not be shown: %s", turn.id, describe(error))

    async def _known(self, turn_id: int) -> Turn:
        turn = await self._store.turn(turn_id)
        if turn is None:
            raise ForUser("This question is not known any more; it was deleted. Please ask again.")
        return turn

    def _is_running(self, turn: Turn) -> bool:
        lane = self._lanes.get(turn.conversation_id)
        return lane is not None and lane.answer is not None and lane.answer.turn.id == turn.id

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a conversation stopped unexpectedly: %s", describe(error))
