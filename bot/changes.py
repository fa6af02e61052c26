"""The use case: people change what was said. The history follows, and so do answers that are running or waiting.

What is deleted leaves the store first and is then stopped and taken off Discord,
so a crash in between leaves nothing behind that start-up would not clear away.
This module knows nothing of Discord or of SQL.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.chat import Chat, continues
from bot.earlier import with_new_words
from bot.errors import ForUser
from bot.messages import Conversation, Part, Turn
from bot.store import Store
from bot.store.history import Forked, Leftover

ALREADY = "This question was taken back already."
VANISHED = "This conversation is not known any more; its thread was deleted. Please start a new one."


class Changes:
    """Edits, deletions, `/undo` and `/fork`."""

    def __init__(self, store: Store, chat: Chat) -> None:
        self._store = store
        self._chat = chat

    async def knows(self, message_id: int) -> bool:
        """Whether a message is part of a question."""
        turn = await self._store.turn_of_message(message_id)
        return turn is not None and any(said.id == message_id for said in turn.question)

    async def edit(self, message_id: int, parts: Sequence[Part], *, remarks: Sequence[str] = ()) -> None:
        """A message was edited: change what it asks, and answer anew if it belongs to the last question.

        An unfinished answer is asked again in any case. An edit that changes
        nothing does nothing. `remarks` are shown with the new answer.
        """
        turn = await self._store.turn_of_message(message_id)
        said = next((said for said in turn.question if said.id == message_id), None) if turn else None
        if said is None:
            return
        edited = await self._store.edit_said(message_id, with_new_words(said.parts, parts))
        if edited is not None and (edited.status.unfinished or await self._is_last(edited)):
            await self.take_continuations(edited)
            await self._chat.ask_again(edited, remarks=remarks)

    async def delete(self, message_ids: Collection[int]) -> None:
        """Messages were deleted, of people or our own: forget them, and the turns of which they were the last.

        A question that lost a part while it was being answered is asked again
        without it; one that was answered keeps its answer.
        """
        found = await self._store.forget_messages(message_ids)
        for turn in found.changed:
            if turn.status.unfinished:
                await self._chat.ask_again(turn)
        for gone in found.gone:
            await self.clear(gone)

    async def forget(self, channel_id: int) -> None:
        """A channel or thread was deleted: forget the conversations in it."""
        for conversation_id in await self._store.forget_channel(channel_id):
            self._chat.drop(conversation_id)

    async def undo(self, turn: Turn) -> None:
        """Take a question and its answer back, whether it is answered, running or waiting. Raises ForUser."""
        gone = await self._store.forget_turn(turn.id)
        if gone is None:
            raise ForUser(ALREADY)
        await self.clear(gone)

    async def fork(self, source: Conversation, *, into: int, parent_id: int, owner_id: int, at: float) -> Forked:
        """Begin a conversation in another thread with all that was answered in `source`. Raises ForUser.

        `parent_id` is the other thread's channel, `at` is now in Unix seconds.
        """
        fork = replace(
            source,
            id=into,
            owner_id=owner_id,
            title="",
            parent_id=parent_id,
            first_turn_id=0,
            first_whole_turn_id=0,
            created_at=at,
        )
        forked = await self._store.fork(source.id, fork)
        if forked is None:
            raise ForUser(VANISHED)
        return forked

    async def clear(self, gone: Leftover, *, patiently: bool = False) -> None:
        """A turn is gone from the store: so goes what only went on with its answer, and what shows it on Discord."""
        self._chat.take_back(gone, patiently=patiently)
        await self._take_continuations(gone.channel_id, gone.turn_id)

    async def take_continuations(self, turn: Turn) -> None:
        """A turn's answer is void: so is what only goes on with it."""
        await self._take_continuations(turn.conversation_id, turn.id)

    async def _take_continuations(self, conversation_id: int, turn_id: int) -> None:
        """Take back what only goes on with an answer that is void."""
        while (after := await self._store.next_turn(conversation_id, after=turn_id)) is not None and continues(after):
            if (gone := await self._store.forget_turn(after.id)) is not None:
                self._chat.take_back(gone)

    async def _is_last(self, turn: Turn) -> bool:
        """Whether nothing was asked after a turn but to go on with its answer."""
        turn_id = turn.id
        while (after := await self._store.next_turn(turn.conversation_id, after=turn_id)) is not None:
            if not continues(after):
                return False
            turn_id = after.id
        return True
