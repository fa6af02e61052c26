"""The part of the store that changes what has been said: edits, deletions, and copies of whole conversations.

Every method is one short, unbroken transaction, as in the rest of the store.
What is forgotten leaves the database at once; messages on Discord that showed it
are noted until they are deleted there. Knows nothing of Discord or of models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Conversation, Part, Turn, TurnStatus
from bot.store import tables as t
from bot.store.codec import encode_part
from bot.store.copying import copy_turns
from bot.store.reading import read_conversation, read_turn, read_turns
from bot.store.transactions import Transactions, unbroken
from bot.store.writing import add, drop_files, put, put_files


@dataclass(frozen=True, slots=True)
class Leftover:
    """What is left on Discord of a turn that is gone: messages in one channel, in order."""

    turn_id: int
    channel_id: int
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What the deletion of messages did to turns."""

    changed: tuple[Turn, ...] = ()
    """Turns whose question has lost a message, as they are now."""
    gone: tuple[Leftover, ...] = ()


@dataclass(frozen=True, slots=True)
class Forked:
    """What a fork has got: so many turns, and so many unfinished ones that it has not."""

    turns: int
    left_out: int


class History(Transactions):
    """The methods of `Store` that change what has been said."""

    @unbroken
    async def edit_said(self, message_id: int, parts: Sequence[Part]) -> Turn | None:
        """Replace what a message says; returns its turn, or None when it is unknown or says that already.

        Images and PDFs among `parts` that come without their bytes are those that the
        message brought before; the bytes of those that are not among them are deleted.
        """
        this = t.said.c.id == message_id
        new = [encode_part(part) for part in parts]
        async with self._write() as db:
            row = (await db.execute(select(t.said.c.turn_id, t.said.c.parts).where(this).with_for_update())).first()
            if row is None or row.parts == new:
                return None
            await db.execute(update(t.said).where(this).values(parts=new))
            await drop_files(db, message_id, parts)
            await put_files(db, message_id, parts)
            return await read_turn(db, row.turn_id)

    @unbroken
    async def forget_messages(self, message_ids: Collection[int]) -> Forgotten:
        """Take messages that were deleted on Discord out of questions and answers, copies in forks included.

        A turn goes when no message of its question is left, or, once it is
        finished, none of the messages that showed its answer.
        """
        said = or_(t.said.c.id.in_(message_ids), t.said.c.copy_of.in_(message_ids))
        shown = t.pages.c.id.in_(message_ids)
        left_over = t.leftovers.c.id.in_(message_ids)
        async with self._read() as db:  # of all the messages that are deleted anywhere, hardly any are ours
            if not await db.scalar(select(exists().where(said) | exists().where(shown) | exists().where(left_over))):
                return Forgotten()
        async with self._write() as db:
            asked_in = set(await db.scalars(select(t.said.c.turn_id).where(said)))
            shown_in = set(await db.scalars(select(t.pages.c.turn_id).where(shown)))
            # Held, so that two last messages deleted at once cannot each spare the turn for the other.
            await hold_turns(db, asked_in | shown_in)
            await db.execute(delete(t.said).where(said))
            await db.execute(delete(t.pages).where(shown))
            await db.execute(delete(t.leftovers).where(left_over))
            unasked = t.turns.c.id.in_(asked_in) & ~exists().where(t.said.c.turn_id == t.turns.c.id)
            unseen = t.turns.c.id.in_(shown_in) & ~exists().where(t.pages.c.turn_id == t.turns.c.id)
            finished = t.turns.c.status.not_in([status for status in TurnStatus if status.unfinished])
            gone = await forget_turns(db, unasked | (unseen & finished))
            left = asked_in - {turn.turn_id for turn in gone}
            return Forgotten(tuple(await read_turns(db, t.turns.c.id.in_(left))) if left else (), gone)

    @unbroken
    async def forget_turn(self, turn_id: int) -> Leftover | None:
        """Take a whole turn away; None when it is gone already."""
        async with self._write() as db:
            await hold_turns(db, {turn_id})
            gone = await forget_turns(db, t.turns.c.id == turn_id)
            return gone[0] if gone else None

    @unbroken
    async def forget_channel(self, channel_id: int) -> list[int]:
        """Delete the conversation in a channel, and those in its threads, with all that was said in them.

        Returns their ids. What they cost stays in the ledger.
        """
        within = or_(t.conversations.c.id == channel_id, t.conversations.c.parent_id == channel_id)
        async with self._write() as db:
            gone = list(await db.scalars(delete(t.conversations).where(within).returning(t.conversations.c.id)))
            await db.execute(delete(t.leftovers).where(t.leftovers.c.channel_id.in_(gone)))
            return gone

    @unbroken
    async def leftovers(self) -> list[Leftover]:
        """What still has to be deleted on Discord, by turn."""
        async with self._read() as db:
            rows = (await db.execute(select(t.leftovers).order_by(t.leftovers.c.turn_id, t.leftovers.c.id))).all()
        places = {row.turn_id: row.channel_id for row in rows}
        return [
            Leftover(turn_id, channel_id, tuple(row.id for row in rows if row.turn_id == turn_id))
            for turn_id, channel_id in places.items()
        ]

    @unbroken
    async def clear_leftovers(self, turn_id: int) -> None:
        """Note that nothing on Discord shows a forgotten turn any more."""
        async with self._write() as db:
            await db.execute(delete(t.leftovers).where(t.leftovers.c.turn_id == turn_id))

    @unbroken
    async def fork(self, source_id: int, fork: Conversation) -> Forked | None:
        """Store `fork` as a new conversation with the finished turns of another, all that belongs to them unaltered.

        None when the other is unknown. The copies' messages get negative ids of
        their own: they follow no edit, but go when the original is deleted.
        """
        async with self._copy() as db:
            source = await read_conversation(db, source_id)
            if source is None or not await add(db, t.conversations, asdict(fork)):
                return None
            wrote = select(t.conversations.c.persona_by).where(t.conversations.c.id == source_id).scalar_subquery()
            await db.execute(update(t.conversations).where(t.conversations.c.id == fork.id).values(persona_by=wrote))
            turns = await copy_turns(db, source, fork.id)
            total = select(func.count()).select_from(t.turns).where(t.turns.c.conversation_id == source_id)
            return Forked(turns, (await db.scalar(total) or 0) - turns)


