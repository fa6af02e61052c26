"""The store: every method is one short, unbroken transaction, and speaks in the values of `bot/messages.py`.

Deleting wins: what is written to a turn or conversation that is gone is quietly
dropped, because people may delete a thread while its answer runs. Knows nothing
of Discord or of models.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Self

from sqlalchemy import delete, func, insert, select, union, update
from sqlalchemy.exc import SQLAlchemyError

from bot.messages import Conversation, Listen, Said, ShowReasoning, Step, Turn, TurnStatus
from bot.sight import Able
from bot.store import tables as t
from bot.store.about import About
from bot.store.connect import create_engines, explain, parse_url
from bot.store.drafts import put_drafts, put_page
from bot.store.erasure import Erasure
from bot.store.history import History
from bot.store.holdings import Holdings
from bot.store.ledger import Ledger
from bot.store.migrate import migrate
from bot.store.reading import read_conversation, read_conversations_seen_since, read_files, read_turn, read_turns
from bot.store.reserving import Reserving
from bot.store.retention import Retention
from bot.store.spent import Spendings
from bot.store.transactions import unbroken
from bot.store.vault import Vault
from bot.store.writing import add, add_said, hold_turn, put, put_steps

_OPENING_FAULTS = (SQLAlchemyError, sqlite3.Error, OSError, TypeError, ValueError)
"""What drivers raise for a database that cannot be opened; the last two for options they do not know."""

_UNFINISHED = [status for status in TurnStatus if status.unfinished]


class Store(About, History, Ledger, Reserving, Spendings, Vault, Erasure, Retention, Holdings):
    """Everything Cogitor remembers. Open one for the process, and close it last."""

    @classmethod
    async def open(cls, database_url: str, *, clock: Callable[[], float] = time.time) -> Self:
        """Create the file and its folder where needed, and bring the tables up to date.

        `clock` gives Unix seconds and dates the usage ledger. Raises ConfigError,
        with the remedy, for a database that cannot be used.
        """
        url = parse_url(database_url)
        engines = create_engines(url)
        try:
            await migrate(engines.writer)
        except BaseException as error:
            await engines.close()
            if isinstance(error, _OPENING_FAULTS):
                raise explain(url, error) from None
            raise
        return cls(engines, clock)

    async def close(self) -> None:
        """Let go of the database, when what is under way has ended; nothing may be asked of the store afterwards."""
        await self.at_work.close()
        await self._engines.close()

    # Conversations

    @unbroken
    async def conversation(self, conversation_id: int) -> Conversation | None:
        """A known conversation, or None."""
        async with self._read() as db:
            return await read_conversation(db, conversation_id)

    @unbroken
    async def add_conversation(self, conversation: Conversation) -> Conversation:
        """Store a new conversation; where it is known already, the known one stays and is returned."""
        async with self._write() as db:
            await add(db, t.conversations, asdict(conversation))
            return await read_conversation(db, conversation.id) or conversation

    @unbroken
    async def set_model(self, conversation_id: int, model: str | None) -> None:
        """Set a known conversation's model and nothing else, for its other fields may be changing meanwhile."""
        await self._set(conversation_id, model=model)

    @unbroken
    async def set_persona(self, conversation_id: int, persona: str | None, *, by: int) -> None:
        """Set a known conversation's persona and nothing else; `by` is the member who wrote it."""
        await self._set(conversation_id, persona=persona, persona_by=None if persona is None else by)

    @unbroken
    async def set_effort(self, conversation_id: int, effort: str | None) -> None:
        """Set how hard a known conversation's model thinks, and nothing else."""
        await self._set(conversation_id, effort=effort)

    @unbroken
    async def set_show_reasoning(self, conversation_id: int, show: ShowReasoning) -> None:
        """Set whether a known conversation shows its reasoning, and nothing else."""
        await self._set(conversation_id, show_reasoning=show)

    @unbroken
    async def set_listen(self, conversation_id: int, listen: Listen) -> None:
        """Set which messages of a known conversation are for the bot, and nothing else."""
        await self._set(conversation_id, listen=listen)

    @unbroken
    async def leave_behind(self, conversation_id: int, *, before_turn: int, files_before: int = 0) -> None:
        """Note that turns with an id below `before_turn` have left the conversation's context window.

        So have the images, PDFs and tools' output of those below `files_before`.
        """
        await self._set(conversation_id, first_turn_id=before_turn, first_whole_turn_id=files_before)

    @unbroken
    async def conversations_seen_since(self, at: float) -> list[tuple[Conversation, int]]:
        """Conversations created or asked in since `at`, each with the id of its newest known question message.

        Where nothing was asked yet, that is the conversation's own id, which is
        older than every message in it.
        """
        async with self._read() as db:
            return await read_conversations_seen_since(db, at)

    # Questions

    @unbroken
    async def ask(self, conversation_id: int, said: Said) -> Turn | None:
        """Store a question as a new QUEUED turn.

        None when there is nothing to answer: the message is known, or the
        conversation is gone. Of several calls at once, exactly one gets the turn.
        """
        known = select(t.conversations.c.id).where(t.conversations.c.id == conversation_id)
        async with self._write() as db:
            if (await db.execute(known.with_for_update(read=True, key_share=True))).first() is None:
                return None
            new = insert(t.turns).values(
                conversation_id=conversation_id, status=TurnStatus.QUEUED, attempt=0, notices=()
            )
            turn_id = (await db.execute(new.returning(t.turns.c.id))).scalar_one()
            if await add_said(db, turn_id, said):
                return await read_turn(db, turn_id)
            await db.execute(delete(t.turns).where(t.turns.c.id == turn_id))
            return None

    @unbroken
    async def ask_more(self, turn_id: int, said: Said) -> Turn | None:
        """Add a message to a turn's question, whatever the turn's status.

        None when the message is known, or the turn is gone: `ask` tells which.
        """
        async with self._write() as db:
            if not await hold_turn(db, turn_id) or not await add_said(db, turn_id, said):
                return None
            return await read_turn(db, turn_id)

    # Turns

    @unbroken
    async def turn(self, turn_id: int) -> Turn | None:
        """A turn with all that belongs to it, or None when it is unknown or gone."""
        async with self._read() as db:
            return await read_turn(db, turn_id)

    @unbroken
    async def turns(self, conversation_id: int, *, since: int = 0) -> list[Turn]:
        """A conversation's turns with ids from `since` on, oldest first."""
        async with self._read() as db:
            return await read_turns(db, t.turns.c.conversation_id == conversation_id, t.turns.c.id >= since)

    @unbroken
    async def with_files(self, turns: Sequence[Turn], able: Able) -> list[Turn]:
        """The same turns with the bytes of those images and PDFs that can be shown; no other method reads them."""
        async with self._read() as db:
            return await read_files(db, turns, able)

    @unbroken
    async def last_turn(self, conversation_id: int) -> Turn | None:
        """A conversation's newest turn, or None while nothing was asked in it."""
        newest = select(func.max(t.turns.c.id)).where(t.turns.c.conversation_id == conversation_id)
        async with self._read() as db:
            found = await read_turns(db, t.turns.c.id == newest.scalar_subquery())
            return found[0] if found else None

    @unbroken
    async def next_turn(self, conversation_id: int, *, after: int) -> Turn | None:
        """A conversation's oldest turn with an id above `after`, or None."""
        later = (t.turns.c.conversation_id == conversation_id) & (t.turns.c.id > after)
        async with self._read() as db:
            found = await read_turns(db, t.turns.c.id == select(func.min(t.turns.c.id)).where(later).scalar_subquery())
            return found[0] if found else None

    @unbroken
    async def turn_of_message(self, message_id: int) -> Turn | None:
        """The turn that a message belongs to, be it part of the question or a page of the answer."""
        asked_in = select(t.said.c.turn_id).where(t.said.c.id == message_id)
        shown_in = select(t.pages.c.turn_id).where(t.pages.c.id == message_id)
        async with self._read() as db:
            found = await read_turns(db, t.turns.c.id.in_(union(asked_in, shown_in)))
            return found[0] if found else None

    @unbroken
    async def unfinished(self) -> list[Turn]:
        """Every QUEUED and RUNNING turn, oldest first."""
        async with self._read() as db:
            return await read_turns(db, t.turns.c.status.in_(_UNFINISHED))

    @unbroken
    async def requeue(self, turn_id: int, *, model: str | None = None, roles: Sequence[int] | None = None) -> bool:
        """Make a finished turn QUEUED again; False when it is unfinished already, or gone.

        `model` is the one that the turn is asked of from now on, and `roles` are those that its asker has now;
        without them these stay as they are.
        """
        finished = t.turns.c.status.not_in(_UNFINISHED)
        again = update(t.turns).where(t.turns.c.id == turn_id, finished).values(status=TurnStatus.QUEUED)
        async with self._write() as db:
            if model is not None:
                again = again.values(model=model)
            is_queued = (await db.execute(again)).rowcount > 0
            if is_queued and roles is not None:
                await db.execute(update(t.said).where(t.said.c.turn_id == turn_id).values(roles=list(roles)))
            return is_queued

    @unbroken
    async def begin(self, turn_id: int) -> None:
        """Make a turn RUNNING, as a new attempt: error and notices of an earlier one go.

        Its steps stay until the first of the new ones are saved, and its pages stay altogether.
        """
        afresh = update(t.turns).values(
            status=TurnStatus.RUNNING, attempt=t.turns.c.attempt + 1, error=None, notices=()
        )
        async with self._write() as db:
            await db.execute(afresh.where(t.turns.c.id == turn_id))

    @unbroken
    async def save_steps(self, turn_id: int, first: int, steps: Sequence[Step]) -> None:
        """Replace the turn's steps from number `first` on."""
        async with self._write() as db:
            if await hold_turn(db, turn_id):
                await put_steps(db, turn_id, first, steps)

    @unbroken
    async def save_drafts(self, drafts: Sequence[tuple[int, int, Step]]) -> None:
        """Replace steps that are still being written, and so have no usage yet: each with its turn and position.

        Cheaper than `save_steps` for each.
        """
        await put_drafts(self._engines.writer, drafts)

    @unbroken
    async def finish(
        self, turn_id: int, status: TurnStatus, steps: Sequence[Step], *, error: str | None, notices: Sequence[str]
    ) -> None:
        """Store everything of a finished turn, and give back its place among the running; twice changes nothing.

        That it is not shown yet is noted, too; `note_shown` takes the note away.
        """
        end = update(t.turns).values(status=status, error=error, notices=list(notices))
        async with self._write() as db:
            await db.execute(delete(t.running).where(t.running.c.turn_id == turn_id))
            if await hold_turn(db, turn_id):
                await db.execute(end.where(t.turns.c.id == turn_id))
                await put_steps(db, turn_id, 0, steps)
                await add(db, t.unshown, {"turn_id": turn_id})

    @unbroken
    async def note_shown(self, turn_id: int) -> None:
        """Note that nothing of a turn is left to be shown."""
        async with self._write() as db:
            await db.execute(delete(t.unshown).where(t.unshown.c.turn_id == turn_id))

    @unbroken
    async def unshown(self) -> list[Turn]:
        """The finished turns whose end may not be on Discord, oldest first."""
        waiting = t.turns.c.id.in_(select(t.unshown.c.turn_id))
        async with self._read() as db:
            return await read_turns(db, waiting, t.turns.c.status.not_in(_UNFINISHED))

    @unbroken
    async def save_pages(self, turn_id: int, pages: Sequence[int]) -> None:
        """Remember which messages show a turn's answer, in order, in place of those remembered before."""
        rows = [{"id": page, "turn_id": turn_id, "position": number} for number, page in enumerate(pages)]
        async with self._write() as db:
            if await hold_turn(db, turn_id):
                await db.execute(delete(t.pages).where(t.pages.c.turn_id == turn_id, t.pages.c.id.not_in(pages)))
                await put(db, t.pages, rows, keys=("id",))

    @unbroken
    async def add_page(self, turn_id: int, position: int, page: int) -> None:
        """Remember one more message that shows a turn's answer; cheaper than `save_pages`."""
        await put_page(self._engines.writer, turn_id, position, page)

    async def _set(self, conversation_id: int, **fields: str | int | None) -> None:
        async with self._write() as db:
            await db.execute(update(t.conversations).where(t.conversations.c.id == conversation_id).values(fields))

    # Small things

    @unbroken
    async def note(self, key: str) -> str | None:
        """What was last noted under a key of our own choosing, or None."""
        async with self._read() as db:
            return (await db.execute(select(t.notes.c.value).where(t.notes.c.key == key))).scalar_one_or_none()

    @unbroken
    async def set_note(self, key: str, value: str) -> None:
        """Note a text under a key, in place of what was there."""
        async with self._write() as db:
            await put(db, t.notes, [{"key": key, "value": value}], keys=("key",))
