"""The use case: people ask, each conversation answers one question after the other.

Keeps one lane for each conversation that is busy, merges bursts, queues the
rest, and repairs at start what a crash left behind. It knows nothing of Discord:
questions come in as values, and answers go out through the live renderer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from bot.admission import Admission
from bot.answer import Answer, Backstage, Cut
from bot.errors import ForUser, describe
from bot.limits import Asker
from bot.messages import Conversation, Said, Text, Turn, TurnStatus
from bot.redraw import Redraw
from bot.store.history import Leftover
from bot.waiting import Marks, Signs

log = logging.getLogger(__name__)

BURST_SECONDS = 1.5
"""Messages of one person within this time of each other count as one question."""

TAKEN_DOWN_AT_ONCE = 4
"""Answers, where many are deleted: running ones share what Discord takes."""

PLACE_BACK_AFTER = (5.0, 30.0, 120.0, 600.0, 3_600.0)
"""Seconds before each attempt to give back the place of an answer whose end could not be stored."""

AWAY = "I was away when this was written. Press Retry if you still want an answer."
CONTINUE = "Continue exactly where you stopped, without repeating anything."


def continues(turn: Turn) -> bool:
    """Whether a turn only goes on with the answer before it, so that it is nothing without it."""
    return all(said.parts == (Text(CONTINUE),) for said in turn.question)


class _Lane:
    """A busy conversation: the answer that is running and the turns that wait."""

    def __init__(self) -> None:
        self.queue: deque[Turn] = deque()
        self.taken: Turn | None = None
        """The turn that has left the queue; its answer begins a moment later, by what is asked then."""
        self.answer: Answer | None = None


class Chat:
    """Takes questions and sees to it that each is answered once, in order, whatever happens."""

    def __init__(
        self, backstage: Backstage, admission: Admission, marks: Marks, *, remarks_for_new: Sequence[str] = ()
    ) -> None:
        self._backstage = backstage
        self._admission = admission
        self._store = backstage.store
        self._signs = Signs(marks, self._spawn)
        self._redraw = Redraw(backstage, self._admission.settings_of)
        self._remarks_for_new = tuple(remarks_for_new)
        self._lanes: dict[int, _Lane] = {}
        self._remarks: dict[int, tuple[str, ...]] = {}
        self._pages: dict[int, tuple[int, ...]] = {}
        """Messages that wait for a turn's answer."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._taking_down = asyncio.Semaphore(TAKEN_DOWN_AT_ONCE)
        self._giving_back: set[asyncio.Task[None]] = set()
        """Those of them that need not be waited for: the next process begins with all places free."""
        self._closing = False
        self.on_answered: Callable[[int], None] = lambda turn_id: None
        """Called when an answer has ended, however it ended, and is shown; must not wait for anything."""

    @property
    def running(self) -> int:
        """How many conversations are being answered."""
        return len(self._lanes)

    @property
    def waiting(self) -> int:
        """How many questions wait for another one's answer to end."""
        return sum(len(lane.queue) for lane in self._lanes.values())

    async def ask(
        self, conversation: Conversation, said: Said, *, remarks: Sequence[str] = (), pages: Sequence[int] = ()
    ) -> Turn | None:
        """Store a question and see to its answer; `conversation` is created where it is new.

        `remarks` are shown with the answer, such as which files could not be read; `pages` wait for it already.
        Returns the turn it belongs to, or None when this message is known already.
        """
        if await self._store.conversation(conversation.id) is None:
            conversation = await self._store.add_conversation(await self._with_defaults(conversation))
            remarks = (*remarks, *self._remarks_for_new) if conversation.guild_id is not None else remarks
        earlier = self._burst(conversation.id, said)
        grown = await self._store.ask_more(earlier.id, said) if earlier else None
        # A turn that was deleted meanwhile cannot grow; a message that is known cannot be asked either.
        turn = grown or await self._store.ask(conversation.id, said)
        if turn is None:
            return None
        if pages:
            self._pages[turn.id] = tuple(pages)
        if grown:
            await self.ask_again(turn, remarks=remarks)
        else:
            self._remarks[turn.id] = tuple(remarks)
            if not self._is_at_work_on(turn):  # else it has been found waiting at the start already
                self._enqueue(turn, tell=True)
        return turn

    async def offer(self, conversation: Conversation, said: Said) -> None:
        """Store a question that came too long ago to answer unasked, and show a button that answers it."""
        await self._store.add_conversation(await self._with_defaults(conversation))
        turn = await self._store.ask(conversation.id, said)
        if turn is not None:
            await self._store.finish(turn.id, TurnStatus.INTERRUPTED, (), error=None, notices=(AWAY,))
            self._spawn(self._redraw.show(turn.id))

    async def redraw(self, turn_id: int) -> None:
        """Show a stored turn as it is now, in its old messages."""
        await self._redraw.show(turn_id)

    def running_turn(self, conversation_id: int) -> Turn | None:
        """The turn that is being answered in a conversation."""
        lane = self._lanes.get(conversation_id)
        return lane.answer.turn if lane and lane.answer else None

    def stop(self, conversation_id: int) -> bool:
        """Stop the running answer and keep what came; False when none is running. Waiting questions stay."""
        lane = self._lanes.get(conversation_id)
        if lane is None or lane.answer is None or lane.answer.over:
            return False
        lane.answer.cut(Cut.STOP)
        return True

    async def retry(
        self, turn_id: int, *, model: str | None = None, pages: Sequence[int] = (), by: Asker | None = None
    ) -> None:
        """Answer a turn anew in place of its old answer, or in `pages`; by `model`, or else the one it was asked of.

        Where its asker wishes that (`by`), what holds for them is told by the roles that they have now. Raises
        ForUser where it makes no sense, or would be refused.
        """
        turn = await self._known(turn_id)
        roles = by.roles if by is not None and by.id == turn.asker_id else turn.roles
        conversation = await self._store.conversation(turn.conversation_id)
        if conversation is not None and not turn.status.unfinished:
            await self._check_again(conversation, turn.asker_id, roles)
        if not await self._store.requeue(turn.id, model=model, roles=roles):
            raise ForUser("This question is being answered already.")
        if pages:
            self._pages[turn.id] = tuple(pages)
        turn = await self._known(turn_id)
        self._enqueue(turn, tell=True)

    async def go_on(self, turn_id: int, asked: Said, *, pages: Sequence[int] = ()) -> None:
        """Let the model continue an answer that was cut off. Raises ForUser where that makes no sense."""
        turn = await self._known(turn_id)
        if turn.status.unfinished:
            raise ForUser("This question is still being answered.")
        prompt = replace(asked, parts=(Text(CONTINUE),))
        conversation = await self._store.conversation(turn.conversation_id)
        if conversation is not None:
            await self._check_again(conversation, asked.author_id, asked.roles)
            await self.ask(conversation, prompt, pages=pages)

    async def ask_again(self, turn: Turn, *, remarks: Sequence[str] = ()) -> None:
        """A question has changed: start its running answer over, let it wait as it is now, or answer it anew."""
        self._remarks[turn.id] = (*self._remarks.get(turn.id, ()), *remarks)
        lane = self._lanes.get(turn.conversation_id)
        answer = lane.answer if lane else None
        if lane is not None and any(waiting.id == turn.id for waiting in lane.queue):
            lane.queue = deque(turn if waiting.id == turn.id else waiting for waiting in lane.queue)
            self._signs.move(turn)
            return
        if answer is not None and answer.turn.id == turn.id:
            if not answer.over:
                answer.remarks = tuple(dict.fromkeys((*answer.remarks, *self._remarks.pop(turn.id))))
                answer.cut(Cut.RESTART)
                return
            await answer.concluded.wait()
        elif lane is not None and lane.taken is not None and lane.taken.id == turn.id:
            return  # it is read again as its answer begins
        if await self._store.requeue(turn.id):
            self._enqueue(turn, tell=False)
        else:
            self._remarks.pop(turn.id, None)

    def take_back(self, gone: Leftover, *, patiently: bool = False) -> None:
        """A turn is gone from the store: its answer ends, or it waits no more, and what shows it is deleted.

        `patiently`: it is one of many, so that its messages go when it is their turn.
        """
        self._remarks.pop(gone.turn_id, None)
        self._signs.take_down(gone.turn_id)
        lane = self._lanes.get(gone.channel_id)
        if lane is not None and lane.answer is not None and lane.answer.turn.id == gone.turn_id:
            lane.answer.cut(Cut.WITHDRAWN)
            return
        if lane is not None:
            lane.queue = deque(waiting for waiting in lane.queue if waiting.id != gone.turn_id)
        self._spawn(self._take_down_in_turn(gone) if patiently else self._redraw.take_down(gone))

    def drop(self, conversation_id: int) -> None:
        """A conversation is gone from the store, and its channel from Discord: nothing of it is answered any more."""
        lane = self._lanes.get(conversation_id)
        if lane is None:
            return
        for waiting in lane.queue:
            self._remarks.pop(waiting.id, None)
            self._signs.forget(waiting.id)
        lane.queue.clear()
        if lane.answer is not None:
            lane.answer.cut(Cut.WITHDRAWN)

    async def check_may_ask(
        self, asker: Asker, *, guild_id: int | None, channels: Collection[int], conversation_id: int = 0
    ) -> None:
        """Raise ForUser where somebody's question would be refused now, before anything is stored or opened for it.

        `channels` are where it is asked: a thread counts as the channel that it belongs to. A question that only
        waits for its turn in `conversation_id` needs no place among the running answers yet.
        """
        await self._admission.check_place(asker, guild_id=guild_id, channels=channels)
        lane = self._lanes.get(conversation_id)
        if lane is not None and self._grows(lane, asker.id, asker.at) is not None:
            return  # it is a part of a question that is asked already
        await self._admission.check_limits(asker.id, guild_id=guild_id, roles=asker.roles, has_to_wait=lane is not None)

    async def resume(self) -> None:
        """Repair what an earlier process left.

        Interrupted answers are marked, questions that waited are asked, ends that were not shown are shown, and
        messages of turns that are gone are deleted. What was shown in place of an interaction went with the
        interaction's token: it is only stored. What has been asked of this process meanwhile is left to it.
        """
        left = await self._store.unfinished()
        for turn in [turn for turn in left if not self._is_at_work_on(turn)]:
            is_in_place = await self._is_in_place(turn)
            if self._is_at_work_on(turn):
                continue  # it had been stored a moment before it was taken up
            if is_in_place or turn.status is not TurnStatus.QUEUED:
                await self._interrupt(turn)
            else:
                self._signs.suppose(turn)
                self._enqueue(turn, tell=False)
        for turn in await self._store.unshown():
            if self._is_at_work_on(turn):
                continue
            if await self._is_in_place(turn):
                await self._store.note_shown(turn.id)
            else:
                self._spawn(self._redraw.show(turn.id))
        for left in await self._store.leftovers():
            self._spawn(self._take_down_in_turn(left))

    async def aclose(self) -> None:
        """Interrupt what is running, storing and showing what has come; gives up on slow parts after a few seconds."""
        self._closing = True
        for giving_back in self._giving_back:
            giving_back.cancel()
        for lane in self._lanes.values():
            if lane.answer is not None:
                lane.answer.cut(Cut.SHUTDOWN)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=5.0)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=2.0)
        await self._backstage.scribe.aclose()

    def _burst(self, conversation_id: int, said: Said) -> Turn | None:
        """The turn that this message belongs to because its author wrote on."""
        lane = self._lanes.get(conversation_id)
        return None if lane is None else self._grows(lane, said.author_id, said.at)

    def _grows(self, lane: _Lane, author_id: int, at: float) -> Turn | None:
        """The turn that a message written by somebody at a time adds to."""
        turn = lane.queue[-1] if lane.queue else lane.taken
        if turn is lane.taken and (answer := lane.answer) is not None:
            turn = None if answer.seen or answer.over else answer.turn
        if turn is None or turn.asker_id != author_id or at - turn.question[-1].at > BURST_SECONDS:
            return None
        return turn

    def _enqueue(self, turn: Turn, *, tell: bool) -> None:
        if self._closing:
            return  # stored as QUEUED: the next process asks it
        lane = self._lanes.get(turn.conversation_id)
        if lane is None:
            lane = self._lanes[turn.conversation_id] = _Lane()
            self._spawn(self._serve(turn.conversation_id, lane))
        elif tell:
            self._signs.put_up(turn)
        lane.queue.append(turn)

    async def _serve(self, conversation_id: int, lane: _Lane) -> None:
        """Answer a lane's turns in order until none is left."""
        try:
            while lane.queue and not self._closing:
                turn = lane.taken = lane.queue.popleft()
                try:
                    await self._answer(turn.id, lane)
                except Exception as error:  # noqa: BLE001 - the edge of one turn: its asker is told, the next goes on
                    log.error("turn %d: unexpected %s", turn.id, describe(error))
                    lane.taken = None
                    await self._redraw.apologise(turn)
        finally:
            del self._lanes[conversation_id]

    async def _answer(self, turn_id: int, lane: _Lane) -> None:
        turn = await self._store.turn(turn_id)
        if turn is None or turn.status is not TurnStatus.QUEUED:
            return
        conversation = await self._store.conversation(turn.conversation_id)
        if conversation is None:
            return
        self._signs.take_down(turn_id)
        guild = await self._admission.settings_of(conversation.guild_id, turn.roles)
        if self._closing:
            return  # it stays QUEUED
        if (pages := self._pages.pop(turn.id, None)) is not None:  # only now, for an earlier answer notes its own
            await self._store.save_pages(turn.id, pages)
            turn = replace(turn, pages=pages)
        remarks = self._remarks.pop(turn.id, ())
        answer = lane.answer = Answer(self._backstage, turn, conversation, guild, remarks=remarks)
        try:
            await answer.run()
        finally:
            lane.answer = None
            if not answer.is_stored and not self._closing:
                giving_back = self._spawn(self._give_place_back(turn_id))
                self._giving_back.add(giving_back)
                giving_back.add_done_callback(self._giving_back.discard)
        self.on_answered(turn_id)

    async def _give_place_back(self, turn_id: int) -> None:
        """A turn whose end could not be stored must not count among the running answers until the next start."""
        for pause in PLACE_BACK_AFTER:
            await self._backstage.sleep(pause)
            try:
                await self._store.end_running(turn_id)
            except Exception as error:  # noqa: BLE001 - whatever the database's driver raises, it is tried again
                log.warning("turn %d: its place could not be given back: %s", turn_id, describe(error))
            else:
                return

    async def _with_defaults(self, new: Conversation) -> Conversation:
        """A new conversation, with what its server's admins have chosen for new ones."""
        return replace(new, show_reasoning=(await self._admission.settings_of(new.guild_id)).show_reasoning)

    async def _known(self, turn_id: int) -> Turn:
        turn = await self._store.turn(turn_id)
        if turn is None:
            raise ForUser("This question is not known any more; it was deleted. Please ask again.")
        return turn

    async def _take_down_in_turn(self, gone: Leftover) -> None:
        async with self._taking_down:
            await self._redraw.take_down(gone)

    async def _interrupt(self, turn: Turn) -> None:
        await self._store.finish(turn.id, TurnStatus.INTERRUPTED, turn.steps, error=None, notices=turn.notices)

    async def _check_again(self, conversation: Conversation, user_id: int, roles: Collection[int]) -> None:
        """Raise LimitExceeded where another answer would be refused; nothing of an old one has changed then."""
        await self._admission.check_limits(
            user_id, guild_id=conversation.guild_id, roles=roles, has_to_wait=conversation.id in self._lanes
        )

    async def _is_in_place(self, turn: Turn) -> bool:
        conversation = await self._store.conversation(turn.conversation_id)
        return conversation is not None and conversation.is_in_place

    def _is_at_work_on(self, turn: Turn) -> bool:
        """Whether a turn is being answered, or waits for that."""
        lane = self._lanes.get(turn.conversation_id)
        return lane is not None and turn.id in {known.id for known in (*lane.queue, lane.taken) if known is not None}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a conversation stopped unexpectedly: %s", describe(error))