async def hold_turns(db: AsyncConnection, turn_ids: Collection[int]) -> None:
    """Keep turns from others until the transaction ends, and note that what asked them was heard.

    Conversations before turns and both in one order, as in all transactions, so that no two wait for each other.
    """
    heard = (
        select(t.turns.c.conversation_id, func.max(t.said.c.id).label("newest"))
        .join(t.said, t.said.c.turn_id == t.turns.c.id)
        .where(t.turns.c.id.in_(turn_ids))
        .group_by(t.turns.c.conversation_id)
        .order_by(t.turns.c.conversation_id)
    )
    for row in (await db.execute(heard)).all():
        is_news = func.coalesce(t.conversations.c.heard_up_to, 0) < row.newest
        place = update(t.conversations).where(t.conversations.c.id == row.conversation_id, is_news)
        await db.execute(place.values(heard_up_to=row.newest))
    held = select(t.turns.c.id).where(t.turns.c.id.in_(turn_ids)).order_by(t.turns.c.id)
    await db.execute(held.with_for_update())


async def forget_turns(db: AsyncConnection, which: ColumnElement[bool]) -> tuple[Leftover, ...]:
    """Delete turns, and note which messages on Discord showed them."""
    heads = (
        await db.execute(select(t.turns.c.id, t.turns.c.conversation_id).where(which).order_by(t.turns.c.id))
    ).all()
    pages = select(t.pages).where(t.pages.c.turn_id.in_([turn.id for turn in heads])).order_by(t.pages.c.position)
    shown: defaultdict[int, list[int]] = defaultdict(list)
    for page in await db.execute(pages):
        shown[page.turn_id].append(page.id)
    gone = [Leftover(turn.id, turn.conversation_id, tuple(shown[turn.id])) for turn in heads]
    rows = [{"id": page, "channel_id": one.channel_id, "turn_id": one.turn_id} for one in gone for page in one.pages]
    await put(db, t.leftovers, rows, keys=("id",))
    if gone:
        await db.execute(delete(t.turns).where(t.turns.c.id.in_([one.turn_id for one in gone])))
    return tuple(gone)
